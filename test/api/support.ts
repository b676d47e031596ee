import { randomUUID } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { RateLimiterMemory } from 'rate-limiter-flexible';
import type { ApiDeps, RunProgress } from '../../src/api/deps.ts';
import type { ApiServer } from '../../src/api/routes/context.ts';
import { buildServer } from '../../src/api/server.ts';
import { makeFilesFolder } from '../../src/cache/unfinished.ts';
import { installationKeys } from '../../src/delivery/installation-secret.ts';
import type { ReportDocument } from '../../src/reports/document.ts';
import type { FileBlock } from '../../src/reports/stored-form.ts';
import { createApiKey } from '../../src/store/api-keys.ts';
import type { FileRow, NewFile } from '../../src/store/files.ts';
import { insertFile } from '../../src/store/files.ts';
import { moveRun } from '../../src/store/runs.ts';
import {
  addTestTenant,
  freshDatabase,
  type TestDatabase,
  type TestTenant,
} from '../support/database.ts';

export interface TestApi {
  readonly server: ApiServer;
  readonly deps: ApiDeps;
  readonly db: TestDatabase;
  readonly home: string;
  readonly a: TestTenant;
  readonly b: TestTenant;
  /** Headers of an admin key of tenant a, and of b. */
  readonly asA: { authorization: string };
  readonly asB: { authorization: string };
  readonly runner: FakeRunner;
  readonly logged: string[];
  close(): Promise<void>;
}

export async function startApi(overrides: Partial<ApiDeps> = {}): Promise<TestApi> {
  const db = await freshDatabase();
  const home = await mkdtemp(join(tmpdir(), 'daybook-api-'));
  makeFilesFolder(home);
  const a = await addTestTenant(db.database, { name: 'acme', zone: 'Europe/London' });
  const b = await addTestTenant(db.database, { name: 'bolt', zone: 'America/Sao_Paulo' });
  const runner = new FakeRunner(db, home);
  const logged: string[] = [];
  const deps: ApiDeps = {
    database: db.database,
    log: pino({ level: 'trace' }, { write: (line: string) => void logged.push(line) }),
    home,
    publicUrl: 'http://127.0.0.1:8080',
    wake: () => runner.events.emit('wake'),
    progress: runner,
    summaries: async () => {
      throw new Error('no summary was expected');
    },
    changes: async () => {
      throw new Error('no changes were asked for');
    },
    jwt: null,
    keys: installationKeys('a secret of thirty-two characters'),
    privateTargets: 'refuse',
    rateLimit: new RateLimiterMemory({ points: 100_000, duration: 60 }),
    metrics: new Registry(),
    now: Date.now,
    ...overrides,
  };
  const server = await buildServer(deps);
  return {
    server,
    deps,
    db,
    home,
    a,
    b,
    asA: await keyFor(db, a.id, ['admin']),
    asB: await keyFor(db, b.id, ['admin']),
    runner,
    logged,
    close: async () => {
      await server.close();
      await db.drop();
      await rm(home, { recursive: true, force: true });
    },
  };
}

export async function keyFor(
  db: TestDatabase,
  tenantId: string | null,
  scopes: string[],
): Promise<{ authorization: string }> {
  const { token } = await db.database.asSystem((tx) =>
    createApiKey(tx, { tenantId, name: 'test', scopes, createdBy: 'test' }),
  );
  return { authorization: `Bearer ${token}` };
}

export const MARCH = { report: 'queues', from: '2026-03-01', to: '2026-03-31', format: 'csv' };

/** Blocks as the runner enters them for a file that is not coded, but short ones. */
export function blocksOf(stored: Buffer, blockBytes = 100_000): FileBlock[] {
  return Array.from({ length: Math.ceil(stored.length / blockBytes) }, (_, index) => {
    const block = stored.subarray(index * blockBytes, (index + 1) * blockBytes);
    return { bytes: block.length, rawBytes: block.length, crc32: crc32(block) };
  });
}

/** Stands in for the run executor: moves rows as it would, and tells of it. */
export class FakeRunner {
  readonly events = new EventEmitter().setMaxListeners(0);
  private readonly db: TestDatabase;
  private readonly home: string;

  constructor(db: TestDatabase, home: string) {
    this.db = db;
    this.home = home;
  }

  subscribe(runId: string, listener: (progress: RunProgress) => void): () => void {
    this.events.on(runId, listener);
    return () => this.events.off(runId, listener);
  }

  tell(
    runId: string,
    state: RunProgress['state'],
    done: number,
    artifact: RunProgress['artifact'] = null,
  ): void {
    const days = { total: 31, done, cached: 0 };
    this.events.emit(runId, { runId, state, days, rows: done * 10, artifact });
  }

  async start(tenantId: string, runId: string): Promise<void> {
    await this.db.database.asTenant(tenantId, (tx) => moveRun(tx, { id: runId, to: 'running' }));
    this.tell(runId, 'running', 0);
  }

  async finish(
    tenantId: string,
    runId: string,
    content: Uint8Array | string = 'a,b\r\n1,2\r\n',
    changes: Partial<NewFile> = {},
  ): Promise<FileRow> {
    const bytes = Buffer.from(content);
    const path = `file-${runId}`;
    await writeFile(join(this.home, path), bytes);
    const file = await this.db.database.asTenant(tenantId, async (tx) => {
      await moveRun(tx, { id: runId, to: 'running' });
      const entered = await insertFile(tx, {
        id: randomUUID(),
        tenantId,
        runId,
        name: 'acme queues – März 2026.csv',
        format: 'csv',
        mediaType: 'text/csv; charset=utf-8',
        path,
        bytes: bytes.length,
        sha256: null,
        coding: 'identity',
        storedBytes: bytes.length,
        blocks: blocksOf(bytes),
        rowCount: 1,
        document: {} as ReportDocument,
        dataAsOf: null,
        revision: 1,
        expiresAt: null,
        ...changes,
      });
      await moveRun(tx, { id: runId, to: 'done' });
      return entered;
    });
    this.tell(runId, 'done', 31);
    return file;
  }
}
