import { randomBytes } from 'node:crypto';
import type { InstallationKeys } from '../../delivery/installation-secret.ts';
import { openKey } from '../../ingest/signed/secret.ts';
import type { SignatureRules } from '../../ingest/signed/signature.ts';
import type { Database } from '../../store/database.ts';
import { findIngestKey, type IngestKey } from '../../store/ingest-keys.ts';

/** Keys by their id, remembered for a few seconds; one that nobody knows costs what a known one does. */

export interface KnownKey {
  readonly rules: SignatureRules;
  readonly secret: Buffer;
  /** Null: there is no such key, or it is used up; the secret is then nobody's. */
  readonly key: (IngestKey & { readonly tenantName: string }) | null;
}

/** A key works on for so long after it was revoked, in processes that have seen it. */
const REMEMBERED_MS = 3_000;
const REMEMBERED_MOST = 10_000;
const KEY_ID = /^dbi_[0-9a-f]{16}$/;
const STANDARD = { scheme: 'standard', header: null, prefix: '', idHeader: null } as const;

export function createKnownKeys(deps: {
  readonly database: Database;
  readonly keys: InstallationKeys;
}): (id: string) => Promise<KnownKey> {
  const { database, keys } = deps;
  const nobodys = randomBytes(32);
  const remembered = new Map<string, { readonly known: KnownKey; readonly until: number }>();

  async function lookUp(id: string): Promise<KnownKey> {
    const found = await database.asSystem((tx) => findIngestKey(tx, id));
    if (!found?.isUsable) return { rules: found ?? STANDARD, secret: nobodys, key: null };
    const { sealedSecret, isUsable: _, ...key } = found;
    const secret = openKey(keys, { tenantId: key.tenantId, keyId: id }, sealedSecret);
    return { rules: key, secret, key };
  }

  return async (id) => {
    // What has not the form of an id is looked up too, as one that nobody has.
    const sought = KEY_ID.test(id) ? id : 'dbi_';
    const now = performance.now();
    const kept = remembered.get(sought);
    if (kept && kept.until > now) return kept.known;
    const known = await lookUp(sought);
    if (remembered.size >= REMEMBERED_MOST) remembered.clear();
    remembered.set(sought, { known, until: now + REMEMBERED_MS });
    return known;
  };
}
