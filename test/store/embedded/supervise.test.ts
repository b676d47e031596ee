import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { openDatabase } from '../../../src/store/database.ts';
import { identityOf } from '../../../src/store/embedded/process-identity.ts';
import { stopServer, watchServer } from '../../../src/store/embedded/server.ts';
import {
  type PostgresEvent,
  startEmbeddedPostgres,
  superviseEmbeddedPostgres,
} from '../../../src/store/embedded-postgres.ts';
import { ask, freshHome, UNSAFE_AND_FAST } from '../../support/embedded.ts';

describe('a supervised server', () => {
  it('that is killed comes back under the same URL, for the same pools, with all that was committed', async () => {
    const events: PostgresEvent[] = [];
    const server = await superviseEmbeddedPostgres({
      home: freshHome(),
      settings: { fsync: 'off', shared_buffers: '32MB' },
      onEvent: (event) => events.push(event),
    });
    await ask(server.url, 'create table kept as select 42 as answer');
    const database = openDatabase({
      url: server.url,
      maxConnections: 2,
      applicationName: 'outlives its server',
      log: pino({ level: 'silent' }),
    });
    const answer = () => database.asOwner((tx) => tx.query('select answer from kept'));
    const seen = (kind: string) => events.filter((event) => event.kind === kind).length;
    for (const times of [1, 2]) {
      expect(await answer()).toEqual([{ answer: 42 }]);
      const pid = server.pid();
      process.kill(pid, 'SIGKILL');
      await expect.poll(() => seen('restarted'), { timeout: 30_000 }).toBe(times);
      expect(server.pid()).not.toBe(pid);
      expect(await answer()).toEqual([{ answer: 42 }]);
    }
    await database.close();
    expect(events[0]).toMatchObject({ kind: 'lost', exitCode: null });
    const last = server.pid();
    await server.stop();
    expect(identityOf(last)).toBeNull();
    expect(seen('lost')).toBe(2);
  });

  it('stays up for who joined it when its supervisor leaves', async () => {
    const home = freshHome();
    const server = await superviseEmbeddedPostgres({
      home,
      settings: UNSAFE_AND_FAST,
      onEvent: () => {},
    });
    const joined = await startEmbeddedPostgres({ home });
    await server.stop();
    expect(await ask(joined.url, 'select 1 as one')).toEqual([{ one: 1 }]);
    await joined.stop();
    expect(identityOf(joined.pid)).toBeNull();
  });
});

describe('stopping a server', () => {
  it('that does not heed a fast shutdown ends it all the same', async () => {
    const server = await startEmbeddedPostgres({ home: freshHome(), settings: UNSAFE_AND_FAST });
    process.kill(server.pid, 'SIGSTOP');
    const identity = identityOf(server.pid);
    if (!identity) throw new Error('the server is not there');
    await stopServer(watchServer(identity, server.port), 50);
    expect(identityOf(server.pid)).toBeNull();
    await server.stop();
  });
});
