/**
 * What a thread tells of itself while it works on a day, through shared memory: it can be read
 * while the thread is too busy to answer, and what it does not tell is telling.
 */

const TURNS = 0;
const STEPS = 1;
const HELD_KIB = 2;

export type SharedPulse = SharedArrayBuffer;

export interface Pulse {
  /** Rises as long as the thread's event loop turns. Wraps around; only a difference counts. */
  readonly turns: number;
  /** Rises with every chunk of rows. Wraps around. */
  readonly steps: number;
  /** Heap and buffers of the thread at its last turn. */
  readonly heldBytes: number;
}

export function createPulse(): SharedPulse {
  return new SharedArrayBuffer(3 * Int32Array.BYTES_PER_ELEMENT);
}

export function readPulse(shared: SharedPulse): Pulse {
  const cells = new Int32Array(shared);
  return {
    turns: Atomics.load(cells, TURNS),
    steps: Atomics.load(cells, STEPS),
    heldBytes: Atomics.load(cells, HELD_KIB) * 1024,
  };
}

/** The side of the thread. */
export function beatPulse(shared: SharedPulse): {
  turn(heldBytes: number): void;
  step(): void;
} {
  const cells = new Int32Array(shared);
  return {
    turn(heldBytes) {
      Atomics.store(cells, HELD_KIB, Math.floor(heldBytes / 1024));
      Atomics.add(cells, TURNS, 1);
    },
    step() {
      Atomics.add(cells, STEPS, 1);
    },
  };
}
