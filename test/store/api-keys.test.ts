import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  authenticateApiKey,
  createApiKey,
  listApiKeys,
  revokeApiKey,
} from '../../src/store/api-keys.ts';
import { addTestTenant, freshDatabase, type TestDatabase } from '../support/database.ts';

let test: TestDatabase;
let tenantId: string;
beforeAll(async () => {
  test = await freshDatabase();
  tenantId = (await addTestTenant(test.database, { name: 'acme', zone: 'UTC' })).id;
});
afterAll(() => test.drop());

const create = (more: Partial<Parameters<typeof createApiKey>[1]> = {}) =>
  test.database.asSystem((tx) =>
    createApiKey(tx, {
      tenantId,
      name: 'test',
      scopes: ['read'],
      createdBy: 'operator:x',
      ...more,
    }),
  );
const authenticate = (token: string) =>
  test.database.asSystem((tx) => authenticateApiKey(tx, token));

describe('an API key', () => {
  it('authenticates its tenant and scopes by its token', async () => {
    const { id, secret, token } = await create({ scopes: ['load', 'runs.read'] });
    expect(token).toBe(`dbk_${id}_${secret}`);
    expect(await authenticate(token)).toEqual({
      keyId: id,
      tenantId,
      scopes: ['load', 'runs.read'],
    });
  });

  it('is nowhere kept as it is, only as its SHA-256', async () => {
    const { id, secret } = await create();
    const [{ row, hash }] = await test.database.asSystem((tx) =>
      tx.query<{ row: string; hash: string }>(
        `select api_keys::text as row, encode(secret_sha256, 'hex') as hash
         from daybook.api_keys where id = $1`,
        [id],
      ),
    );
    expect(row).not.toContain(secret);
    expect(hash).toBe(createHash('sha256').update(secret).digest('hex'));
  });

  it('is refused once it is revoked, and stays revoked since the first time', async () => {
    const { id, token } = await create();
    await test.database.asSystem((tx) => revokeApiKey(tx, id));
    expect(await authenticate(token)).toBeNull();
    const revokedAt = async () =>
      (await test.database.asSystem(listApiKeys)).find((key) => key.id === id)?.revokedAt;
    const first = await revokedAt();
    await test.database.asSystem((tx) => revokeApiKey(tx, id));
    expect(await revokedAt()).toEqual(first);
  });

  it('is refused past its expiry by the database’s clock', async () => {
    expect(await authenticate((await create({ expiresAt: new Date(0) })).token)).toBeNull();
    const later = new Date(Date.now() + 3_600_000);
    expect(await authenticate((await create({ expiresAt: later })).token)).not.toBeNull();
  });

  it('is refused in every wrong form, and none of them is an error', async () => {
    const a = await create();
    const b = await create();
    const wrong: unknown[] = [
      '',
      'dbk_',
      'dbk__',
      a.secret,
      a.token.toUpperCase(),
      `${a.token} `,
      ` ${a.token}`,
      `${a.token}\n`,
      `${a.token}0`,
      a.token.slice(0, -1),
      `dbk_${a.id}_${b.secret}`,
      `dbk_${a.id}_`,
      `dbk_${a.id}_${'0'.repeat(48)}`,
      `dbk_${'0'.repeat(16)}_${a.secret}`,
      `dbk_${a.id}_${'g'.repeat(48)}`,
      `dbk_${a.id}' or '1'='1_${a.secret}`,
      `dbk_${a.id}_${a.secret}\0`,
      'x'.repeat(1_000_000),
      undefined,
      null,
      [a.token],
      { token: a.token },
    ];
    for (const token of wrong) {
      expect(await authenticate(token as string), String(token).slice(0, 80)).toBeNull();
    }
  });

  it('notes its use, but not in a read-only transaction', async () => {
    const { id, token } = await create();
    const usedAt = async () =>
      (await test.database.asSystem(listApiKeys)).find((key) => key.id === id)?.lastUsedAt;
    await test.database.asSystem((tx) => authenticateApiKey(tx, token), { readOnly: true });
    expect(await usedAt()).toBeNull();
    await authenticate(token);
    expect(await usedAt()).toBeInstanceOf(Date);
  });

  it('of an operator belongs to no tenant and is not listed to one', async () => {
    const { id, token } = await create({ tenantId: null, scopes: ['admin'] });
    expect(await authenticate(token)).toEqual({ keyId: id, tenantId: null, scopes: ['admin'] });
    const own = await test.database.asTenant(tenantId, listApiKeys);
    expect(own.length).toBeGreaterThan(0);
    expect(own.every((key) => key.tenantId === tenantId)).toBe(true);
  });

  it('hides its hash from the tenant’s own transaction', async () => {
    await expect(
      test.database.asTenant(tenantId, (tx) =>
        tx.query('select secret_sha256 from daybook.api_keys'),
      ),
    ).rejects.toMatchObject({ code: '42501' });
  });

  it('needs a known scope, and is not given the operator’s within a tenant', async () => {
    await expect(create({ scopes: ['everything'] })).rejects.toMatchObject({ code: 'E_INVALID' });
    await expect(create({ scopes: [] })).rejects.toMatchObject({ code: 'E_INVALID' });
    await expect(create({ scopes: ['tenants.manage'] })).rejects.toMatchObject({
      code: 'E_INVALID',
    });
    await expect(create({ name: '' })).rejects.toMatchObject({ code: 'E_INVALID' });
  });
});
