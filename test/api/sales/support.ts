import { randomUUID } from 'node:crypto';
import { ROLES, type Role } from '../../../src/principals/principal.ts';
import { expireProposalsOfAll } from '../../../src/scheduler/expire-proposals.ts';
import { addMember } from '../../../src/store/members.ts';
import { JWT, tokenOf } from '../../tenancy/support/two-tenants.ts';
import { startApi } from '../support.ts';

// biome-ignore lint/suspicious/noExplicitAny: the body of an answer, of any form
type Body = any;
interface Answer {
  readonly status: number;
  readonly body: Body;
}

/** An API with a member of each role. */
export async function createServerAs() {
  const api = await startApi({ jwt: JWT });
  const tokens = {} as Record<Role, string>;
  await api.db.database.asSystem(async (tx) => {
    for (const role of ROLES) {
      const userId = randomUUID();
      tokens[role] = tokenOf(userId);
      await addMember(tx, { tenantId: api.a.id, userId, roles: [role] });
    }
  });
  async function ask(
    method: 'GET' | 'POST' | 'PUT' | 'PATCH',
    url: string,
    payload: object | undefined,
    as: Role,
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    const answer = await api.server.inject({
      method,
      url,
      headers: { authorization: `Bearer ${tokens[as]}`, ...headers },
      ...(payload ? { payload } : {}),
    });
    return { status: answer.statusCode, body: answer.body === '' ? null : answer.json() };
  }
  return {
    db: api.db,
    tenant: api.a,
    /** The pass that notes what has expired. */
    expire: () =>
      expireProposalsOfAll(Date.now(), {
        database: api.db.database,
        signal: new AbortController().signal,
      }),
    get: (url: string, as: Role = 'admin') => ask('GET', url, undefined, as),
    post: (url: string, body: object, as: Role = 'admin', headers = {}) =>
      ask('POST', url, body, as, headers),
    put: (url: string, body: object, as: Role = 'admin') => ask('PUT', url, body, as),
    close: api.close,
  };
}
