import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { noteInLease, releaseLease, takeLease, withLease } from '../../src/store/leases.ts';
import { freshDatabase, type TestDatabase } from '../support/database.ts';

let test: TestDatabase;
beforeAll(async () => {
  test = await freshDatabase();
});
afterAll(() => test.drop());

const take = (name: string, holder: string, seconds = 60) =>
  test.database.asSystem((tx) => takeLease(tx, { name, holder, seconds }));
const expire = (name: string) =>
  test.database.asSystem((tx) =>
    tx.run(`update daybook.leases set until = now() - interval '1 s' where name = $1`, [name]),
  );

describe('a lease', () => {
  it('has one holder of many who want it at once', async () => {
    const all = await Promise.all(Array.from({ length: 8 }, (_, i) => take('one', `p${i}`)));
    expect(all.filter((lease) => lease !== null)).toHaveLength(1);
  });

  it('is given back with what was noted in it, and an old holder notes nothing more', async () => {
    const first = await take('note', 'a');
    if (!first) throw new Error('it is free');
    await test.database.asSystem((tx) => noteInLease(tx, first, { at: 1 }));
    expect(await take('note', 'b')).toBeNull();
    await test.database.asSystem((tx) => releaseLease(tx, first));
    const second = await take('note', 'b');
    expect(second).toMatchObject({ detail: { at: 1 }, token: '2' });
    expect(await test.database.asSystem((tx) => noteInLease(tx, first, { at: 2 }))).toBe(false);
    await test.database.asSystem((tx) => releaseLease(tx, first));
    expect(await take('note', 'c')).toBeNull();
  });

  it('is taken over when it ran out', async () => {
    await take('silent', 'a');
    await expire('silent');
    expect(await take('silent', 'b')).toMatchObject({ holder: 'b', token: '2' });
  });

  it('is prolonged while the work goes on, and given back when it fails', async () => {
    const of = { name: 'work', holder: 'a', seconds: 1 };
    const failed = withLease(test.database, of, async () => {
      const began = await until('work');
      while ((await until('work')) === began) await new Promise((done) => setTimeout(done, 20));
      throw new Error('the work failed');
    });
    await expect(failed).rejects.toThrow('the work failed');
    expect(await take('work', 'b')).not.toBeNull();
  });

  it('tells the work when it went to another', async () => {
    const reason = await withLease(
      test.database,
      { name: 'lost', holder: 'a', seconds: 1 },
      async ({ signal }) => {
        await expire('lost');
        await take('lost', 'b');
        await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
        return String(signal.reason);
      },
    );
    expect(reason).toContain('the lease lost went to another process');
  });
});

async function until(name: string): Promise<string> {
  const [row] = await test.database.asSystem((tx) =>
    tx.query<{ until: string }>('select until::text from daybook.leases where name = $1', [name]),
  );
  return row.until;
}
