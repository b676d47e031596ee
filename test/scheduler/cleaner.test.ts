import { pino } from 'pino';
import { Registry } from 'prom-client';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createCacheMeter } from '../../src/scheduler/cache-metrics.ts';
import type { Cleaned } from '../../src/scheduler/clean.ts';
import { startCleaner } from '../../src/scheduler/cleaner.ts';

const log = pino({ level: 'silent' });
const cleaned = (bytes: number, evictedParts = 0): Cleaned => ({
  cache: { bytes, parts: 1, evictedParts, evictedBytes: evictedParts * 10 },
  expiredFiles: 2,
  rows: { idempotencyKeys: 0, pins: 0, seals: 0, ingestBatches: 0, snapshots: 0 },
  swept: null,
});

describe('the waker of clean', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  function start(pass: (signal: AbortSignal) => Promise<Cleaned | null>) {
    const passes: number[] = [];
    const cleaner = startCleaner({
      pass: (signal) => {
        passes.push(Date.now());
        return pass(signal);
      },
      onCleaned: () => {},
      log,
    });
    const since = passes[0];
    return { cleaner, at: () => passes.map((time) => time - since) };
  }

  it('begins at once, goes on every minute, and sooner when it is woken', async () => {
    const { cleaner, at } = start(async () => null);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(at()).toEqual([0, 60_000]);
    cleaner.wake();
    cleaner.wake();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(at()).toEqual([0, 60_000, 61_000]);
    await cleaner.stop();
    await vi.advanceTimersByTimeAsync(600_000);
    expect(at()).toHaveLength(3);
  });

  it('never begins a pass while one is under way, and remembers that it was woken', async () => {
    let end = () => {};
    const { cleaner, at } = start(
      () =>
        new Promise((resolve) => {
          end = () => resolve(null);
        }),
    );
    cleaner.wake();
    await vi.advanceTimersByTimeAsync(300_000);
    expect(at()).toEqual([0]);
    end();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(at()).toEqual([0, 301_000 - 1_000 + 1_000]);
    end();
    await cleaner.stop();
  });

  it('tries again after a failure', async () => {
    const { cleaner, at } = start(async () => {
      throw new Error('the database is away');
    });
    await vi.advanceTimersByTimeAsync(60_000);
    expect(at()).toEqual([0, 60_000]);
    await cleaner.stop();
  });

  it('breaks off a pass when it has to go', async () => {
    const { cleaner } = start(
      (signal) =>
        new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
    );
    await cleaner.stop();
  });
});

describe('the meter of the cache', () => {
  it('says when the parts have outgrown their bound, as far as it was told', async () => {
    const registry = new Registry();
    let woken = 0;
    const onOverBound = () => {
      woken += 1;
    };
    const meter = createCacheMeter(registry, { boundBytes: 100, onOverBound });
    meter.cleaned(cleaned(90));
    meter.partsRecorded?.([10]);
    expect([woken, meter.isOverBound()]).toEqual([0, false]);
    meter.partsRecorded?.([1, 2]);
    expect([woken, meter.isOverBound()]).toEqual([1, true]);
    meter.cleaned(cleaned(95, 3));
    expect(meter.isOverBound()).toBe(false);
    meter.dayDone(true);
    meter.dayDone(false);
    meter.dayDone(true);
    const text = await registry.metrics();
    for (const line of [
      'daybook_cache_bytes 95',
      'daybook_cache_parts 1',
      'daybook_cache_bound_bytes 100',
      'daybook_parts_evicted_total 3',
      'daybook_parts_evicted_bytes_total 30',
      'daybook_files_expired_total 4',
      'daybook_days_total{from="cache"} 2',
      'daybook_days_total{from="made"} 1',
    ]) {
      expect(text).toContain(`\n${line}\n`);
    }
  });
});
