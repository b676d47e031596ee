import { appendFileSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import ExcelJS from 'exceljs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseAgentConfig } from '../../src/agent/agent-config.ts';
import { Folder } from '../../src/agent/folder.ts';
import { configFor, onceWith, rowsOf, temporaryFolder } from './support/agents.ts';
import { type Receiver, startReceiver } from './support/receiver.ts';

let folder: ReturnType<typeof temporaryFolder>;
let receiver: Receiver;
beforeEach(async () => {
  folder = temporaryFolder();
  receiver = await startReceiver();
});
afterEach(async () => {
  folder.remove();
  await receiver.close();
});

const at = (name: string) => join(folder.path, name);

function config(source: object = {}) {
  const base = {
    name: 'f',
    type: 'files',
    dataset: 'calls',
    folder: folder.path,
    settle_seconds: 0,
  };
  return configFor(receiver, at('state'), [{ ...base, pattern: '*.*', ...source }], {
    limits: { batch_rows: 3 },
  });
}

const sent = () => rowsOf(receiver.taken).map(({ id }) => id);

describe('a folder of files', () => {
  it('is read in every format that load reads, each row once', async () => {
    writeFileSync(at('a.csv'), 'id,note\n1,"a, b"\n2,\n');
    writeFileSync(at('b.tsv.gz'), gzipSync('id\tnote\n3\tx\n'));
    writeFileSync(at('c.ndjson'), '{"id":"4","deep":{"a":1}}\n{"id":5}\nno json\n');
    const book = new ExcelJS.Workbook();
    book.addWorksheet('s').addRows([
      ['id', 'note'],
      ['6', 'y'],
    ]);
    await book.xlsx.writeFile(at('d.xlsx'));
    [...'abcd'].forEach((letter, i) => {
      const name = { a: 'a.csv', b: 'b.tsv.gz', c: 'c.ndjson', d: 'd.xlsx' }[letter] as string;
      utimesSync(at(name), 1_000 + i, 1_000 + i);
    });
    expect(await onceWith(config())).toMatchObject([{ error: null, taken: 7, refused: 1 }]);
    expect(rowsOf(receiver.taken)).toEqual([
      { id: '1', note: 'a, b' },
      { id: '2', note: '' },
      { id: '3', note: 'x' },
      { id: '4', deep: '{"a":1}' },
      { id: '5' },
      { _refused: 'the line is no JSON', _raw: 'no json' },
      { id: '6', note: 'y' },
    ]);
  });

  it('goes on behind what was taken when a file grew, and anew when it was rewritten', async () => {
    writeFileSync(at('a.csv'), 'id\n1\n2\n3\n4\n');
    await onceWith(config());
    appendFileSync(at('a.csv'), '5\n6\n');
    expect(await onceWith(config())).toMatchObject([{ error: null, read: 6, taken: 2 }]);
    expect(sent()).toEqual(['1', '2', '3', '4', '5', '6']);
    writeFileSync(at('a.csv'), 'id\n7\n2\n3\n4\n5\n6\n8\n');
    expect(await onceWith(config())).toMatchObject([{ error: null, taken: 7 }]);
    writeFileSync(at('a.csv'), 'id\n9\n');
    expect(await onceWith(config())).toMatchObject([{ error: null, taken: 1 }]);
    expect(sent().slice(6)).toEqual(['7', '2', '3', '4', '5', '6', '8', '9']);
  });

  it('a file that only was touched, or has a new name beside the old, sends what is new', async () => {
    writeFileSync(at('a.csv'), 'id\n1\n');
    await onceWith(config());
    utimesSync(at('a.csv'), 5, 5);
    expect(await onceWith(config())).toMatchObject([{ error: null, taken: 0 }]);
    writeFileSync(at('b.csv'), 'id\n2\n');
    rmSync(at('a.csv'));
    expect(await onceWith(config())).toMatchObject([{ error: null, taken: 1 }]);
    expect(sent()).toEqual(['1', '2']);
  });

  it('a file without rows is done, and one that cannot be read keeps no other', async () => {
    writeFileSync(at('a.csv'), 'id\n');
    writeFileSync(at('b.csv.gz'), gzipSync('id\n1\n2\n').subarray(0, 20));
    writeFileSync(at('c.csv'), 'id\n3\n');
    expect(await onceWith(config())).toMatchObject([{ error: null, taken: 1, waiting: 0 }]);
    writeFileSync(at('b.csv.gz'), gzipSync('id\n1\n2\n'));
    expect(await onceWith(config())).toMatchObject([{ error: null, taken: 2 }]);
    expect(sent()).toEqual(['3', '1', '2']);
  });

  it('with markers, a file counts as whole when its marker stands beside it', async () => {
    writeFileSync(at('a.csv'), 'id\n1\n');
    const of = config({ complete: 'marker' });
    expect(await onceWith(of)).toMatchObject([{ error: null, taken: 0 }]);
    writeFileSync(at('a.csv.done'), '');
    expect(await onceWith(of)).toMatchObject([{ error: null, taken: 1 }]);
    expect(sent()).toEqual(['1']);
  });

  it('row numbers of a map are those of the file, in whichever batch the row goes', async () => {
    writeFileSync(at('a.csv'), `o,at\n${Array(8).fill('A,2024-01-01T00:00:00Z').join('\n')}\n`);
    const map = {
      fields: {
        ...{ order_id: 'o', line_no: { row_number: true }, ordered_at: 'at', sku: { value: 's' } },
        ...{ quantity: { value: '1' }, unit_price: { value: '0.10' } },
      },
    };
    await onceWith(config({ dataset: 'order_lines', map }));
    const rows = rowsOf(receiver.taken) as unknown as { line_no: number; unit_price: string }[];
    expect(rows.map(({ line_no }) => line_no)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(rows[0].unit_price).toBe('0.10');
  });
});

describe('looking', () => {
  function folderOf(source: object, nowMs: () => number) {
    const [of] = parseAgentConfig(
      {
        daybook: { url: 'http://localhost', key_id: 'k', key: { env: 'KEY' } },
        state: 'state',
        sources: [{ name: 'f', type: 'files', dataset: 'calls', folder: folder.path, ...source }],
      },
      { environment: { KEY: 'x'.repeat(24) }, folder: folder.path },
    ).sources;
    if (of.type !== 'files') throw new Error('no files');
    return new Folder(of, nowMs);
  }

  it('takes a file only after it stood unchanged for as long as it must, whatever its own time says', async () => {
    let now = 0;
    const look = folderOf({ settle_seconds: 10 }, () => now);
    writeFileSync(at('a.csv'), 'id\n1\n');
    utimesSync(at('a.csv'), 1, 1);
    expect(await look.look()).toEqual([]);
    now = 9_999;
    expect(await look.look()).toEqual([]);
    appendFileSync(at('a.csv'), '2\n');
    utimesSync(at('a.csv'), 1, 1);
    now = 10_000;
    expect(await look.look()).toEqual([]);
    now = 20_000;
    expect(await look.look()).toMatchObject([{ name: 'a.csv', readable: 7 }]);
    renameSync(at('a.csv'), at('.a.csv'));
    expect(await look.look()).toEqual([]);
  });

  it('of a file that grows takes the lines that are whole', async () => {
    const look = folderOf({ complete: 'growing' }, () => 0);
    writeFileSync(at('Master.csv'), 'one\ntwo\nthr');
    expect(await look.look()).toMatchObject([{ readable: 8 }]);
    writeFileSync(at('Master.csv'), 'thr');
    expect(await look.look()).toEqual([]);
  });

  it('asks names the pattern, in full', async () => {
    for (const name of ['a.csv', 'b.csv', 'a.csv.bak', 'acsv']) writeFileSync(at(name), 'x\n');
    const look = folderOf({ pattern: '?.csv', complete: 'growing' }, () => 0);
    expect((await look.look()).map(({ name }) => name).sort()).toEqual(['a.csv', 'b.csv']);
  });
});
