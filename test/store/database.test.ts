import pg from 'pg';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Database, LOOK_UP, openDatabase, type Tx } from '../../src/store/database.ts';
import { cutAfterCommit, poolerBefore } from '../support/cut-proxy.ts';
import { addTestTenant, freshDatabase, type TestDatabase } from '../support/database.ts';

let test: TestDatabase;
beforeAll(async () => {
  test = await freshDatabase();
  await test.database.asOwner((tx) => tx.run('create table public.counter (n integer)'));
  await test.database.asOwner((tx) => tx.run('insert into public.counter values (0)'));
});
afterAll(() => test.drop());

/** A pool of one's own, with the warnings that it logs. */
async function withPool<T>(
  maxConnections: number,
  work: (database: Database, warnings: string[]) => Promise<T>,
  url = test.url,
): Promise<T> {
  const warnings: string[] = [];
  const log = pino({ level: 'warn' }, { write: (line: string) => warnings.push(line) });
  const database = openDatabase({ url, maxConnections, applicationName: 'pool', log });
  try {
    return await work(database, warnings);
  } finally {
    await database.close();
  }
}

const pidOf = async (tx: Tx) =>
  (await tx.query<{ pid: number }>('select pg_backend_pid() as pid'))[0].pid;
const terminate = (pid: number) =>
  test.database.asOwner((tx) => tx.query('select pg_terminate_backend($1)', [pid]));

describe('a tenant’s transaction', () => {
  it('shows the tenant its own calls only, also without a where', async () => {
    const a = await addTestTenant(test.database, { name: 'a', zone: 'Europe/London' });
    const b = await addTestTenant(test.database, { name: 'b', zone: 'Europe/London' });
    for (const tenant of [a, b]) {
      await test.database.asTenant(tenant.id, (tx) =>
        tx.run(
          `insert into daybook.calls (tenant_id, external_id, started_at, ended_at, disposition)
           values ($1, $2, now(), now(), 'answered')`,
          [tenant.id, `call-of-${tenant.name}`],
        ),
      );
    }
    const seen = await test.database.asTenant(a.id, (tx) =>
      tx.query<{ external_id: string }>('select external_id from daybook.calls'),
    );
    expect(seen.map((row) => row.external_id)).toEqual(['call-of-a']);
  });

  it('leaves neither role nor claims on its connection, whether it ends well or not', async () => {
    const tenant = await addTestTenant(test.database, { name: 'trace', zone: 'UTC' });
    await withPool(1, async (database) => {
      const look = () =>
        database.asOwner((tx) =>
          tx.query(`select current_user = session_user as same,
            coalesce(current_setting('request.jwt.claims', true), '') as claims`),
        );
      await database.asTenant(tenant.id, (tx) => tx.query('select 1'));
      expect(await look()).toEqual([{ same: true, claims: '' }]);
      await expect(database.asTenant(tenant.id, (tx) => tx.query('select 1/0'))).rejects.toThrow();
      expect(await look()).toEqual([{ same: true, claims: '' }]);
    });
  });

  it('is rolled back whole when its work throws, and what was thrown comes through', async () => {
    const thrown = new Error('mine');
    const failing = test.database.asOwner(async (tx) => {
      await tx.run('update public.counter set n = 99');
      throw thrown;
    });
    await expect(failing).rejects.toBe(thrown);
    expect(await test.database.asOwner((tx) => tx.query('select n from public.counter'))).toEqual([
      { n: 0 },
    ]);
  });

  it('that goes on after a failed statement is not reported as committed', async () => {
    const work = test.database.asOwner(async (tx) => {
      await tx.query('select 1/0').catch(() => {});
    });
    await expect(work).rejects.toMatchObject({ code: 'E_INTERNAL' });
  });

  it('that only reads cannot write', async () => {
    await expect(
      test.database.asOwner((tx) => tx.run('update public.counter set n = 1'), { readOnly: true }),
    ).rejects.toMatchObject({ code: '25006' });
  });
});

