import { chargeableSeconds } from '../../billing/chargeable.ts';
import type { CallParties } from '../../billing/choose-plan.ts';
import { digitsOf } from '../../billing/prefix-index.ts';
import type { PriceList } from '../../billing/price-list.ts';
import { type NotRated, type RatedCall, rateCall } from '../../billing/rate-call.ts';
import { stepsAsText } from '../../billing/round-amount.ts';
import type { CopyWriter } from '../../ingest/copy-writer.ts';
import { type BytesColumn, bytesOf, type Chunk, numbersOf } from '../../reports/chunk.ts';
import { STAGED_CHARGE } from '../../store/charge-stage.ts';
import type { UnratedReason } from '../../store/charges.ts';
import { type Calendar, dayAt } from '../../time/calendar.ts';
import type { DayWindow } from '../../time/day-window.ts';
import type { PriceBook } from './price-book.ts';

/** Rates the calls of chunks and writes their charges as rows of COPY. */

const FIELDS = Object.keys(STAGED_CHARGE).length;
const HOUR_MS = 3_600_000;

export interface StagedCounts {
  /** Calls that were looked at, and charges that were written. */
  calls: number;
  charges: number;
  unrated: number;
  /** Of locked days: left as they stand. */
  held: number;
}

export class ChargeStager {
  readonly #book: PriceBook;
  readonly #calendar: Calendar;
  readonly #locked: ReadonlySet<string>;
  readonly #writer: CopyWriter;
  readonly counts: StagedCounts = { calls: 0, charges: 0, unrated: 0, held: 0 };
  /** UTC hour → calls that are to be tried again when rates change or a lock goes. */
  readonly pending = new Map<number, number>();
  #day: DayWindow = { date: '', zone: 'UTC', start: 0, end: 0 };

  constructor(of: {
    readonly book: PriceBook;
    readonly calendar: Calendar;
    readonly lockedDates: readonly string[];
    readonly writer: CopyWriter;
  }) {
    this.#book = of.book;
    this.#calendar = of.calendar;
    this.#locked = new Set(of.lockedDates);
    this.#writer = of.writer;
  }

  /** @param chunk of the dataset `calls` */
  add(chunk: Chunk): void {
    const calls = new ChunkOfCalls(chunk);
    for (let row = 0; row < chunk.rows; row++) this.#addCall(calls, row);
  }

