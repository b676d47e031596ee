import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Tx } from '../../../src/store/database.ts';
import { addTestTenant, freshDatabase, type TestDatabase } from '../../support/database.ts';
import { FIXTURES, loadOf, runOf, TABLES, type TableAccess, WITH_ID } from './objects.ts';

/** Each table × each principal × each verb, tried on a row of the own and of another tenant. */

const MEMBER_A = '11111111-1111-4111-8111-111111111111';
const MEMBER_B = '22222222-2222-4222-8222-222222222222';
const EX_MEMBER = '33333333-3333-4333-8333-333333333333';

let test: TestDatabase;
let a: string;
let b: string;
let nonce = 0;
const fresh = () => String(++nonce).padStart(8, '0');

beforeAll(async () => {
  test = await freshDatabase();
  a = (await addTestTenant(test.database, { name: 'a', zone: 'UTC' })).id;
  b = (await addTestTenant(test.database, { name: 'b', zone: 'UTC' })).id;
  await test.database.asOwner(async (tx) => {
    for (const tenant of [a, b]) {
      for (const [name, idOf] of Object.entries(WITH_ID)) {
        await insert(tx, name, { ...TABLES[name].row(tenant, fresh()), id: idOf(tenant) });
      }
      for (const [name, row] of FIXTURES) await insert(tx, name, row(tenant));
      for (const [name, { row }] of Object.entries(TABLES)) {
        if (!['tenants', 'members', ...Object.keys(WITH_ID)].includes(name)) {
          await insert(tx, name, row(tenant, fresh()));
        }
      }
    }
    for (const [tenant_id, user_id] of [
      [a, MEMBER_A],
      [b, MEMBER_B],
    ]) {
      await insert(tx, 'members', { tenant_id, user_id, roles: ['owner'] });
    }
  });
});
afterAll(() => test.drop());

interface Probed {
  readonly role: string;
  readonly claims: () => object | null;
  readonly own: () => string;
  readonly expected: (access: TableAccess) => { own: string; foreign: string };
}

const claimsOf = (sub: string, tenant: string) => ({
  sub,
  role: 'authenticated',
  app_metadata: { tenant_id: tenant },
});
const nothing = () => ({ own: '', foreign: '' });
const PRINCIPALS: Record<string, Probed> = {
  'anon with claims of A': {
    role: 'anon',
    claims: () => claimsOf(MEMBER_A, a),
    own: () => a,
    expected: nothing,
  },
  'a member of A': {
    role: 'authenticated',
    claims: () => claimsOf(MEMBER_A, a),
    own: () => a,
    expected: ({ member }) => ({ own: member, foreign: '' }),
  },
  'a member of B': {
    role: 'authenticated',
    claims: () => claimsOf(MEMBER_B, b),
    own: () => b,
    expected: ({ member }) => ({ own: member, foreign: '' }),
  },
  'a member of B who claims A': {
    role: 'authenticated',
    claims: () => claimsOf(MEMBER_B, a),
    own: () => a,
    // The own membership, in B, is all that such a user sees.
    expected: (access) => ({ own: '', foreign: access === TABLES.members ? 'S' : '' }),
  },
  'an ex-member of A': {
    role: 'authenticated',
    claims: () => claimsOf(EX_MEMBER, a),
    own: () => a,
    expected: nothing,
  },
  'a user who writes A into user_metadata': {
    role: 'authenticated',
    claims: () => ({ sub: EX_MEMBER, user_metadata: { tenant_id: a } }),
    own: () => a,
    expected: nothing,
  },
  'authenticated without claims': {
    role: 'authenticated',
    claims: () => null,
    own: () => a,
    expected: nothing,
  },
  'daybook_tenant as A': {
    role: 'daybook_tenant',
    claims: () => ({ app_metadata: { tenant_id: a } }),
    own: () => a,
    expected: ({ tenant }) => ({ own: tenant, foreign: '' }),
  },
  'daybook_tenant without claims': {
    role: 'daybook_tenant',
    claims: () => null,
    own: () => a,
    expected: nothing,
  },
  daybook_system: {
    role: 'daybook_system',
    claims: () => null,
    own: () => a,
    expected: ({ system }) => ({ own: system, foreign: system }),
  },
};

describe.each(Object.entries(PRINCIPALS))('%s', (_, principal) => {
  it.each(Object.entries(TABLES))(
    'can do with %s what is listed, on its own rows only',
    async (name, access) => {
      const found = await test.database.asOwner(async (tx) => {
        const probe = new Prober(tx, principal, name, access);
        const own = principal.own();
        return {
          own: await probe.verbsOn(own),
          foreign: await probe.verbsOn(own === a ? b : a),
        };
      });
      const expected = principal.expected(access);
      // Tables without a tenant have no row of one: what may be done, may be done with all.
      expect(found).toEqual(
        hasTenant(name) ? expected : { own: expected.own, foreign: expected.own },
      );
    },
  );
});

