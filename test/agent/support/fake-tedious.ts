import { EventEmitter } from 'node:events';
import type { Tedious } from '../../../src/agent/tables/tedious.ts';

/** What the driver of SQL Server does for its user, over rows that a test gives. */
export interface FakeServer {
  readonly tedious: Tedious;
  /** Texts with their parameters, as they came. */
  readonly asked: { readonly text: string; readonly values: readonly (string | null)[] }[];
  readonly options: object[];
  /** Requests that were told to pause. */
  pauses(): number;
}

export function fakeSqlServer(
  answer: (
    text: string,
    values: readonly (string | null)[],
  ) => readonly (readonly unknown[])[] | Error,
): FakeServer {
  const asked: FakeServer['asked'] = [];
  const options: object[] = [];
  let pauses = 0;

  class Request extends EventEmitter {
    readonly values: (string | null)[] = [];
    readonly text: string;
    readonly done: (error?: Error | null) => void;
    isPaused = false;
    rest: () => void = () => {};

    constructor(text: string, done: (error?: Error | null) => void) {
      super();
      this.text = text;
      this.done = done;
    }
    addParameter(name: string, _: unknown, value: string | null): void {
      this.values[Number(name.slice(1)) - 1] = value;
    }
    pause(): void {
      pauses++;
      this.isPaused = true;
    }
    resume(): void {
      if (!this.isPaused) return;
      this.isPaused = false;
      setImmediate(this.rest);
    }
    cancel(): void {
      this.done(Object.assign(new Error('Canceled.'), { code: 'ECANCEL' }));
    }
  }

  class Connection extends EventEmitter {
    constructor(of: object) {
      super();
      options.push(of);
    }
    connect(done: (error?: Error) => void): void {
      setImmediate(done);
    }
    execSql(request: Request): void {
      asked.push({ text: request.text, values: request.values });
      const rows = answer(request.text, request.values);
      if (rows instanceof Error) {
        setImmediate(() => request.done(rows));
        return;
      }
      let at = 0;
      const go = () => {
        while (at < rows.length && !request.isPaused) {
          request.emit(
            'row',
            rows[at++].map((value) => ({ value })),
          );
        }
        if (at === rows.length && !request.isPaused) request.done();
      };
      request.rest = go;
      setImmediate(go);
    }
    close(): void {
      this.emit('end');
    }
  }

  return {
    tedious: { Connection, Request, TYPES: { NVarChar: 'NVarChar' } } as unknown as Tedious,
    asked,
    options,
    pauses: () => pauses,
  };
}
