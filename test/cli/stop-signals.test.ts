import { EventEmitter } from 'node:events';
import { readFileSync } from 'node:fs';
import { describe, expect, it, vi } from 'vitest';
import { ECHO_MS, stopSignals } from '../../src/cli/stop-signals.ts';

async function heardAt(
  name: NodeJS.Signals,
  ...times: readonly number[]
): Promise<{ first: number; second: number }> {
  const emitter = new EventEmitter();
  const [first, second] = [vi.fn(), vi.fn()];
  let now = 0;
  const signals = stopSignals(emitter, () => now);
  void signals.first.then(first);
  void signals.second.then(second);
  for (const time of times) {
    now = time;
    emitter.emit(name, name);
  }
  await signals.first;
  return { first: first.mock.calls.length, second: second.mock.calls.length };
}

describe('the signals that stop everything', () => {
  it('take one Ctrl-C for one, though npm hands on what the terminal sent already', async () => {
    expect(await heardAt('SIGINT', 1000, 1000, 1000 + ECHO_MS)).toEqual({ first: 1, second: 0 });
  });

  it('take a second one, later, for the wish to end at once', async () => {
    expect(await heardAt('SIGINT', 1000, 1003, 1001 + ECHO_MS)).toEqual({ first: 1, second: 1 });
  });

  it('take a second SIGTERM for the wish to end at once, however soon it comes', async () => {
    expect(await heardAt('SIGTERM', 1000, 1000)).toEqual({ first: 1, second: 1 });
  });

  it('reach Daybook from npm: no shell between that would die alone of SIGTERM', () => {
    const { scripts } = JSON.parse(readFileSync('package.json', 'utf8'));
    expect(scripts.start).toBe('exec node bin/daybook.js up');
  });
});
