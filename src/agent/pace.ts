import { setTimeout as sleep } from 'node:timers/promises';

/** Lets so much through in a second, and a second's worth at once; what is over is waited for. */
export class Pace {
  readonly #perSecond: number | null;
  readonly #nowMs: () => number;
  /** When all that was let through would have been due. */
  #dueMs = 0;

  /** @param nowMs a clock that never goes back */
  constructor(perSecond: number | null, nowMs: () => number = () => performance.now()) {
    this.#perSecond = perSecond;
    this.#nowMs = nowMs;
  }

  /** How long to wait after taking `amount`, ms. */
  take(amount: number): number {
    if (this.#perSecond === null) return 0;
    const now = this.#nowMs();
    this.#dueMs = Math.max(this.#dueMs, now) + (amount * 1000) / this.#perSecond;
    return Math.max(0, this.#dueMs - now - 1000);
  }

  /** @throws the signal's reason */
  async pass(amount: number, signal: AbortSignal): Promise<void> {
    const waitMs = this.take(amount);
    if (waitMs > 0) await sleep(waitMs, undefined, { signal });
  }
}

const FIRST_MS = 1_000;
const LONGEST_MS = 5 * 60_000;

/**
 * How long to wait after so many failures in a row: doubling to five minutes, and anywhere in its
 * upper half, so that many agents do not come back together.
 * @param random from 0 to 1
 */
export function backOffMs(failures: number, random: number): number {
  const most = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(failures - 1, 20));
  return Math.round(most * (0.5 + random / 2));
}
