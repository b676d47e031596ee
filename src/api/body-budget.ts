import { DaybookError } from '../errors.ts';

/**
 * Bytes that a process holds of all bodies under way, from senders who have proved nothing yet. When
 * they are as many as it may hold, the slowest make way: nobody keeps others out by sending little.
 */

/** A body that comes in, or is whole and at work. */
export interface BodyUnderWay {
  /** Held of it. */
  bytes: number;
  /** Nothing more of it is waited for. */
  isWhole: boolean;
  readonly begunMs: number;
  readonly giveWay: (reason: DaybookError) => void;
}

/** Whoever sends faster on the average, or began later, is not slow. */
const SLOW_BYTES_PER_SECOND = 64 * 1024;
const BEGINNING_MS = 2_000;
const BUSY_RETRY_SECONDS = 2;

export class BodyBudget {
  readonly #most: number;
  readonly #nowMs: () => number;
  readonly #underWay = new Set<BodyUnderWay>();
  #held = 0;

  /** @param nowMs a clock that never goes back */
  constructor(most: number, nowMs: () => number = () => performance.now()) {
    this.#most = most;
    this.#nowMs = nowMs;
  }

  /** Must be ended. @param giveWay called at most once, when the body is to be given up */
  begin(giveWay: BodyUnderWay['giveWay']): BodyUnderWay {
    const body = { bytes: 0, isWhole: false, begunMs: this.#nowMs(), giveWay };
    this.#underWay.add(body);
    return body;
  }

  /** Room for more of a body. @throws DaybookError `E_RATE_LIMITED` when there is none to be made */
  take(body: BodyUnderWay, bytes: number): void {
    if (this.#held + bytes > this.#most) this.#makeRoom(bytes, body);
    if (this.#held + bytes > this.#most) {
      throw new DaybookError('E_RATE_LIMITED', {
        who: 'all senders together',
        retryAfterSeconds: BUSY_RETRY_SECONDS,
      });
    }
    body.bytes += bytes;
    this.#held += bytes;
  }

  /** Again: nothing. */
  end(body: BodyUnderWay): void {
    if (this.#underWay.delete(body)) this.#held -= body.bytes;
  }

  #makeRoom(bytes: number, wanting: BodyUnderWay): void {
    const now = this.#nowMs();
    const rateOf = (body: BodyUnderWay) => (body.bytes * 1000) / (now - body.begunMs);
    const slow = [...this.#underWay]
      .filter((body) => body !== wanting && !body.isWhole && now - body.begunMs > BEGINNING_MS)
      .filter((body) => rateOf(body) < SLOW_BYTES_PER_SECOND)
      .sort((one, other) => rateOf(one) - rateOf(other));
    for (const body of slow) {
      if (this.#held + bytes <= this.#most) return;
      this.end(body);
      const expected = 'the time that others leave it';
      body.giveWay(new DaybookError('E_TIMEOUT', { where: 'body', expected }));
    }
  }
}
