import { crc32 } from 'node:zlib';
import { GZIP_HEAD, gzipTail } from '../reports/render/gzip.ts';
import { damaged, Inflater } from './inflater.ts';

/** So many are kept for the streams to come. */
const MOST_IDLE = 4;
const idle: Inflater[] = [];

/**
 * A gzip member as Daybook writes it, from its head to its end, its CRC-32 checked. A chunk is good
 * until the next one is asked for.
 * @throws DaybookError `E_IO` when it is none; what `chunks` throw
 */
export async function* gunzip(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  const inflater = borrow();
  const content = { crc32: 0, rawBytes: 0 };
  let headBytes = 0;
  let tail: Uint8Array = Buffer.alloc(0);
  try {
    for await (const chunk of chunks) {
      const head = GZIP_HEAD.subarray(headBytes, headBytes + chunk.length);
      if (!head.equals(chunk.subarray(0, head.length))) throw damaged('it has no gzip head');
      headBytes += head.length;
      const taking = inflater.take(chunk.subarray(head.length));
      for (let next = taking.next(); ; next = taking.next()) {
        if (next.done) {
          tail = Buffer.concat([tail, next.value]);
          break;
        }
        content.crc32 = crc32(next.value, content.crc32);
        content.rawBytes += next.value.length;
        yield next.value;
      }
    }
    if (!inflater.ended) throw damaged('it ends in the middle');
    if (!gzipTail(content).equals(tail)) throw damaged('its CRC-32 or its length is another');
  } finally {
    giveBack(inflater);
  }
}

/**
 * Deflated bytes without a head, that need not have an end; what stands behind it is passed over. A
 * chunk is good until the next one is asked for.
 * @throws DaybookError `E_IO` when they are none; what `chunks` throw
 */
export async function* inflateRaw(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  const inflater = borrow();
  try {
    for await (const chunk of chunks) {
      yield* inflater.take(chunk);
      if (inflater.ended) return;
    }
  } finally {
    giveBack(inflater);
  }
}

function borrow(): Inflater {
  const inflater = idle.pop() ?? new Inflater();
  inflater.begin();
  return inflater;
}

function giveBack(inflater: Inflater): void {
  if (idle.length < MOST_IDLE) idle.push(inflater);
}
