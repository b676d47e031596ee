import { DaybookError } from '../errors.ts';
import type { Coding } from '../reports/stored-form.ts';
import { namesTag, parseByteRange } from './byte-range.ts';
import { wantedCoding } from './content-coding.ts';
import { attachmentOf } from './file-name.ts';

/** What is said of a file, whole or in the making, in front of its bytes. */
export interface ServedFile {
  readonly id: string;
  readonly name: string;
  readonly mediaType: string;
  /** On disk; what is stored coded is served coded or plain, as the client wishes. */
  readonly coding: Coding;
}

export interface RequestHeaders {
  readonly range?: string | undefined;
  readonly 'accept-encoding'?: string | string[] | undefined;
  readonly 'if-none-match'?: string | undefined;
  readonly 'if-range'?: string | string[] | undefined;
}

/** How the file goes out: as it is stored, or as what is in it. */
export function servedCoding(file: ServedFile, headers: RequestHeaders): Coding {
  return file.coding === 'identity' ? 'identity' : wantedCoding(String(headers['accept-encoding']));
}

/** Names the file and its coding; known before the first byte is, and never that of other bytes. */
export function etagOf(file: ServedFile, coding: Coding): string {
  return coding === 'gzip' ? `"${file.id}-gzip"` : `"${file.id}"`;
}

/** Of every answer about the file. */
export function validatorsOf(file: ServedFile, coding: Coding): Record<string, string> {
  return {
    etag: etagOf(file, coding),
    'cache-control': 'private, no-cache',
    'accept-ranges': 'bytes',
    // A file is what it says it is, and never a page of this site.
    'content-security-policy': "default-src 'none'; sandbox",
    ...(file.coding === 'identity' ? {} : { vary: 'Accept-Encoding' }),
  };
}

/** Of an answer that has its bytes, or would have them. */
export function contentHeadersOf(file: ServedFile, coding: Coding): Record<string, string> {
  return {
    'content-type': file.mediaType,
    'content-disposition': attachmentOf(file.name),
    ...(coding === 'gzip' ? { 'content-encoding': 'gzip' } : {}),
  };
}

/** Whether the client has what it would get. */
export function isKnown(file: ServedFile, coding: Coding, headers: RequestHeaders): boolean {
  return namesTag(headers['if-none-match'], etagOf(file, coding));
}

/**
 * The span of the served bytes that `Range` and `If-Range` ask for; null: the whole.
 * @throws DaybookError `E_RANGE` when none of them are there
 */
export function wantedSpan(
  headers: RequestHeaders,
  etag: string,
  bytes: number,
): { readonly first: number; readonly last: number } | null {
  const ifRange = headers['if-range'];
  if (ifRange !== undefined && ifRange !== etag) return null;
  const range = parseByteRange(headers.range, bytes);
  if (range.kind === 'unsatisfiable') {
    throw new DaybookError('E_RANGE', {
      where: 'Range',
      got: JSON.stringify(headers.range?.slice(0, 100)),
      expected: bytes === 0 ? 'none of an empty file' : `bytes within 0-${bytes - 1}`,
      bytes,
    });
  }
  return range.kind === 'part' ? range : null;
}
