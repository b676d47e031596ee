import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  addMember,
  addOperator,
  isOperator,
  listMembers,
  membershipsOf,
  removeMember,
} from '../../src/store/members.ts';
import { addTestTenant, freshDatabase, type TestDatabase } from '../support/database.ts';

let test: TestDatabase;
let a: { id: string };
let b: { id: string };
beforeAll(async () => {
  test = await freshDatabase();
  a = await addTestTenant(test.database, { name: 'a', zone: 'UTC' });
  b = await addTestTenant(test.database, { name: 'b', zone: 'UTC' });
});
afterAll(() => test.drop());

describe('a member', () => {
  it('belongs to several tenants with roles of each', async () => {
    const userId = randomUUID();
    await test.database.asSystem(async (tx) => {
      await addMember(tx, { tenantId: b.id, userId, roles: ['viewer', 'analyst'] });
      await addMember(tx, { tenantId: a.id, userId, email: 'u@example.com', roles: ['owner'] });
      expect(await membershipsOf(tx, userId)).toEqual([
        { tenantId: a.id, tenantName: 'a', roles: ['owner'] },
        { tenantId: b.id, tenantName: 'b', roles: ['analyst', 'viewer'] },
      ]);
    });
  });

  it('that is added again gets the new roles and keeps the address', async () => {
    const userId = randomUUID();
    await test.database.asTenant(b.id, async (tx) => {
      await addMember(tx, { tenantId: b.id, userId, email: 'v@example.com', roles: ['viewer'] });
      await addMember(tx, { tenantId: b.id, userId, roles: ['admin'] });
      const found = (await listMembers(tx, b.id)).find((member) => member.userId === userId);
      expect(found).toMatchObject({ email: 'v@example.com', roles: ['admin'] });
    });
  });

  it('that was removed has no membership, and cannot be removed twice', async () => {
    const userId = randomUUID();
    await test.database.asSystem(async (tx) => {
      await addMember(tx, { tenantId: a.id, userId, roles: ['viewer'] });
      await removeMember(tx, a.id, userId);
      expect(await membershipsOf(tx, userId)).toEqual([]);
      await expect(removeMember(tx, a.id, userId)).rejects.toMatchObject({ code: 'E_NOT_FOUND' });
    });
  });

  it.each([
    [[], 'none'],
    [['viewer', 'root'], '"root"'],
  ])('with roles %j is refused', async (roles, got) => {
    await expect(
      test.database.asSystem((tx) =>
        addMember(tx, { tenantId: a.id, userId: randomUUID(), roles }),
      ),
    ).rejects.toMatchObject({ code: 'E_INVALID', message: expect.stringContaining(`got ${got};`) });
  });

  it('is not an operator unless added as one', async () => {
    const userId = randomUUID();
    await test.database.asSystem(async (tx) => {
      expect(await isOperator(tx, userId)).toBe(false);
      await addOperator(tx, userId, 'o@example.com');
      expect(await isOperator(tx, userId)).toBe(true);
    });
  });
});
