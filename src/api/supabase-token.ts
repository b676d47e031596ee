import { createRemoteJWKSet, errors, type JWTPayload, jwtVerify } from 'jose';
import type { Config } from '../config.ts';
import { DaybookError } from '../errors.ts';

/**
 * Users' tokens as Supabase issues them. Who a token is, is read here; which tenants that user
 * works for is never taken from a token, but from the membership table.
 */

export interface JwtSettings {
  /** Public keys by URL (RS256, ES256), or the shared secret (HS256): never both. */
  readonly keys: { readonly jwksUrl: string } | { readonly secret: string };
  readonly issuer: string;
  readonly audience: string;
}

/**
 * Null where nothing is configured. The issuer is `SUPABASE_URL`'s, or that of the JWKS URL.
 * @throws DaybookError `E_CONFIG` for a secret whose issuer is unknown.
 */
export function jwtSettingsFrom(supabase: Config['supabase']): JwtSettings | null {
  const base = supabase.url?.replace(/\/+$/, '') ?? null;
  const issuerOfUrl = base ? `${base}/auth/v1` : null;
  const wellKnown = '/.well-known/jwks.json';
  if (supabase.jwksUrl === null && supabase.jwtSecret !== null) {
    if (issuerOfUrl === null) {
      throw new DaybookError('E_CONFIG', {
        reason: 'SUPABASE_JWT_SECRET: needs SUPABASE_URL too, which names the issuer of its tokens',
      });
    }
    return {
      keys: { secret: supabase.jwtSecret },
      issuer: issuerOfUrl,
      audience: 'authenticated',
    };
  }
  const jwksUrl = supabase.jwksUrl ?? (issuerOfUrl ? issuerOfUrl + wellKnown : null);
  if (jwksUrl === null) return null;
  const issuer =
    issuerOfUrl ?? (jwksUrl.endsWith(wellKnown) ? jwksUrl.slice(0, -wellKnown.length) : null);
  if (issuer === null) {
    throw new DaybookError('E_CONFIG', {
      reason: `SUPABASE_JWKS_URL: needs SUPABASE_URL too, or to end in ${wellKnown}`,
    });
  }
  return { keys: { jwksUrl }, issuer, audience: 'authenticated' };
}

/** The user id of a good token, null for any other. @throws DaybookError `E_UNAVAILABLE`. */
export type TokenVerifier = (token: string) => Promise<string | null>;

/** Three parts of base64url, without padding: one token has one spelling. */
const COMPACT = /^[\w-]+\.[\w-]+\.[\w-]+$/;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

export function createTokenVerifier(settings: JwtSettings, now: () => number): TokenVerifier {
  const verify = verifierOf(settings, now);
  return async (token) => {
    if (!COMPACT.test(token)) return null;
    let claims: JWTPayload;
    try {
      claims = await verify(token);
    } catch (error) {
      if (isKeySetFailure(error)) {
        throw new DaybookError(
          'E_UNAVAILABLE',
          { what: 'the key set of the sign-in provider', reason: (error as Error).message },
          error,
        );
      }
      return null;
    }
    // service_role and anon are roles of the database, not users.
    if (claims.role !== 'authenticated') return null;
    return typeof claims.sub === 'string' && UUID.test(claims.sub) ? claims.sub : null;
  };
}

function verifierOf(settings: JwtSettings, now: () => number) {
  const { issuer, audience, keys } = settings;
  const options = (algorithms: string[]) => ({
    algorithms,
    issuer,
    audience,
    requiredClaims: ['exp', 'sub', 'role'],
    clockTolerance: 5,
    currentDate: new Date(now()),
  });
  if ('secret' in keys) {
    const secret = new TextEncoder().encode(keys.secret);
    return async (token: string) => (await jwtVerify(token, secret, options(['HS256']))).payload;
  }
  const keySet = createRemoteJWKSet(new URL(keys.jwksUrl), {
    timeoutDuration: 5_000,
    cooldownDuration: 30_000,
    cacheMaxAge: 600_000,
  });
  return async (token: string) =>
    (await jwtVerify(token, keySet, options(['RS256', 'ES256']))).payload;
}

/** The key set could not be read: nothing is known about the token. */
function isKeySetFailure(error: unknown): boolean {
  if (!(error instanceof errors.JOSEError)) return true;
  return ['ERR_JWKS_TIMEOUT', 'ERR_JWKS_INVALID', 'ERR_JOSE_GENERIC'].includes(error.code);
}
