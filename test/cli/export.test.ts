import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type ExportEngine, exportCommand, type WithEngine } from '../../src/cli/export.ts';
import { copyToOut } from '../../src/cli/export-output.ts';
import { progressLine } from '../../src/cli/progress-line.ts';
import { listReportKinds } from '../../src/reports/registry.ts';
import type { FileRow } from '../../src/store/files.ts';

let folder: string;
let printed: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'daybook-export-'));
  printed = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((chunk, ...rest) => {
    printed += Buffer.from(chunk as Uint8Array).toString();
    const done = rest.find((each) => typeof each === 'function') as (() => void) | undefined;
    done?.();
    return true;
  });
});
afterEach(async () => {
  vi.restoreAllMocks();
  await rm(folder, { recursive: true, force: true });
});

const CONTENT = 'queue,offered\r\nPS,4\r\n';
const fileRow = (content: string): FileRow =>
  ({
    id: 'f',
    runId: 'r',
    name: 'n.csv',
    format: 'csv',
    mediaType: 'text/csv',
    rowCount: 1,
    coding: 'identity',
    bytes: Buffer.byteLength(content),
    sha256: createHash('sha256').update(content).digest('hex'),
    revision: 2,
    dataAsOf: Date.UTC(2026, 3, 1),
    document: { period: { from: 'a', to: 'b' }, zones: ['Europe/London'], irregularDays: [] },
  }) as unknown as FileRow;

interface Asked {
  tenant: string;
  request: Readonly<Record<string, unknown>>;
}
function engineOf(produce?: ExportEngine['produce']): { withEngine: WithEngine; asked: Asked[] } {
  const asked: Asked[] = [];
  const made = join(folder, 'made');
  const engine: ExportEngine = {
    produce:
      produce ??
      (async (tenant, request, { onProgress }) => {
        asked.push({ tenant, request });
        onProgress({ days: { total: 1, done: 1, cached: 0 }, rows: 1 });
        await writeFile(made, CONTENT);
        return { path: made, file: fileRow(CONTENT) };
      }),
  };
  return { withEngine: (_, work) => work(engine), asked };
}

const FLAGS = ['--tenant', 'acme', '--from', '2026-03-01', '--to', '2026-03-31'];
const run = (withEngine: WithEngine, args: string[]) =>
  exportCommand(withEngine)
    .exitOverride()
    .configureOutput({ writeErr: () => {} })
    .parseAsync(args, { from: 'user' });

