import { instantOfWall, type LocalInstant } from '../time/local-time.ts';
import { offsetMsAt, offsetStretches } from '../time/zone.ts';

const DAY_MS = 86_400_000;
/** No zone is farther from UTC. */
const FARTHEST_OFFSET_MS = 17 * 3_600_000;

/**
 * The wall clock of one zone, quick for many readings: a calendar day around which the offset does
 * not change is remembered with its offset, and costs one subtraction from then on.
 */
export class LocalClock {
  readonly zone: string;
  /** Offset of the days that have but one; NaN: look closer. */
  readonly #offsets = new Map<number, number>();
  #lastDay = Number.NaN;
  #lastOffset = Number.NaN;
  /** What the last {@link instantOf} met. */
  kind: LocalInstant['kind'] = 'unique';

  constructor(zone: string) {
    this.zone = zone;
  }

  /**
   * The instant (UTC epoch ms) when the clock shows `wallMs` (the epoch ms of that wall time in
   * UTC); `kind` tells whether that is unique. In an overlap the first, in a gap the first after.
   */
  instantOf(wallMs: number): number {
    const day = Math.floor(wallMs / DAY_MS);
    const offset = day === this.#lastDay ? this.#lastOffset : this.#offsetOf(day);
    if (!Number.isNaN(offset)) {
      this.kind = 'unique';
      return wallMs - offset;
    }
    const { instant, kind } = instantOfWall(this.zone, wallMs);
    this.kind = kind;
    return instant;
  }

  /** What the clock shows at an instant, as the epoch ms it would be in UTC. */
  wallOf(instantMs: number): number {
    return instantMs + offsetMsAt(this.zone, instantMs);
  }

  #offsetOf(day: number): number {
    let offset = this.#offsets.get(day);
    if (offset === undefined) {
      const stretches = offsetStretches(
        this.zone,
        day * DAY_MS - FARTHEST_OFFSET_MS,
        (day + 1) * DAY_MS + FARTHEST_OFFSET_MS,
      );
      offset = stretches.length === 1 ? stretches[0].offsetMs : Number.NaN;
      this.#offsets.set(day, offset);
    }
    this.#lastDay = day;
    this.#lastOffset = offset;
    return offset;
  }
}
