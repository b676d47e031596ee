import { once } from 'node:events';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';
import { DaybookError } from '../../errors.ts';
import { type RowLayout, type RowLimits, RowLines } from './row-lines.ts';

/** A body on its way into the queue: unpacked, checked and counted, and packed as NDJSON in gzip. */

export interface BodyForm {
  readonly layout: RowLayout;
  readonly isGzip: boolean;
}

export interface PackedBody {
  /** NDJSON in gzip. */
  readonly pieces: readonly Buffer[];
  readonly storedBytes: number;
  readonly rawBytes: number;
  readonly rows: number;
}

export interface BodyLimits extends RowLimits {
  /** Of the body when it is unpacked. */
  readonly rawBytes: number;
}

const CHUNK_BYTES = 1 << 18;
/** In the queue bytes live for seconds: quick rather than small. */
const LEVEL = 1;

/**
 * Never holds the unpacked body. What came as NDJSON in gzip is kept as it came.
 * @throws DaybookError `E_USAGE`, `E_TOO_LARGE`; what `signal` was aborted with
 */
export async function packBody(
  sent: readonly Buffer[],
  form: BodyForm,
  limits: BodyLimits,
  signal: AbortSignal,
): Promise<PackedBody> {
  const lines = new RowLines(form.layout, limits);
  const isKept = form.isGzip && form.layout === 'lines';
  const packer = isKept ? null : createGzip({ level: LEVEL, chunkSize: CHUNK_BYTES });
  const packed: Buffer[] = [];
  packer?.on('data', (piece: Buffer) => packed.push(piece));
  let rawBytes = 0;
  try {
    await pipeline(
      form.isGzip ? unpacked(sent) : sent,
      async (pieces: AsyncIterable<Buffer>) => {
        for await (const piece of pieces) {
          rawBytes += piece.length;
          if (rawBytes > limits.rawBytes) {
            throw new DaybookError('E_TOO_LARGE', {
              where: 'body, unpacked',
              got: `more than ${limits.rawBytes} bytes`,
              expected: `${limits.rawBytes} bytes`,
            });
          }
          const line = lines.push(piece);
          if (packer && !packer.write(line)) await once(packer, 'drain', { signal });
        }
      },
      { signal },
    );
    lines.end();
    if (packer) {
      packer.end();
      await once(packer, 'end', { signal });
    }
  } catch (error) {
    throw toBodyError(error);
  } finally {
    packer?.destroy();
  }
  const pieces = isKept ? sent : packed;
  const storedBytes = pieces.reduce((sum, piece) => sum + piece.length, 0);
  return { pieces, storedBytes, rawBytes, rows: lines.rows };
}

async function* unpacked(sent: readonly Buffer[]): AsyncGenerator<Buffer> {
  const inflate = createGunzip({ chunkSize: CHUNK_BYTES });
  let at = 0;
  const feed = () => {
    while (at < sent.length) if (!inflate.write(sent[at++])) return;
    inflate.end();
    inflate.off('drain', feed);
  };
  inflate.on('drain', feed);
  feed();
  try {
    for await (const piece of inflate) yield piece as Buffer;
  } finally {
    inflate.destroy();
  }
}

function toBodyError(error: unknown): unknown {
  const { code } = error as NodeJS.ErrnoException;
  if (!code?.startsWith('Z_')) return error;
  const isCut = code === 'Z_BUF_ERROR';
  return new DaybookError(
    'E_USAGE',
    {
      where: 'body',
      got: isCut ? 'gzip that is cut off' : 'damaged gzip',
      expected: 'what Content-Encoding says',
    },
    error,
  );
}