describe('daybook export', () => {
  it('passes on every flag and writes the file', async () => {
    const { withEngine, asked } = engineOf();
    const out = join(folder, 'q.xlsx');
    await run(withEngine, [
      'queues',
      ...FLAGS,
      ...['--zone', 'America/Sao_Paulo', '--grain', 'day', '--columns', 'queue, offered'],
      ...['--where', 'queue=PS,NE', '--where', 'wait_seconds>=5'],
      ...['--param', 'service_level_seconds=30', '--locale', 'es', '--headers', 'keys'],
      ...['--cell-refs', 'always', '--no-cache', '--out', out],
    ]);
    expect(asked).toEqual([
      {
        tenant: 'acme',
        request: {
          report: 'queues',
          from: '2026-03-01',
          to: '2026-03-31',
          format: 'xlsx',
          zone: 'America/Sao_Paulo',
          grain: 'day',
          columns: ['queue', 'offered'],
          where: ['queue=PS,NE', 'wait_seconds>=5'],
          params: { service_level_seconds: '30' },
          locale: 'es',
          headers: 'keys',
          cell_refs: 'always',
          cache: false,
        },
      },
    ]);
    expect(await readFile(out, 'utf8')).toBe(CONTENT);
    expect(printed).toBe(`${out}: 1 rows, ${CONTENT.length} bytes\n`);
  });

  it.each([
    ['x.csv.gz', 'csv.gz'],
    ['x.CSV', 'csv'],
    ['x.zip', 'zip'],
    ['x.ndjson', 'ndjson'],
    ['x.txt', 'csv'],
  ])('takes the format of %s to be %s', async (name, format) => {
    const { withEngine, asked } = engineOf();
    await run(withEngine, ['queues', ...FLAGS, '--out', join(folder, name)]);
    expect(asked[0].request.format).toBe(format);
  });

  it('prints one JSON document with --json', async () => {
    const { withEngine } = engineOf();
    const out = join(folder, 'q.csv');
    await run(withEngine, ['queues', ...FLAGS, '--out', out, '--json']);
    expect(JSON.parse(printed)).toMatchObject({
      out,
      run: 'r',
      rows: 1,
      revision: 2,
      zones: ['Europe/London'],
      data_as_of: '2026-04-01T00:00:00.000Z',
    });
  });

  it('streams the bytes alone to standard output with --out -', async () => {
    await run(engineOf().withEngine, ['queues', ...FLAGS, '--out', '-']);
    expect(printed).toBe(CONTENT);
  });

  it.each([
    [['quesues', ...FLAGS], 'report', 'quesues'],
    [['queues', '--tenant', 'a', '--from', 'x', '--to', '2026-03-01'], '--from', '"x"'],
    [
      ['queues', '--tenant', 'a', '--from', '2026-03-02', '--to', '2026-03-01'],
      '--to',
      '2026-03-01',
    ],
    [['queues', ...FLAGS, '--format', 'pdf'], '--format', '"pdf"'],
    [['queues', ...FLAGS, '--zone', 'Mars'], '--zone', 'Mars'],
    [['queues', ...FLAGS, '--grain', 'row'], '--grain', '"row"'],
    [['queues', ...FLAGS, '--columns', 'queue,nope'], '--columns', '"nope"'],
    [['queues', ...FLAGS, '--where', 'nope=1'], '--where', '"nope"'],
    [['queues', ...FLAGS, '--where', 'queue'], '--where', 'queue'],
    [['queues', ...FLAGS, '--where', 'wait_seconds>=x'], '--where: wait_seconds', '"x"'],
    [['queues', ...FLAGS, '--param', 'x=1'], '--param x', '"1"'],
    [['queues', ...FLAGS, '--param', 'x'], '--param', '"x"'],
    [['queues', ...FLAGS, '--param', 'a=1', '--param', 'a=2'], '--param', 'a twice'],
    [['queues', ...FLAGS, '--locale', 'fr'], '--locale', '"fr"'],
    [['queues', ...FLAGS, '--headers', 'none'], '--headers', '"none"'],
    [['queues', ...FLAGS, '--cell-refs', 'yes'], '--cell-refs', '"yes"'],
  ])('%j names %s before anything is started', async (args, where, got) => {
    const withEngine = vi.fn();
    const failure = await run(withEngine, [...args, '--out', join(folder, 'x')]).catch((e) => e);
    expect(failure.message).toContain(where);
    expect(failure.message).toContain(got);
    expect(failure.status).toBeGreaterThanOrEqual(400);
    expect(failure.status).toBeLessThan(500);
    expect(withEngine).not.toHaveBeenCalled();
  });

  it.each(['q.pdf', 'q.XLS', 'q.json'])(
    'refuses --out %s, another kind of file, until a --format says what is meant',
    async (name) => {
      const { withEngine, asked } = engineOf();
      const args = ['queues', ...FLAGS, '--out', join(folder, name)];
      await expect(run(withEngine, args)).rejects.toThrow(/--out: got the ending .*\.xlsx/);
      expect(asked).toEqual([]);
      await run(withEngine, [...args, '--format', 'csv']);
      expect(asked[0].request.format).toBe('csv');
    },
  );

  it('refuses an --out in no folder, a folder itself, and --json beside -', async () => {
    const withEngine = vi.fn();
    for (const out of [join(folder, 'no/such/file'), folder]) {
      await expect(run(withEngine, ['queues', ...FLAGS, '--out', out])).rejects.toThrow(/--out/);
    }
    const both = run(withEngine, ['queues', ...FLAGS, '--out', '-', '--json']);
    await expect(both).rejects.toThrow(/--json/);
    expect(withEngine).not.toHaveBeenCalled();
  });

  it('interrupted, cancels the run, leaves the old file and nothing beside it', async () => {
    const out = join(folder, 'old.csv');
    await writeFile(out, 'old');
    const { withEngine } = engineOf(
      (_, __, { signal }) =>
        new Promise((___, reject) => {
          signal.addEventListener('abort', () => reject(new Error('gave up')));
          process.emit('SIGINT');
        }),
    );
    await expect(run(withEngine, ['queues', ...FLAGS, '--out', out])).rejects.toMatchObject({
      code: 'E_CANCELLED',
    });
    expect(await readdir(folder)).toEqual(['old.csv']);
    expect(await readFile(out, 'utf8')).toBe('old');
    expect(process.listenerCount('SIGINT')).toBe(0);
  });

  it('lists every report with its columns, filters and parameters in --help', () => {
    let help = '';
    const command = exportCommand(engineOf().withEngine).configureOutput({
      writeOut: (text) => {
        help += text;
      },
    });
    command.outputHelp();
    for (const { name } of listReportKinds()) expect(help).toContain(`  ${name}: `);
    expect(help).toContain('service_level_seconds=0…86400 (default 20)');
    expect(help).toContain('average_wait');
    expect(help).toContain('disposition');
  });
});

describe('the copy to --out', () => {
  const made = async (content: string) => {
    const from = join(folder, 'from');
    await writeFile(from, content);
    return from;
  };
  const never = new AbortController().signal;

  it('of something else than the run made leaves the target as it was', async () => {
    const to = join(folder, 'to');
    await writeFile(to, 'old');
    const from = await made('0123456789');
    for (const file of [fileRow('012345678'), fileRow('9876543210')]) {
      await expect(copyToOut({ from, to, file, signal: never })).rejects.toMatchObject({
        code: 'E_IO',
      });
    }
    expect(await readFile(to, 'utf8')).toBe('old');
    expect((await readdir(folder)).sort()).toEqual(['from', 'to']);
  });

  it('that is aborted leaves the target as it was', async () => {
    const content = 'x'.repeat(5_000_000);
    const from = await made(content);
    const to = join(folder, 'to');
    const stop = new AbortController();
    const copying = copyToOut({ from, to, file: fileRow(content), signal: stop.signal });
    stop.abort();
    await expect(copying).rejects.toThrow();
    expect(await readdir(folder)).toEqual(['from']);
  });

  it('onto a full device fails with E_NO_SPACE that names it', async () => {
    const from = await made('x');
    await expect(
      copyToOut({ from, to: '/dev/full', file: fileRow('x'), signal: never }),
    ).rejects.toMatchObject({ code: 'E_NO_SPACE', details: { where: '--out /dev/full' } });
  });
});

describe('the line of progress', () => {
  it('is drawn on terminals only, and removed', () => {
    let text = '';
    const out = { isTTY: true, write: (chunk: string) => (text += chunk) };
    let now = 0;
    const line = progressLine(out, () => now);
    now = 2000;
    line.show({ days: { total: 31, done: 3, cached: 1 }, rows: 5000 });
    expect(text).toContain('3 of 31 days (1 from cache), 5,000 rows, 2,500 rows/s');
    line.clear();
    expect(text.endsWith('\r\x1b[K')).toBe(true);
    text = '';
    progressLine({ ...out, isTTY: false }).show({
      days: { total: 1, done: 1, cached: 1 },
      rows: 1,
    });
    expect(text).toBe('');
  });
});
