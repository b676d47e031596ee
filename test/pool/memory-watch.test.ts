import { describe, expect, it } from 'vitest';
import { memoryPerCompute } from '../../src/pool/memory-budget.ts';
import { watchMemory } from '../../src/pool/memory-watch.ts';

const MIB = 2 ** 20;
const day = (taskId: string, heldMib: number, turns = 0) => ({
  taskId,
  pulse: { turns, steps: 0, heldBytes: heldMib * MIB },
});

describe('the watch over memory', () => {
  it('ends nobody as long as the process holds what it may', () => {
    expect(watchMemory(1000 * MIB).look(1000 * MIB, [day('a', 900)])).toBeNull();
  });

  it('ends the day of the thread that tells it holds the most', () => {
    const watch = watchMemory(1000 * MIB);
    expect(watch.look(1001 * MIB, [day('a', 100, 1), day('b', 700, 1)])).toBe('b');
  });

  it('puts what nobody tells to the thread that was silent for longest', () => {
    const watch = watchMemory(1000 * MIB);
    for (let look = 0; look < 5; look++) {
      watch.look(500 * MIB, [day('told', 200, look), day('silent', 50)]);
    }
    expect(watch.look(1001 * MIB, [day('told', 200, 9), day('silent', 50)])).toBe('silent');
  });

  it('gives an ended thread time to free its memory before it ends the next', () => {
    const watch = watchMemory(1000 * MIB);
    expect(watch.look(1200 * MIB, [day('a', 800), day('b', 100)])).toBe('a');
    const later = Array.from({ length: 16 }, () => watch.look(1200 * MIB, [day('b', 100)]));
    expect(later.indexOf('b')).toBe(15);
  });

  it('gives up the process when it holds too much though nobody works', () => {
    expect(watchMemory(1000 * MIB).look(1001 * MIB, [])).toBe('all');
  });
});

describe('the memory of a compute process', () => {
  const budget = { apiProcesses: 1, apiPool: 4, runnerPool: 4 };

  it('grows with its threads, and all processes together leave a part of the machine', () => {
    const one = { ...budget, computeProcesses: 1, threadsPerCompute: 3 };
    expect(memoryPerCompute(one, 16_384 * MIB)).toBe((256 + 3 * 512) * MIB);
    const many = { ...budget, computeProcesses: 4, threadsPerCompute: 4 };
    expect(4 * memoryPerCompute(many, 4096 * MIB)).toBeLessThan(0.61 * 4096 * MIB);
  });
});