describe('a connection', () => {
  it('that is lost while idle costs a warning, neither the process nor the next transaction', async () => {
    await withPool(1, async (database, warnings) => {
      await terminate(await database.asOwner(pidOf));
      await expect.poll(() => warnings.length).toBe(1);
      expect(warnings[0]).toContain('idle connection lost');
      expect(await database.asOwner((tx) => tx.query('select 1 as one'))).toEqual([{ one: 1 }]);
    });
  });

  it('that is lost in the middle is E_UNAVAILABLE, and its work is not done twice', async () => {
    await withPool(1, async (database) => {
      let times = 0;
      const work = database.asOwner(async (tx) => {
        times += 1;
        await terminate(await pidOf(tx));
        await tx.query('select 1');
      });
      await expect(work).rejects.toMatchObject({ code: 'E_UNAVAILABLE' });
      expect(times).toBe(1);
      expect(await database.asOwner((tx) => tx.query('select 1 as one'))).toEqual([{ one: 1 }]);
    });
  });

  it('that is lost in the middle of repeatable work is replaced and the work done again', async () => {
    await withPool(1, async (database) => {
      const pids: number[] = [];
      const work = async (tx: Tx) => {
        pids.push(await pidOf(tx));
        if (pids.length === 1) await terminate(pids[0]);
        return tx.query('select 1 as one');
      };
      expect(await database.asOwner(work, { repeatable: true })).toEqual([{ one: 1 }]);
      expect(new Set(pids).size).toBe(2);
    });
  });

  it('whose server process is frozen fails the statement at its deadline and is not lent again', async () => {
    await withPool(1, async (database) => {
      let frozen = 0;
      const work = database.asOwner(
        async (tx) => {
          frozen = await pidOf(tx);
          process.kill(frozen, 'SIGSTOP');
          await tx.query('select 1');
        },
        { statementTimeoutMs: 100 },
      );
      try {
        await expect(work).rejects.toMatchObject({
          code: 'E_UNAVAILABLE',
          message: 'the database does not answer: Query read timeout',
        });
        expect(await database.asOwner(pidOf)).not.toBe(frozen);
      } finally {
        process.kill(frozen, 'SIGCONT');
      }
    });
  });

  it('to nowhere is E_UNAVAILABLE', async () => {
    await withPool(
      1,
      async (database) => {
        await expect(database.asOwner((tx) => tx.query('select 1'))).rejects.toMatchObject({
          code: 'E_UNAVAILABLE',
          message: expect.stringContaining('ECONNREFUSED'),
        });
      },
      test.url.replace(/:\d+\//, ':1/'),
    );
  });
});

describe('a statement', () => {
  it('past its time is ended by the server as E_UNAVAILABLE, and the connection is kept', async () => {
    await withPool(1, async (database) => {
      const before = await database.asOwner(pidOf);
      await expect(
        database.asOwner((tx) => tx.query('select pg_sleep(60)'), { statementTimeoutMs: 50 }),
      ).rejects.toMatchObject({ code: 'E_UNAVAILABLE', retryable: true });
      expect(await database.asOwner(pidOf)).toBe(before);
    });
  });

  it('that breaks a constraint comes through with Postgres’s own code', async () => {
    await expect(
      test.database.asSystem((tx) =>
        tx.run(`insert into daybook.tenants (name, title) values ('A', 'A')`),
      ),
    ).rejects.toMatchObject({ code: '23514' });
  });
});

describe('a transaction of a single statement', () => {
  const count = async () =>
    (
      await test.database.asOwner((tx) =>
        tx.query<{ n: number }>('select n from public.counter', []),
      )
    )[0].n;

  it('is committed when it is answered', async () => {
    const before = await count();
    const add = (tx: Tx) => tx.run('update public.counter set n = n + $1', [1]);
    expect(await test.database.asOwner(add, { single: true })).toBe(1);
    expect(await count()).toBe(before + 1);
    await test.database.asOwner((tx) => tx.run('update public.counter set n = $1', [before]));
  });

  it('refuses another one, which would stand outside of it', async () => {
    await withPool(1, async (database) => {
      const twice = database.asSystem(
        async (tx) => {
          await tx.query('select 1', []);
          return tx.query('select current_user', []);
        },
        { single: true },
      );
      await expect(twice).rejects.toMatchObject({ code: 'E_INTERNAL' });
      expect(await database.asSystem((tx) => tx.query('select 1 as one'))).toEqual([{ one: 1 }]);
    });
  });

  it('that fails leaves nothing behind, and its connection is lent again', async () => {
    await withPool(1, async (database) => {
      const pid = await database.asOwner(pidOf);
      const fails = database.asOwner((tx) => tx.query('select 1 / $1::int', [0]), { single: true });
      await expect(fails).rejects.toMatchObject({ code: '22012' });
      expect(await database.asOwner(pidOf)).toBe(pid);
    });
  });
});

describe('a transaction that cannot be opened', () => {
  it('says why, and its first statement, sent along, was not done', async () => {
    await test.database.asOwner((tx) => tx.run(`create role bare login password 'x'`));
    const url = test.url.replace(/\/\/[^@]+@/, '//bare:x@');
    try {
      await withPool(
        1,
        async (database) => {
          const look = () => database.asSystem((tx) => tx.query('select current_user', []));
          await expect(look()).rejects.toThrow(/permission denied to set role/);
          await expect(look()).rejects.toThrow(/permission denied to set role/);
        },
        url,
      );
    } finally {
      await test.database.asOwner((tx) => tx.run('drop role bare'));
    }
  });
});

describe('a statement of a prepared transaction', () => {
  const PREPARED = { prepared: true } as const;
  const add = (tx: Tx) =>
    tx.query<{ sum: number }>('select $1::int + 1 as sum /* prepared */', [1]);
  const preparedOf = (database: Database) =>
    database.asOwner((tx) =>
      tx.query(`select from pg_prepared_statements where statement like '%/* prepared */'`),
    );

  it('is planned once for a connection to the server itself', async () => {
    await withPool(1, async (database) => {
      for (let round = 0; round < 3; round++) {
        expect(await database.asOwner(add, PREPARED)).toEqual([{ sum: 2 }]);
      }
      expect(await preparedOf(database)).toHaveLength(1);
    });
  });

  it('is not kept where a pooler is in between', async () => {
    const pooler = await poolerBefore(test.url);
    try {
      await withPool(
        1,
        async (database) => {
          for (let round = 0; round < 3; round++) {
            expect(await database.asOwner(add, PREPARED)).toEqual([{ sum: 2 }]);
          }
          expect(await preparedOf(database)).toHaveLength(0);
        },
        pooler.url,
      );
    } finally {
      await pooler.close();
    }
  });

  it('shows each tenant its own rows, whoever it was planned for', async () => {
    const tenants = await Promise.all(
      ['own-a', 'own-b'].map((name) => addTestTenant(test.database, { name, zone: 'UTC' })),
    );
    await withPool(1, async (database) => {
      for (let round = 0; round < 8; round++) {
        const { id, name } = tenants[round % 2];
        const all = (tx: Tx) => tx.query('select name from daybook.tenants where $1', [true]);
        expect(await database.asTenant(id, all, PREPARED)).toEqual([{ name }]);
      }
    });
  });
});

describe('conflicting work', () => {
  const increment = (database: Database, repeatable: boolean) =>
    database.asOwner(
      async (tx) => {
        const [{ n }] = await tx.query<{ n: number }>('select n from public.counter');
        await tx.run('update public.counter set n = $1', [n + 1]);
      },
      { isolation: 'serializable', repeatable },
    );

  it('that is repeatable loses no update and surfaces no conflict', async () => {
    await withPool(3, async (database) => {
      const work = Array.from({ length: 30 }, () => increment(database, true));
      await Promise.all(work);
      expect(await database.asOwner((tx) => tx.query('select n from public.counter'))).toEqual([
        { n: 30 },
      ]);
    });
  });

  it('that is not repeatable is done once and is E_UNAVAILABLE', async () => {
    await withPool(2, async (database) => {
      let times = 0;
      const work = database.asOwner(
        async (tx) => {
          times += 1;
          await tx.query('select n from public.counter');
          await increment(database, true);
          await tx.run('update public.counter set n = n + 1');
        },
        { isolation: 'serializable' },
      );
      await expect(work).rejects.toMatchObject({ code: 'E_UNAVAILABLE' });
      expect(times).toBe(1);
    });
  });
});

describe('a commit whose answer is lost', () => {
  const insert = (tx: Tx) =>
    tx.run(`insert into daybook.leases (name, holder, until) values ('lost', 'x', now())
            on conflict do nothing`);
  const count = () =>
    test.database.asSystem((tx) => tx.query(`select from daybook.leases where name = 'lost'`));

  it('is E_UNAVAILABLE, since nobody knows whether it was done', async () => {
    const proxy = await cutAfterCommit(test.url, 1);
    try {
      await withPool(
        1,
        async (database) => {
          await expect(database.asSystem(insert)).rejects.toMatchObject({ code: 'E_UNAVAILABLE' });
          expect(await count()).toHaveLength(1);
        },
        proxy.url,
      );
    } finally {
      await proxy.close();
      await test.database.asSystem((tx) => tx.run('delete from daybook.leases'));
    }
  });

  it('is not done again either where it went out with its only statement', async () => {
    const proxy = await cutAfterCommit(test.url, 1);
    const add = (tx: Tx) => tx.run('update public.counter set n = n + $1', [1]);
    const read = () => test.database.asOwner((tx) => tx.query('select n from public.counter'));
    await test.database.asOwner((tx) => tx.run('update public.counter set n = 0'));
    try {
      await withPool(
        1,
        async (database) => {
          const added = database.asOwner(add, { single: true });
          await expect(added).rejects.toMatchObject({ code: 'E_UNAVAILABLE' });
          expect(await read()).toEqual([{ n: 1 }]);
        },
        proxy.url,
      );
    } finally {
      await proxy.close();
    }
  });

  it('is asked again where its only statement reads', async () => {
    const proxy = await cutAfterCommit(test.url, 1);
    try {
      await withPool(
        1,
        async (database) => {
          const one = database.asSystem((tx) => tx.query('select 1 as one', []), LOOK_UP);
          expect(await one).toEqual([{ one: 1 }]);
          expect(proxy.cuts()).toBe(1);
        },
        proxy.url,
      );
    } finally {
      await proxy.close();
    }
  });

  it('is done again when the work is repeatable, to one effect', async () => {
    const proxy = await cutAfterCommit(test.url, 3);
    try {
      await withPool(
        1,
        async (database) => {
          await database.asSystem(insert, { repeatable: true });
          expect(proxy.cuts()).toBe(3);
          expect(await count()).toHaveLength(1);
        },
        proxy.url,
      );
    } finally {
      await proxy.close();
    }
  });
});

describe('a server without a free connection', () => {
  it('is asked again until there is one', async () => {
    await test.database.asOwner(async (tx) => {
      await tx.run(`create role crowded login password 'x' connection limit 1`);
      await tx.run('grant daybook_system to crowded');
    });
    const url = test.url.replace(/\/\/[^@]+@/, '//crowded:x@');
    const holder = new pg.Client({ connectionString: url });
    await holder.connect();
    try {
      await withPool(
        1,
        async (database) => {
          const waiting = database.asSystem((tx) => tx.query('select 1 as one'));
          await holder.end();
          expect(await waiting).toEqual([{ one: 1 }]);
        },
        url,
      );
    } finally {
      await test.database.asOwner((tx) => tx.run('drop role crowded'));
    }
  });
});
