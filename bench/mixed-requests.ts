import { Agent, request } from 'node:http';

/** So many requests a second of many kinds, whether those before were answered or not. */
export interface MixedRequests {
  /** Those that were to be sent before count for nothing: who was asked nothing yet is slow. */
  countFromNow(): void;
  /** Milliseconds from when each was to be sent to its last byte, by kind; what was not 2xx. */
  stop(): Promise<{
    readonly ms: ReadonlyMap<string, readonly number[]>;
    readonly refused: readonly string[];
  }>;
}

export interface Asker {
  readonly token: string;
  /** Inclusive local date that has rows. */
  readonly date: string;
}

const DEADLINE_MS = 30_000;

/** In turn; what people's screens ask for, and now and then a small export. */
function kindsOf({ date }: Asker): readonly [method: string, path: string, body?: object][] {
  return [
    ['GET', '/v1/schedules'],
    ['GET', '/v1/runs?limit=20'],
    ['GET', `/v1/reports/queues/summary?from=${date}&to=${date}`],
    ['GET', '/v1/deliveries?limit=20'],
    ['GET', '/v1/reports'],
    ['GET', '/v1/files?limit=20'],
    ['GET', '/v1/exports?limit=20'],
    ['POST', '/v1/exports', { report: 'queues', from: date, to: date, format: 'csv' }],
    ['GET', '/v1/members'],
    ['GET', '/v1/delivery-settings'],
  ];
}

export function startMixedRequests(
  base: string,
  askers: readonly Asker[],
  perSecond: number,
): MixedRequests {
  const agent = new Agent({ keepAlive: true, maxSockets: 200 });
  const ms = new Map<string, number[]>();
  const refused: string[] = [];
  const underWay = new Set<Promise<void>>();
  const began = performance.now();
  let countedFrom = began;
  let sent = 0;
  // Late wakes are made up for, and their lateness counts.
  const timer = setInterval(() => {
    while (began + (sent * 1000) / perSecond <= performance.now()) {
      const asker = askers[(sent * 7) % askers.length];
      const [method, path, body] = kindsOf(asker)[sent % 10];
      const kind = `${method} ${path.replace(/\?.*/, '')}`;
      const due = began + (sent++ * 1000) / perSecond;
      const asked = ask(method, path, asker.token, body)
        .then((status) => {
          if (status >= 300) refused.push(`${method} ${path}: ${status}`);
        })
        .catch((error: Error) => void refused.push(`${method} ${path}: ${error.message}`))
        .finally(() => {
          underWay.delete(asked);
          if (due < countedFrom) return;
          const ofKind = ms.get(kind) ?? [];
          ms.set(kind, ofKind);
          ofKind.push(performance.now() - due);
        });
      underWay.add(asked);
    }
  }, 5);

  function ask(method: string, path: string, token: string, body?: object): Promise<number> {
    return new Promise((resolve, reject) => {
      const text = body === undefined ? undefined : JSON.stringify(body);
      const asked = request(`${base}${path}`, {
        ...{ method, agent, signal: AbortSignal.timeout(DEADLINE_MS) },
        headers: {
          authorization: `Bearer ${token}`,
          ...(text === undefined ? {} : { 'content-type': 'application/json' }),
        },
      });
      asked.on('error', reject);
      asked.on('response', (answer) => {
        answer.resume();
        answer.on('error', reject);
        answer.on('end', () => resolve(answer.statusCode ?? 0));
      });
      asked.end(text);
    });
  }

  return {
    countFromNow() {
      countedFrom = performance.now();
    },
    async stop() {
      clearInterval(timer);
      await Promise.all(underWay);
      agent.destroy();
      return { ms, refused };
    },
  };
}
