import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseAgentConfig, readAgentConfig } from '../../src/agent/agent-config.ts';
import { temporaryFolder } from './support/agents.ts';

const KEY = 'a key of more than twenty-four bytes';
const GOOD = {
  daybook: { url: 'https://daybook.example/', key_id: 'dbi_1', key: { env: 'KEY' } },
  state: 'state',
  sources: [
    {
      ...{ name: 'pbx', type: 'mysql', dataset: 'calls', url: { env: 'PBX' }, table: 'cdr' },
      watermark: { column: 'calldate', key: ['uniqueid'] },
    },
  ],
};

let folder: ReturnType<typeof temporaryFolder>;
beforeAll(() => {
  folder = temporaryFolder();
});
afterAll(() => folder.remove());

const parse = (raw: unknown, environment: Record<string, string> = { KEY, PBX: 'mysql://x' }) =>
  parseAgentConfig(raw, { environment, folder: folder.path });

function problem(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    return (error as Error).message;
  }
  return 'none';
}

describe('the configuration of an agent', () => {
  it('takes its secrets from the environment or from files, and paths from beside itself', () => {
    writeFileSync(join(folder.path, 'key'), `whsec_${Buffer.alloc(32, 7).toString('base64')}\n`);
    writeFileSync(
      join(folder.path, 'agent.json'),
      JSON.stringify({ ...GOOD, daybook: { ...GOOD.daybook, key: { file: 'key' } } }),
    );
    const config = readAgentConfig(join(folder.path, 'agent.json'), { PBX: 'mysql://u@h/d' });
    expect(config).toMatchObject({
      url: 'https://daybook.example',
      state: join(folder.path, 'state'),
      sources: [{ url: 'mysql://u@h/d', everyMs: 60_000, key: { id: 'dbi_1' } }],
    });
    expect(config.sources[0].key.bytes).toEqual(Buffer.alloc(32, 7));
  });

  it('names every problem at once', () => {
    const [pbx] = GOOD.sources;
    const message = problem(() =>
      parse(
        {
          ...GOOD,
          daybook: { ...GOOD.daybook, url: 'http://daybook.example' },
          sources: [
            { ...pbx, query: 'select 1' },
            { ...pbx, mirror: {}, url: { file: 'nothing' } },
            { ...pbx, name: 'c', map: { fields: { external_id: { row_number: true } } } },
            { ...pbx, name: 'd', watermark: { ...pbx.watermark, zone: 'Mars/Base' } },
          ],
        },
        { KEY: 'short', PBX: 'mysql://x' },
      ),
    );
    for (const part of [
      'daybook.url: got http:// to another machine',
      'daybook.key: the key has 5 bytes; expected 24',
      'sources[0]: expected one of table and query',
      'sources[1]: expected one of watermark and mirror',
      'sources[1].name: pbx stands twice',
      'nothing cannot be read (ENOENT)',
      'sources[2].map: map: fields.started_at',
      'sources[2].map: row_number counts the rows of a file',
      'sources[3].watermark.zone: zone: "Mars/Base" is not a time zone',
    ]) {
      expect(message).toContain(part);
    }
  });

  it('never repeats a secret, and refuses one that stands in the file itself', () => {
    const [pbx] = GOOD.sources;
    const inline = { ...GOOD, sources: [{ ...pbx, url: 'mysql://root:hunter2@h/d' }] };
    const message = problem(() => parse(inline));
    expect(message).toContain('sources[0].url: expected {"env": NAME} or {"file": PATH}');
    expect(message).not.toContain('hunter2');
    expect(problem(() => parse(GOOD, { PBX: 'mysql://x' }))).toContain('there is no KEY');
  });

  it('refuses keys that nobody knows, wherever they stand', () => {
    const [pbx] = GOOD.sources;
    const message = problem(() =>
      parse({ ...GOOD, sources: [{ ...pbx, tabel: 'cdr' }], limits: { rows: 1 } }),
    );
    expect(message).toContain('tabel');
    expect(message).toContain('limits');
  });
});
