import type { FoundRows } from '../billing/reconcile/check-file.ts';
import type { Parties } from '../billing/reconcile/parties.ts';
import { type Side, SideBuilder, type SideRow } from '../billing/reconcile/side.ts';
import type { TextTable } from '../billing/reconcile/text-table.ts';
import { DaybookError } from '../errors.ts';
import { type LoadMap, NO_MAP } from '../mapping/load-map.ts';
import { parseLoadMap } from '../mapping/parse-load-map.ts';
import { shown } from '../mapping/reject.ts';
import type { RowReader } from '../mapping/row.ts';
import type { Bytes } from './byte-source.ts';
import { CARRIER_CALLS } from './carrier-shape.ts';
import { CopyWriter } from './copy-writer.ts';
import { EncodedRow } from './encoded-row.ts';
import type { InputFormat } from './input-format.ts';
import { columnsOf, openRows } from './open-rows.ts';
import { RowEncoder } from './row-encoder.ts';

/** A carrier's file as one side of a reconciliation. Every row must be readable: sums are exact. */

export interface CarrierFile {
  readonly side: Side;
  /** What its rows are, to be judged before they are compared. */
  readonly found: FoundRows;
}

/** Of a row: all that is ever in it at once. */
const ROW_BYTES = 1 << 16;

/**
 * Reads a file as rows of `carrier_calls`, through a map where there is one.
 * @param window UTC epoch ms; rows outside it are counted, and kept
 * @throws DaybookError `E_MAP`; `E_INPUT` when it is read with a separator that is not its own, or
 *   holds a row that cannot be read: the first such row and how many there are
 */
export async function readCarrierFile(
  bytes: Bytes,
  request: {
    /** For messages and for its ending. */
    readonly name: string;
    /** Null: by the name's ending, else by the first bytes. */
    readonly format: InputFormat | null;
    /** As it was written; null: none. */
    readonly map: unknown;
    readonly window: { readonly start: number; readonly end: number };
  },
  into: { readonly ids: TextTable; readonly parties: Parties; readonly signal: AbortSignal },
): Promise<CarrierFile> {
  const { name, window } = request;
  const map = request.map === null ? NO_MAP : parseLoadMap(request.map, CARRIER_CALLS);
  const opened = await openRows(bytes, { ...request, map, dataset: CARRIER_CALLS });
  const { reader } = opened;
  try {
    demandColumns(reader, map, name, opened.description);
    const columns = columnsOf(reader, map, CARRIER_CALLS);
    const writer = new CopyWriter(ROW_BYTES);
    const fixedCount = reader.columns !== null;
    const encoder = new RowEncoder({ dataset: CARRIER_CALLS, map, columns, fixedCount, writer });
    const rows = new CarrierRows(into, window);
    let firstRefusal: string | null = null;
    let refused = 0;
    let more = true;
    while (more) {
      into.signal.throwIfAborted();
      more = await reader.next((row) => {
        writer.length = 0;
        if (encoder.encode(row)) {
          rows.add(writer.bytes);
          return;
        }
        refused++;
        const { field, reason } = encoder.lastRefusal ?? { field: null, reason: 'unreadable' };
        firstRefusal ??= `row ${row.number}: ${field === null ? '' : `${field}: `}${reason}`;
      });
    }
    await reader.close();
    if (refused > 0) {
      const reason = `${refused} of ${refused + rows.count} rows cannot be read, and every one counts; ${firstRefusal}`;
      throw new DaybookError('E_INPUT', { where: name, reason });
    }
    return rows.build();
  } catch (error) {
    // Not awaited: a source that says nothing more may never close by itself.
    reader.close().catch(() => {});
    throw error;
  }
}

/** The separators that are looked for where a file seems to have one column. */
const SEPARATORS = [',', ';', '\t', '|'];

/** A delimited file that was read with another's separator has one column that holds the true one. */
function demandColumns(reader: RowReader, map: LoadMap, name: string, description: string): void {
  const [only, ...others] = reader.columns ?? ['', ''];
  if (others.length > 0 || reader.columns === map.header) return;
  const count = (separator: string) => only.split(separator).length - 1;
  const likely = SEPARATORS.reduce((best, each) => (count(each) > count(best) ? each : best));
  if (count(likely) === 0) return;
  throw new DaybookError('E_INPUT', {
    where: name,
    reason:
      `read as ${description}, its first line ${shown(only)} is one column; ` +
      `it holds ${count(likely)} times ${JSON.stringify(likely)}, which seems to be the separator: ` +
      `say so in the map, {"delimiter": ${JSON.stringify(likely)}}`,
  });
}

class CarrierRows {
  readonly #builder = new SideBuilder();
  readonly #row: SideRow = {
    rowNumber: 0,
    startedAtMs: 0,
    billedSeconds: 0,
    amount: { unscaled: 0n, scale: 0 },
    caller: 0,
    callee: 0,
    id: -1,
  };
  readonly #fields = new EncodedRow();
  readonly #ids: TextTable;
  readonly #parties: Parties;
  readonly #window: { readonly start: number; readonly end: number };
  readonly #currencies = new Map<string, number>();
  #within = 0;
  #first = Number.POSITIVE_INFINITY;
  #last = Number.NEGATIVE_INFINITY;

  constructor(
    into: { readonly ids: TextTable; readonly parties: Parties },
    window: { readonly start: number; readonly end: number },
  ) {
    this.#ids = into.ids;
    this.#parties = into.parties;
    this.#window = window;
  }

  get count(): number {
    return this.#builder.rows;
  }

  /** Takes the fields in the order of `stageColumns`. */
  add(encoded: Buffer): void {
    const row = this.#row;
    const fields = this.#fields;
    fields.open(encoded);
    fields.next();
    row.rowNumber = fields.integer();
    fields.next();
    row.id = fields.start === fields.end ? -1 : this.#intern(fields);
    fields.next();
    row.startedAtMs = fields.instantMs();
    fields.next();
    row.caller = this.#parties.read(fields.bytes, fields.start, fields.end);
    fields.next();
    row.callee = this.#parties.read(fields.bytes, fields.start, fields.end);
    fields.next();
    row.billedSeconds = fields.integer();
    fields.next();
    row.amount = fields.decimal();
    fields.next();
    const currency = fields.text().trim().toUpperCase();
    this.#currencies.set(currency, (this.#currencies.get(currency) ?? 0) + 1);
    if (row.startedAtMs >= this.#window.start && row.startedAtMs < this.#window.end) this.#within++;
    this.#first = Math.min(this.#first, row.startedAtMs);
    this.#last = Math.max(this.#last, row.startedAtMs);
    this.#builder.add(row);
  }

  build(): CarrierFile {
    const side = this.#builder.build();
    const currencies = [...this.#currencies].map(([currency, rows]) => ({ currency, rows }));
    return {
      side,
      found: {
        rows: side.rows,
        within: this.#within,
        first: this.#first,
        last: this.#last,
        currencies,
      },
    };
  }

  #intern({ bytes, start, end }: EncodedRow): number {
    return this.#ids.intern(bytes, start, end);
  }
}
