import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { repeat } from '../../src/scheduler/repeat.ts';

/** Work that tells of each of its beginnings, and ends when it is told to. */
function openWork() {
  const begun: AbortSignal[] = [];
  let end: (error?: Error) => void = () => {};
  let hear = () => {};
  return {
    begun,
    end: (error?: Error) => end(error),
    async times(count: number): Promise<void> {
      while (begun.length < count) {
        await new Promise<void>((resolve) => {
          hear = resolve;
        });
      }
    },
    work: (signal: AbortSignal) =>
      new Promise<void>((resolve, reject) => {
        begun.push(signal);
        end = (error) => (error ? reject(error) : resolve());
        signal.addEventListener('abort', () => reject(signal.reason));
        hear();
      }),
  };
}

describe('work that is repeated', () => {
  const logged: string[] = [];
  const log = pino({}, { write: (line: string) => void logged.push(line) });
  const of = { name: 'work', pauseMs: 0, longestMs: 60_000, log };

  it('comes at once when it is woken, and once more when it was under way by then', async () => {
    const { begun, end, times, work } = openWork();
    const repeated = repeat({ ...of, pauseMs: 3_600_000, work });
    await times(1);
    repeated.wake();
    repeated.wake();
    end();
    await times(2);
    end();
    // It is idle once its end was seen.
    await new Promise((resolve) => setImmediate(resolve));
    expect(begun.length).toBe(2);
    repeated.wake();
    await times(3);
    await repeated.stop();
  });

  it('begins at once, one at a time, and again after it failed, which is logged', async () => {
    const { begun, end, times, work } = openWork();
    const repeated = repeat({ ...of, work });
    await times(1);
    end();
    await times(2);
    end(new Error('no luck'));
    await times(3);
    expect(logged.join()).toContain('no luck');
    await repeated.stop();
    expect(begun).toHaveLength(3);
    expect(begun[2].aborted).toBe(true);
  });

  it('is given up when it takes too long, and comes again', async () => {
    const { begun, times, work } = openWork();
    const repeated = repeat({ ...of, longestMs: 5, work });
    await times(2);
    expect(begun[0].aborted).toBe(true);
    await repeated.stop();
  });

  it('never begins after it was stopped', async () => {
    const { begun, end, times, work } = openWork();
    const repeated = repeat({ ...of, work });
    await times(1);
    const stopped = repeated.stop();
    end();
    await stopped;
    await new Promise((resolve) => setImmediate(resolve));
    expect(begun).toHaveLength(1);
  });
});
