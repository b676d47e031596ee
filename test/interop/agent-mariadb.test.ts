import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import mysql from 'mysql2/promise';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { configFor, onceWith, rowsOf, temporaryFolder } from '../agent/support/agents.ts';
import { type Receiver, startReceiver } from '../agent/support/receiver.ts';

/** The agent beside a real MariaDB: types as they are stored there, and rows that commit late. */

const run = promisify(execFile);

let maria: Awaited<ReturnType<typeof startMaria>>;
beforeAll(async () => {
  maria = await startMaria();
});
afterAll(() => maria?.stop());

it('times, decimals, large numbers, zero dates and latin1 arrive as what they are', async () => {
  await maria.sql(`
    create table cdr (
      id bigint unsigned primary key, calldate datetime not null, answer datetime null,
      hangup timestamp(3) null, src varchar(80) character set latin1, cost decimal(20,9), big bigint,
      raw varbinary(8), flags bit(3), changed datetime(6) not null
    ) engine=innodb default charset=utf8mb4;
    insert into cdr values
      (18446744073709551615, '2024-07-01 08:15:00', '2024-07-01 08:15:05', '2024-07-01 06:20:00.123',
       _latin1 X'4DFC6C6C6572', 12345678901.123456789, -9007199254740993, X'00ff7f', b'101', '2024-07-01 08:20:00.000001'),
      (2, '2024-07-01 08:16:00', '0000-00-00 00:00:00', null, null, null, null, null, null,
       '2024-07-01 08:20:00.000002')`);
  const receiver = await startReceiver();
  const folder = temporaryFolder();
  try {
    const plain = configOf(receiver, folder.path, { name: 'plain', table: 'shop.cdr' });
    expect(await onceWith(plain)).toMatchObject([{ error: null, taken: 2 }]);
    expect(rowsOf(receiver.taken.slice(0, 1))).toEqual([
      {
        ...{ id: '18446744073709551615', calldate: '2024-07-01 08:15:00' },
        ...{ answer: '2024-07-01 08:15:05', hangup: '2024-07-01 06:20:00.123Z', src: 'Müller' },
        ...{ cost: '12345678901.123456789', big: '-9007199254740993', raw: '00ff7f', flags: '5' },
        changed: '2024-07-01 08:20:00.000001',
      },
      { id: '2', calldate: '2024-07-01 08:16:00', changed: '2024-07-01 08:20:00.000002' },
    ]);
    const map = {
      zone: 'Europe/Berlin',
      fields: {
        external_id: 'id',
        started_at: 'calldate',
        answered_at: 'answer',
        ended_at: { latest: ['hangup', 'calldate'] },
        caller: 'src',
        disposition: { value: 'answered' },
      },
    };
    const mapped = configOf(receiver, folder.path, { name: 'mapped', table: 'cdr', map });
    const before = receiver.taken.length;
    expect(await onceWith(mapped)).toMatchObject([{ error: null, taken: 2, refused: 0 }]);
    expect(rowsOf(receiver.taken.slice(before, before + 1))).toEqual([
      {
        ...{ external_id: '18446744073709551615', started_at: '2024-07-01T06:15:00.000Z' },
        ...{ answered_at: '2024-07-01T06:15:05.000Z', ended_at: '2024-07-01T06:20:00.123Z' },
        ...{ caller: 'Müller', disposition: 'answered' },
      },
      {
        ...{ external_id: '2', started_at: '2024-07-01T06:16:00.000Z' },
        ...{ ended_at: '2024-07-01T06:16:00.000Z', disposition: 'answered' },
      },
    ]);
  } finally {
    folder.remove();
    await receiver.close();
  }
});

it('keys beyond 2^53 are paged exactly, and a row that commits late is not missed', async () => {
  await maria.sql(`
    create table ticks (id bigint not null primary key, at datetime(6) not null, note varchar(20));
    insert into ticks select 9007199254740993 + seq, '2024-07-01 08:00:00', 'same' from seq_1_to_2500`);
  const receiver = await startReceiver();
  const folder = temporaryFolder();
  try {
    const config = configOf(receiver, folder.path, {
      ...{ name: 'ticks', table: 'ticks' },
      watermark: { column: 'at', key: ['id'], zone: 'UTC', overlap: 3_600 },
    });
    const slow = await mysql.createConnection(maria.url);
    await slow.query('start transaction');
    await slow.query("insert into ticks values (1, '2024-07-01 08:00:01', 'late')");
    await maria.sql("insert into ticks values (2, '2024-07-01 08:30:00', 'early')");
    expect(await onceWith(config)).toMatchObject([{ error: null, read: 2501, taken: 2501 }]);
    const ids = rowsOf(receiver.taken.filter(({ path }) => path === '/v1/ingest/calls'));
    expect(new Set(ids.map(({ id }) => id)).size).toBe(2501);
    await slow.query('commit');
    await slow.end();
    expect(await onceWith(config)).toMatchObject([{ error: null, taken: 1 }]);
    expect(rowsOf(receiver.taken).filter(({ note }) => note === 'late')).toHaveLength(1);
    expect(await onceWith(config)).toMatchObject([{ error: null, taken: 0 }]);
  } finally {
    folder.remove();
    await receiver.close();
  }
});

