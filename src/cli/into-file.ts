import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { PassThrough, type Writable } from 'node:stream';
import { finished } from 'node:stream/promises';

/** Written beside and renamed, so that a file of that name is whole; `-` is standard output. */
export async function intoFile<T>(
  path: string,
  write: (stream: Writable) => Promise<T>,
): Promise<T> {
  if (path === '-') {
    const stream = new PassThrough();
    stream.pipe(process.stdout, { end: false });
    const result = await write(stream);
    stream.end();
    await finished(stream);
    return result;
  }
  const beside = `${path}.${process.pid}.part`;
  const stream = createWriteStream(beside, { flags: 'wx', flush: true });
  try {
    const closed = finished(stream);
    const failed = closed.then(() => new Promise<never>(() => {}));
    failed.catch(() => {});
    const result = await Promise.race([write(stream), failed]);
    if (!stream.writableEnded) stream.end();
    await closed;
    await rename(beside, path);
    return result;
  } catch (error) {
    stream.destroy();
    await rm(beside, { force: true });
    throw error;
  }
}