describe('the probe', () => {
  it('finds a policy that lets a member see every tenant', async () => {
    const found = await test.database.asOwner(async (tx) => {
      await tx.run('savepoint hole');
      await tx.run('create policy hole on daybook.calls for select to authenticated using (true)');
      const probe = new Prober(tx, PRINCIPALS['a member of A'], 'calls', TABLES.calls);
      const verbs = await probe.verbsOn(b);
      await tx.run('rollback to savepoint hole');
      return verbs;
    });
    expect(found).toBe('S');
  });
});

describe('daybook_tenant as A', () => {
  it.each(Object.keys(TABLES).filter((name) => hasTenant(name) && name !== 'tenants'))(
    'cannot hand a row of %s over to B',
    async (name) => {
      await expect(
        test.database.asTenant(a, (tx) => tx.run(`update daybook.${name} set tenant_id = $1`, [b])),
      ).rejects.toMatchObject({ code: '42501' });
    },
  );

  it('cannot hang a file on a run of B, nor a reject on a load of B, and learns nothing by it', async () => {
    for (const id of [runOf(b), 'cccccccc-0000-4000-8000-000000000000']) {
      const row = { ...TABLES.files.row(a, fresh()), run_id: id };
      await expect(
        test.database.asTenant(a, (tx) => insert(tx, 'files', row)),
      ).rejects.toMatchObject({ code: '23503', constraint: 'files_tenant_id_run_id_fkey' });
    }
    const reject = { ...TABLES.rejects.row(a, fresh()), load_id: loadOf(b) };
    await expect(
      test.database.asTenant(a, (tx) => insert(tx, 'rejects', reject)),
    ).rejects.toMatchObject({ code: '23503' });
  });

  it('cannot become another tenant by a malformed id', async () => {
    for (const id of ['', `${a}'`, `${a}","x":"`, a.toUpperCase().replace(/\d/g, 'A'), 'null']) {
      await expect(test.database.asTenant(id, async () => 1)).rejects.toMatchObject({
        code: 'E_INTERNAL',
      });
    }
  });
});

class Prober {
  readonly #tx: Tx;
  readonly #principal: Probed;
  readonly #name: string;
  readonly #access: TableAccess;

  constructor(tx: Tx, principal: Probed, name: string, access: TableAccess) {
    this.#tx = tx;
    this.#principal = principal;
    this.#name = name;
    this.#access = access;
  }

  /** The verbs that have an effect on rows of this tenant. */
  async verbsOn(tenant: string): Promise<string> {
    const table = `daybook.${this.#name}`;
    const owner = this.#name === 'tenants' ? 'id' : hasTenant(this.#name) ? 'tenant_id' : null;
    const where = owner ? `where ${owner} = '${tenant}'` : '';
    const touch = this.#access.touch;
    const verbs = {
      S: () =>
        this.#tx.query(`select ${owner ?? '1'} from ${table} ${where}`).then((r) => r.length),
      I: () => insert(this.#tx, this.#name, this.#access.row(tenant, fresh())),
      U: () => this.#tx.run(`update ${table} set ${touch} = ${touch} ${where}`),
      D: () => this.#tx.run(`delete from ${table} ${where}`),
    };
    let letters = '';
    for (const [letter, act] of Object.entries(verbs)) {
      if ((await this.#effect(act)) > 0) letters += letter;
    }
    return letters;
  }

  /** Rows affected; 0 also when it is refused. Undone afterwards. */
  async #effect(act: () => Promise<number>): Promise<number> {
    await this.#tx.run('savepoint probe');
    try {
      await this.#tx.query(`select set_config('request.jwt.claims', $1, true)`, [
        JSON.stringify(this.#principal.claims() ?? {}),
      ]);
      await this.#tx.run(`set local role ${this.#principal.role}`);
      return await act();
    } catch (error) {
      if (error instanceof pg.DatabaseError && error.code === '42501') return 0;
      throw error;
    } finally {
      await this.#tx.run('rollback to savepoint probe');
    }
  }
}

function hasTenant(name: string): boolean {
  return !['operators', 'leases'].includes(name);
}

async function insert(
  tx: Tx,
  name: string,
  row: Readonly<Record<string, unknown>>,
): Promise<number> {
  const columns = Object.keys(row);
  return tx.run(
    `insert into daybook.${name} (${columns.join(', ')})
     values (${columns.map((_, place) => `$${place + 1}`).join(', ')})`,
    Object.values(row),
  );
}