  #addCall(calls: ChunkOfCalls, row: number): void {
    this.counts.calls++;
    const seconds = chargeableSeconds({
      disposition: calls.text('disposition', row) ?? '',
      answeredAt: calls.answered[row],
      endedAt: calls.ended[row],
      talkSeconds: calls.talk[row],
    });
    if (seconds === 'not_chargeable') return;
    const startedAt = calls.started[row];
    const parties = calls.parties(row);
    const { payer, plan } = this.#book.choose(parties);
    // Calls inside the house cost nothing unless a plan says so.
    if (parties.direction === 'internal' && 'reason' in plan) return;
    const date = this.#dateOf(startedAt);
    if (this.#locked.has(date)) {
      this.counts.held++;
      this.#pend(startedAt);
      return;
    }
    this.counts.charges++;
    const name = 'name' in plan ? plan.name : null;
    const list = name === null ? null : this.#book.listAt(name, startedAt);
    const outcome = this.#rate(calls, row, plan, list, seconds);
    const staged = { payer, date, plan: name, list, seconds };
    if (typeof outcome === 'string') {
      this.counts.unrated++;
      this.#pend(startedAt);
      this.#write(calls, row, staged, null, outcome);
    } else {
      this.#write(calls, row, staged, outcome, null);
    }
  }

  #rate(
    calls: ChunkOfCalls,
    row: number,
    plan: { readonly name: string } | { readonly reason: UnratedReason },
    list: PriceList | null,
    seconds: number | 'no_duration',
  ): RatedCall | UnratedReason {
    if ('reason' in plan) return plan.reason;
    if (list === null) return 'no_version';
    if (seconds === 'no_duration') return seconds;
    const number = calls.text(list.terms.prefixOf, row) ?? '';
    const answeredAt = calls.answered[row];
    const clockStart = Number.isNaN(answeredAt) ? calls.started[row] : answeredAt;
    const rated: RatedCall | NotRated = rateCall(list, number, clockStart, seconds);
    return rated === 'no_rate' && digitsOf(number) === '' ? 'no_number' : rated;
  }

  #write(
    calls: ChunkOfCalls,
    row: number,
    staged: {
      readonly payer: string;
      readonly date: string;
      readonly plan: string | null;
      readonly list: PriceList | null;
      readonly seconds: number | 'no_duration';
    },
    rated: RatedCall | null,
    reason: UnratedReason | null,
  ): void {
    const writer = this.#writer;
    writer.beginRow(FIELDS);
    calls.copy('external_id', row, writer);
    writer.instant(calls.started[row]);
    writer.ascii(staged.date);
    writer.ascii(rated === null ? 'unrated' : 'rated');
    writer.string(reason);
    writer.string(staged.payer);
    for (const field of ['direction', 'caller', 'callee', 'agent', 'trunk'] as const) {
      calls.copy(field, row, writer);
    }
    if (staged.seconds === 'no_duration') writer.none();
    else writer.bigint(staged.seconds);
    if (rated === null) writer.none();
    else writer.bigint(rated.billedSeconds);
    writer.string(staged.plan);
    const { list } = staged;
    if (list === null) writer.none();
    else writer.instant(list.validFrom);
    if (rated === null || list === null) {
      for (let i = 0; i < 11; i++) writer.none();
      return;
    }
    const { entry, lines, steps } = rated;
    const { terms } = list;
    // Nothing was billed: then the rates that would have begun.
    const group =
      lines.length > 0 ? lines[0].group : entry.groups.find((each) => each !== null)?.[0];
    writer.ascii(entry.prefix);
    writer.string(group?.rate ?? null);
    for (const value of [group?.rateUnitSeconds, group?.incrementSeconds, group?.minimumSeconds]) {
      if (value === undefined) writer.none();
      else writer.bigint(value);
    }
    writer.string(group?.connectFee ?? null);
    if (lines.length < 2) writer.none();
    else {
      writer.jsonb(
        lines.map(({ fromSecond, seconds, group: g }) => [
          ...[fromSecond, seconds, g.rate, g.rateUnitSeconds, g.incrementSeconds, g.window],
        ]),
      );
    }
    writer.ascii(terms.rounding);
    writer.ascii(stepsAsText(1, terms.roundingScale));
    writer.ascii(stepsAsText(steps, terms.roundingScale));
    writer.ascii(terms.currency);
  }

  /** Rows come by their start, so the day is nearly always that of the row before. */
  #dateOf(instantMs: number): string {
    if (instantMs < this.#day.start || instantMs >= this.#day.end) {
      this.#day = dayAt(this.#calendar, instantMs);
    }
    return this.#day.date;
  }

  #pend(startedAt: number): void {
    const hour = Math.floor(startedAt / HOUR_MS) * HOUR_MS;
    this.pending.set(hour, (this.pending.get(hour) ?? 0) + 1);
  }
}

type TextField =
  | 'external_id'
  | 'direction'
  | 'caller'
  | 'callee'
  | 'agent'
  | 'trunk'
  | 'disposition';

class ChunkOfCalls {
  readonly started: Float64Array;
  readonly answered: Float64Array;
  readonly ended: Float64Array;
  readonly talk: Float64Array;
  readonly #texts: Readonly<Record<TextField, { column: BytesColumn; bytes: Buffer }>>;

  constructor(chunk: Chunk) {
    this.started = numbersOf(chunk, 'started_at').values;
    this.answered = numbersOf(chunk, 'answered_at').values;
    this.ended = numbersOf(chunk, 'ended_at').values;
    this.talk = numbersOf(chunk, 'talk_seconds').values;
    const textsOf = (name: TextField) => {
      const column = bytesOf(chunk, name);
      const { buffer, byteOffset, byteLength } = column.bytes;
      return { column, bytes: Buffer.from(buffer, byteOffset, byteLength) };
    };
    this.#texts = {
      external_id: textsOf('external_id'),
      direction: textsOf('direction'),
      caller: textsOf('caller'),
      callee: textsOf('callee'),
      agent: textsOf('agent'),
      trunk: textsOf('trunk'),
      disposition: textsOf('disposition'),
    };
  }

  text(field: TextField, row: number): string | null {
    const { column, bytes } = this.#texts[field];
    const start = column.offsets[row];
    const end = column.offsets[row + 1];
    return start === end ? null : bytes.toString('utf8', start, end);
  }

  copy(field: TextField, row: number, writer: CopyWriter): void {
    const { column, bytes } = this.#texts[field];
    const start = column.offsets[row];
    const end = column.offsets[row + 1];
    if (start === end) writer.none();
    else writer.text(bytes, start, end);
  }

  parties(row: number): CallParties {
    return {
      startedAt: this.started[row],
      direction: this.text('direction', row),
      caller: this.text('caller', row),
      callee: this.text('callee', row),
      agent: this.text('agent', row),
      trunk: this.text('trunk', row),
    };
  }
}
