import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  addTenant,
  findTenant,
  listTenants,
  requireTenant,
  setTenantZone,
} from '../../src/store/tenants.ts';
import { freshDatabase, type TestDatabase } from '../support/database.ts';

let test: TestDatabase;
beforeAll(async () => {
  test = await freshDatabase();
});
afterAll(() => test.drop());

const add = (tenant: Parameters<typeof addTenant>[1]) =>
  test.database.asSystem((tx) => addTenant(tx, tenant));

describe('a tenant', () => {
  it('is found by its name and by its id, as it was added', async () => {
    const added = await add({
      name: 'acme',
      title: 'Acme Ltd',
      zone: 'America/Sao_Paulo',
      locale: 'pt-BR',
      currency: 'BRL',
    });
    expect(added).toMatchObject({
      name: 'acme',
      title: 'Acme Ltd',
      locale: 'pt-BR',
      currency: 'BRL',
      calendar: [{ from: '0001-01-01', zone: 'America/Sao_Paulo' }],
    });
    await test.database.asSystem(async (tx) => {
      expect(await findTenant(tx, 'acme')).toEqual(added);
      expect(await requireTenant(tx, added.id)).toEqual(added);
    });
  });

  it('sees itself and no other in a transaction of its own', async () => {
    const one = await add({ name: 'one', zone: 'UTC' });
    await add({ name: 'two', zone: 'UTC' });
    await test.database.asTenant(one.id, async (tx) => {
      expect(await listTenants(tx)).toEqual([one]);
      expect(await findTenant(tx, 'two')).toBeNull();
    });
  });

  it('that is not there is an error which repeats the name', async () => {
    await expect(test.database.asSystem((tx) => requireTenant(tx, 'nobody'))).rejects.toMatchObject(
      {
        code: 'E_NOT_FOUND',
        message: 'there is no tenant nobody here',
      },
    );
  });

  it('of a taken name is refused and leaves the first as it was', async () => {
    const first = await add({ name: 'taken', zone: 'Europe/Paris' });
    await expect(add({ name: 'taken', zone: 'UTC' })).rejects.toMatchObject({ code: 'E_CONFLICT' });
    expect(await test.database.asSystem((tx) => findTenant(tx, 'taken'))).toEqual(first);
  });

  it.each([
    [{ name: 'Acme', zone: 'UTC' }, 'E_INVALID', 'name: got "Acme"'],
    [{ name: '', zone: 'UTC' }, 'E_INVALID', 'name: got ""'],
    [{ name: 'x'.repeat(64), zone: 'UTC' }, 'E_INVALID', 'name: got'],
    [{ name: '2b47cb1d-55f7-48c1-ad92-eaebfaa6d08d', zone: 'UTC' }, 'E_INVALID', 'no UUID'],
    [{ name: 'bad', zone: 'Europe/Londn' }, 'E_UNKNOWN_ZONE', 'zone: "Europe/Londn"'],
    [{ name: 'bad', zone: '+02:00' }, 'E_UNKNOWN_ZONE', 'zone: "+02:00"'],
    [
      { name: 'bad', zone: 'UTC', locale: 'fr' },
      'E_INVALID',
      'locale: got "fr"; expected one of en',
    ],
    [{ name: 'bad', zone: 'UTC', currency: 'eur' }, 'E_INVALID', 'currency: got "eur"'],
    [{ name: 'bad', zone: 'UTC', title: ' ' }, 'E_INVALID', 'title: got " "'],
    [{ name: 'bad', zone: 'UTC', title: 'a\r\nb' }, 'E_INVALID', 'title: got "a\\r\\nb"'],
  ])('like %j is refused, and nothing is written', async (tenant, code, text) => {
    await expect(add(tenant)).rejects.toMatchObject({
      code,
      message: expect.stringContaining(text),
    });
    expect(await test.database.asSystem((tx) => findTenant(tx, 'bad'))).toBeNull();
  });
});

describe('a change of zone', () => {
  const zone = (id: string, name: string, from: string) =>
    test.database.asSystem((tx) => setTenantZone(tx, id, name, from));

  it('adds to the end of the calendar; the same date again corrects it', async () => {
    const { id } = await add({ name: 'moving', zone: 'Europe/Lisbon' });
    await zone(id, 'Europe/Madrid', '2026-03-01');
    await zone(id, 'Asia/Tokyo', '2026-09-01');
    const tenant = await zone(id, 'Asia/Seoul', '2026-09-01');
    expect(tenant.calendar).toEqual([
      { from: '0001-01-01', zone: 'Europe/Lisbon' },
      { from: '2026-03-01', zone: 'Europe/Madrid' },
      { from: '2026-09-01', zone: 'Asia/Seoul' },
    ]);
  });

  it.each([
    ['2026-02-28', 'E_PERIOD', 'from: got 2026-02-28; expected 2026-03-01'],
    ['0001-01-01', 'E_PERIOD', 'from: got 0001-01-01'],
    ['2026-02-30', 'E_DATE', 'from: "2026-02-30" is not a date'],
  ])('from %s, which would move past days or is no date, is refused', async (from, code, text) => {
    const { id } = await add({ name: `fixed-${from}`, zone: 'Europe/Lisbon' });
    const before = await zone(id, 'Europe/Madrid', '2026-03-01');
    await expect(zone(id, 'Asia/Tokyo', from)).rejects.toMatchObject({
      code,
      message: expect.stringContaining(text),
    });
    expect(await test.database.asSystem((tx) => requireTenant(tx, id))).toEqual(before);
  });

  it('cannot replace the first zone of all', async () => {
    const { id } = await add({ name: 'young', zone: 'Europe/Lisbon' });
    await expect(zone(id, 'Asia/Tokyo', '0001-01-01')).rejects.toMatchObject({ code: 'E_PERIOD' });
  });
});
