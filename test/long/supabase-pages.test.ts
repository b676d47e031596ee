import { expect, it } from 'vitest';
import { openShop } from '../sources/supabase/shop.ts';
import { readWindow } from '../sources/support/source-contract.ts';

const START = Date.parse('2026-02-10');

it('reads a day of 100,000 rows behind PostgREST whole and in canonical order, in pages of 1000', async () => {
  const shop = await openShop();
  try {
    await shop.insertMany(100_000, START);
    const { rows, version } = await readWindow(shop.open('mine'), 'mine', {
      ...{ start: START, end: START + 86_400_000 },
    });
    expect(version.rows).toBe(100_000);
    expect(new Set(rows.map((row) => row['line_no'])).size).toBe(100_000);
    const places = rows.map((row) => `${row['ordered_at']} ${row['order_id']}`);
    expect(places).toEqual([...places].sort());
  } finally {
    await shop.close();
  }
}, 120_000);
