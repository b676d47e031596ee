import type { Socket } from 'node:net';
import type pg from 'pg';

/**
 * A `COPY … TO STDOUT` as the bytes of its connection. While rows come, the connection's socket is
 * read here and not by pg's parser, which would make an object of each row; the parser gets what
 * is no row, and the connection back at the end.
 */

/** What was received and not read is at most about this; then the server waits. */
const MOST_BYTES_AHEAD = 1 << 20;

/** Types of messages. */
const COPY_DATA = 0x64;
const COPY_DONE = 0x63;
const COPY_OUT_RESPONSE = 0x48;
const ERROR_RESPONSE = 0x45;

interface Connection {
  readonly stream: Socket;
  query(text: string): void;
}

export class CopyOut implements pg.Submittable {
  /** Seen by who watches statements, as that of pg's own queries is. */
  readonly text: string;
  #connection: Connection | null = null;
  /** How pg takes bytes; null before the COPY and after it. */
  #parse: ((bytes: Buffer) => void) | null = null;
  readonly #ahead: Buffer[] = [];
  #bytesAhead = 0;
  /** The next bytes begin a message. */
  #atMessage = true;
  #done = false;
  /** The beginning of a message that is no row. */
  #begun: Buffer | null = null;
  #failure: Error | null = null;
  #wake: () => void = () => {};

  constructor(text: string) {
    this.text = text;
  }

  /** Called by pg when the connection is free. */
  submit(connection: pg.Connection): void {
    this.#connection = connection as unknown as Connection;
    const { stream } = this.#connection;
    const [parse, ...others] = stream.listeners('data');
    if (parse === undefined || others.length > 0) {
      throw new Error('the connection is not read by pg alone');
    }
    this.#parse = parse as (bytes: Buffer) => void;
    stream.off('data', this.#parse);
    stream.on('data', this.#take);
    this.#connection.query(this.text);
  }

  /**
   * The next bytes of the rows' messages, cut anywhere; null when all have come.
   * @throws the server's error, or what ended the connection
   */
  async read(): Promise<Buffer | null> {
    for (;;) {
      if (this.#failure) throw this.#failure;
      const bytes = this.#ahead.shift();
      if (bytes) {
        this.#bytesAhead -= bytes.length;
        if (this.#bytesAhead < MOST_BYTES_AHEAD) this.#connection?.stream.resume();
        const rows = this.#atMessage ? this.#afterOthers(bytes) : bytes;
        if (this.#done) return null;
        if (rows === null) continue;
        this.#atMessage = false;
        return rows;
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** Takes back what begins with another message than a row. */
  unread(bytes: Buffer): void {
    this.#atMessage = true;
    this.#ahead.unshift(bytes);
    this.#bytesAhead += bytes.length;
  }

  /** Ends the connection: only that stops a COPY which nobody reads. */
  destroy(reason: Error): void {
    this.#fail(reason);
    this.#connection?.stream.destroy();
  }

  /** Called by pg for an error of the server, or when the connection is lost. */
  handleError(error: Error): void {
    this.#fail(error);
  }

  handleCommandComplete(): void {}

  handleReadyForQuery(): void {}

  readonly #take = (bytes: Buffer): void => {
    this.#ahead.push(bytes);
    this.#bytesAhead += bytes.length;
    if (this.#bytesAhead >= MOST_BYTES_AHEAD) this.#connection?.stream.pause();
    this.#wake();
  };

  /** Deals with the messages in front of the next row; null where no row has come yet. */
  #afterOthers(bytes: Buffer): Buffer | null {
    let rest = this.#begun ? Buffer.concat([this.#begun, bytes]) : bytes;
    this.#begun = null;
    while (rest.length > 0 && rest[0] !== COPY_DATA) {
      if (rest[0] === ERROR_RESPONSE) return this.#release(rest);
      const end = rest.length < 5 ? Number.POSITIVE_INFINITY : 1 + rest.readUInt32BE(1);
      if (rest.length < end) {
        this.#begun = rest;
        return null;
      }
      if (rest[0] === COPY_DONE) {
        this.#done = true;
        return this.#release(rest.subarray(end));
      }
      if (rest[0] !== COPY_OUT_RESPONSE) this.#parse?.(rest.subarray(0, end));
      rest = rest.subarray(end);
    }
    return rest.length > 0 ? rest : null;
  }

  /** Gives the connection back to pg, beginning with these bytes and all that were read ahead. */
  #release(rest: Buffer): null {
    const stream = this.#connection?.stream;
    const parse = this.#parse;
    if (!stream || !parse) return null;
    this.#parse = null;
    stream.off('data', this.#take);
    stream.on('data', parse);
    parse(Buffer.concat([rest, ...this.#ahead]));
    this.#ahead.length = 0;
    stream.resume();
    return null;
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    this.#wake();
  }
}