it('a snapshot goes whole, and again only when a row is another', async () => {
  await maria.sql(`
    create table prices (sku varchar(20) primary key, price decimal(10,2));
    insert into prices values ('a', 1.10), ('b', 2.20), ('c', 3.30)`);
  const receiver = await startReceiver();
  const folder = temporaryFolder();
  try {
    const config = configOf(receiver, folder.path, {
      ...{ name: 'prices', table: 'prices', mirror: {}, watermark: undefined },
    });
    expect(await onceWith(config)).toMatchObject([{ error: null, taken: 3 }]);
    expect(receiver.taken.map(({ path }) => path.replace('/v1/ingest/calls', ''))).toEqual([
      ...['/mirror', '/mirror/snap1/rows?part=1000', '/mirror/snap1/commit'],
    ]);
    expect(await onceWith(config)).toMatchObject([{ error: null, read: 3, taken: 0 }]);
    await maria.sql("update prices set price = 3.31 where sku = 'c'");
    expect(await onceWith(config)).toMatchObject([{ error: null, taken: 3 }]);
    expect(receiver.taken).toHaveLength(6);
  } finally {
    folder.remove();
    await receiver.close();
  }
});

it('a query that would write is refused by the server itself', async () => {
  await maria.sql('create table kept (id int primary key, at int not null)');
  await maria.sql(
    'create function sneak() returns int modifies sql data begin insert into kept values (1, 1); return 1; end',
  );
  const receiver = await startReceiver();
  const folder = temporaryFolder();
  try {
    const config = configOf(receiver, folder.path, {
      ...{ name: 'sneak', table: undefined, query: 'select sneak() as id, 1 as at' },
      watermark: { column: 'at', key: ['id'] },
    });
    const [outcome] = await onceWith(config);
    expect(outcome.error).toContain('READ ONLY transaction');
    expect(await maria.sql('select count(*) as n from kept')).toEqual([{ n: 0 }]);
  } finally {
    folder.remove();
    await receiver.close();
  }
});

function configOf(receiver: Receiver, state: string, source: object) {
  const base = {
    ...{ type: 'mysql', dataset: 'calls', url: { env: 'MARIA' } },
    watermark: { column: 'changed', key: ['id'], zone: 'UTC' },
  };
  return configFor(receiver, state, [JSON.parse(JSON.stringify({ ...base, ...source }))], {
    ...{ limits: { batch_rows: 1_000 }, secrets: { MARIA: maria.url } },
  });
}

/** A server of its own in a temporary folder. @throws Error when MariaDB is not installed */
async function startMaria() {
  const program = ['/usr/sbin/mariadbd', '/usr/libexec/mariadbd'].find(existsSync);
  if (program === undefined) throw new Error('no mariadbd: apt-get install mariadb-server');
  const folder = await mkdtemp(join(tmpdir(), 'daybook-maria-'));
  const user = userInfo().username;
  const data = join(folder, 'data');
  await run('mariadb-install-db', [
    ...['--no-defaults', `--datadir=${data}`, `--user=${user}`, '--skip-test-db'],
    '--auth-root-authentication-method=normal',
  ]);
  const port = await freePort();
  const child = spawn(
    program,
    [
      ...['--no-defaults', `--datadir=${data}`, `--user=${user}`, `--socket=${folder}/s`],
      ...['--skip-networking=0', '--bind-address=127.0.0.1', `--port=${port}`],
      ...[
        `--pid-file=${folder}/pid`,
        '--innodb-buffer-pool-size=32M',
        '--sql-mode=',
        '--skip-name-resolve',
      ],
    ],
    { stdio: 'ignore' },
  );
  const ended = once(child, 'exit');
  const root = `mysql://root@127.0.0.1:${port}/`;
  const deadline = performance.now() + 60_000;
  for (;;) {
    const up = await mysql.createConnection(`${root}mysql`).catch(() => null);
    if (up !== null) {
      await up.query('create database shop');
      await up.query("grant all on *.* to reader@'%' identified by 'secret'");
      await up.end();
      break;
    }
    if (child.exitCode !== null || performance.now() > deadline)
      throw new Error('mariadbd did not start');
    await sleep(100);
  }
  const admin = await mysql.createConnection({
    uri: `${root}shop`,
    multipleStatements: true,
  });
  return {
    url: `mysql://reader:secret@127.0.0.1:${port}/shop`,
    sql: async (text: string) => (await admin.query(text))[0],
    stop: async () => {
      await admin.end();
      child.kill('SIGTERM');
      await ended;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}
