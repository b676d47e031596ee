import { createHash } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { DaybookError } from '../../errors.ts';
import { type BodyForm, packBody } from '../../ingest/signed/pack-body.ts';
import { type HeaderLists, openBodyCheck, refused } from '../../ingest/signed/signature.ts';
import { createDatabaseClock } from '../../store/database-clock.ts';
import {
  type Arrival,
  type QueueState,
  queueOfAll,
  storeArrival,
} from '../../store/ingest-arrivals.ts';
import { noteIngestKeyUse } from '../../store/ingest-keys.ts';
import { spendOne } from '../access.ts';
import { BodyBudget } from '../body-budget.ts';
import type { ApiDeps } from '../deps.ts';
import { readRawBody } from '../raw-body.ts';
import { requestSignal } from '../request-signal.ts';
import { INGEST_LIMITS } from './ingest-limits.ts';
import { createKnownKeys, type KnownKey } from './known-keys.ts';

/** A signed body: who sent it, and the bytes. */
export interface Received {
  readonly key: NonNullable<KnownKey['key']>;
  readonly messageId: string | null;
  readonly bodySha256: Buffer;
  readonly pieces: readonly Buffer[];
}

type Content =
  | { readonly kind: 'rows'; readonly form: BodyForm }
  | { readonly kind: 'mark'; readonly read: (body: Buffer) => number };

/** What all tenants have in the queue is looked at this often. */
const LOOK_MS = 1_000;

/** Takes batches in: the signature first, then what the body holds, then the queue. */
export function createReceiver(deps: ApiDeps) {
  const { database, log, rateLimit } = deps;
  const limits = deps.ingestLimits ?? INGEST_LIMITS;
  const clock = createDatabaseClock(database);
  const knownKey = createKnownKeys(deps);
  const budget = new BodyBudget(limits.underWayBytes);
  let looked: { readonly at: number; readonly state: QueueState } | null = null;

  async function queueNow(): Promise<QueueState> {
    if (looked === null || performance.now() - looked.at > LOOK_MS) {
      const state = await database.asSystem(queueOfAll, { readOnly: true });
      looked = { at: performance.now(), state };
    }
    return looked.state;
  }

  /** @throws DaybookError `E_UNAUTHENTICATED`, `E_FORBIDDEN`, `E_TOO_LARGE` and such */
  async function verified(
    request: FastifyRequest,
    mostBytes: number,
    dataset: string,
    work: (received: Received) => Promise<string>,
  ): Promise<string> {
    const headers = headerLists(request.raw.rawHeaders);
    const named = headers['webhook-key-id'] ?? [];
    const keyId = named.length > 0 ? named.join() : (request.query as { key?: string }).key;
    const { rules, secret, key } = await knownKey(keyId ?? '');
    const check = openBodyCheck(rules, secret, headers, await clock());
    const body = await readRawBody(request, mostBytes, budget, check.update);
    try {
      const proved = check.finish();
      // The secret was nobody's: no signature fits it but by the chance of 2^-256.
      if (key === null) throw refused();
      if (!key.datasets.includes(dataset)) {
        throw new DaybookError('E_FORBIDDEN', {
          who: `ingest key ${key.id}`,
          action: `send ${dataset}`,
          expected: `one of ${key.datasets.join(', ')}`,
        });
      }
      return await work({ key, ...proved, pieces: body.pieces });
    } finally {
      body.release();
    }
  }

  async function store(received: Received, dataset: string, content: Content, signal: AbortSignal) {
    const { key, bodySha256, pieces } = received;
    const packed =
      content.kind === 'rows'
        ? { ...(await packBody(pieces, content.form, limits.body, signal)), completeThrough: null }
        : { ...NO_ROWS, completeThrough: content.read(Buffer.concat(pieces)) };
    const arrival: Arrival = {
      ...packed,
      tenantId: key.tenantId,
      tenantName: key.tenantName,
      dataset,
      kind: content.kind,
      source: key.source,
      messageId: received.messageId ?? `sha256:${dataset}:${bodySha256.toString('hex')}`,
      contentSha256: createHash('sha256')
        .update(`${content.kind} ${dataset}\n`)
        .update(bodySha256)
        .digest(),
      keyId: key.id,
    };
    const inAll = { state: await queueNow(), limits: limits.ofAll };
    const { id } = await database.asTenant(
      key.tenantId,
      async (tx) => {
        const stored = await storeArrival(tx, arrival, limits.ofTenant, inAll);
        await noteIngestKeyUse(tx, key.tenantId, key.id);
        return stored;
      },
      { repeatable: true },
    );
    return id;
  }

  /** The id of the batch, once it stands. */
  return async (
    request: FastifyRequest,
    reply: FastifyReply,
    dataset: string,
    content: Content,
  ): Promise<string> => {
    // A server that closes waits for what it has begun, which takes seconds at most.
    const signal = requestSignal(reply.raw, new AbortController().signal, LONGEST_MS);
    const mostBytes = content.kind === 'rows' ? limits.sentBytes : MARK_BYTES;
    try {
      return await verified(request, mostBytes, dataset, (received) =>
        store(received, dataset, content, signal),
      );
    } catch (error) {
      // Guessing is bounded by address, as it is with API keys.
      if (error instanceof DaybookError && error.code === 'E_UNAUTHENTICATED') {
        await spendOne({ rateLimit, log }, reply, `address:${request.ip}`, 'this address');
      }
      throw error;
    }
  };
}

/** Each time that a header came by itself: two of one name are not one. */
function headerLists(rawHeaders: readonly string[]): HeaderLists {
  const lists: Record<string, string[]> = Object.create(null);
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = rawHeaders[i].toLowerCase();
    lists[name] = [...(lists[name] ?? []), rawHeaders[i + 1]];
  }
  return lists;
}

const NO_ROWS = { pieces: [], rawBytes: 0, rows: 0 };
const MARK_BYTES = 4096;
const LONGEST_MS = 60_000;
