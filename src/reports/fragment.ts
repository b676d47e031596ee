import type { OutColumn } from './column.ts';
import type { Headers, Locale } from './request.ts';

/** The rendered forms of rows. `csv` serves .csv, .csv.gz and .zip alike. */
export type FragmentForm = 'csv' | 'ndjson' | 'xlsx';

/** How to render rows into a fragment. Plain data; with the rows it decides every byte. */
export interface FragmentSpec {
  readonly form: FragmentForm;
  readonly columns: readonly OutColumn[];
  readonly locale: Locale;
  readonly headers: Headers;
  /** xlsx with references: the sheet row (from 1) of each piece's first row, in piece order. */
  readonly firstRows: readonly number[] | null;
}

/**
 * A run of whole rows of a fragment, made of one chunk: raw deflate that ends on a byte boundary
 * (full flush, no final block), so that pieces concatenate into one deflate stream.
 */
export interface Piece {
  readonly rows: number;
  /** Compressed and uncompressed lengths. */
  readonly bytes: number;
  readonly rawBytes: number;
  /** CRC-32 of the uncompressed bytes, unsigned. */
  readonly crc32: number;
}

/** A piece and where its compressed bytes stand. */
export interface StoredPiece extends Piece {
  /** Relative to the home folder. */
  readonly path: string;
  readonly offset: number;
  /** Of the compressed bytes, hex; checked on read. */
  readonly sha256: string;
}
