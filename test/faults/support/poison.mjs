import { syncBuiltinESMExports } from 'node:module';
import { isMainThread } from 'node:worker_threads';
import zlib from 'node:zlib';

/**
 * Preloaded into every process of `up`: a compute thread that meets the mark `POISON-<shape>` in
 * the bytes of a day misbehaves in that shape. No thread that meets no mark does anything else.
 */

/** Bounds what a shape may take when nobody stops it. */
const MOST_BYTES = 5 * 2 ** 30;
const unstopped = () => {
  throw new Error('nobody stopped the poison');
};

const SHAPES = {
  push() {
    const all = [];
    for (let i = 0; i < 1e10; i++) all.push(i);
  },
  map() {
    const all = new Map();
    for (let i = 0; i < 1e10; i++) all.set(i, new Array(1000).fill(i));
  },
  array() {
    const all = [];
    for (let i = 0; i < 64; i++) all.push(new Array(1e8).fill(0));
    unstopped();
  },
  buffers() {
    const all = [];
    for (let bytes = 0; bytes < MOST_BYTES; bytes += 2 ** 24) all.push(Buffer.alloc(2 ** 24, 1));
    unstopped();
  },
  loop() {
    for (;;);
  },
};

const MARK = Buffer.from('POISON-');

function shapeIn(data) {
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  const at = bytes.indexOf(MARK);
  if (at < 0) return null;
  const rest = bytes.toString('latin1', at + MARK.length, at + MARK.length + 20);
  return Object.keys(SHAPES).find((shape) => rest.startsWith(shape)) ?? null;
}

if (!isMainThread && process.env.DAYBOOK_ROLE === 'compute') {
  const original = zlib.deflateRawSync;
  zlib.deflateRawSync = (data, ...rest) => {
    const shape = shapeIn(data);
    if (shape !== null) SHAPES[shape]();
    return original(data, ...rest);
  };
  syncBuiltinESMExports();
}
