import { DaybookError } from '../../errors.ts';
import type { ForeignConnection } from '../foreign-source.ts';

/** How a Supabase project is reached, as a source's settings and credentials say it. */
export interface SupabaseServer {
  /** Of the project, such as `https://abc.supabase.co`, without a path. */
  readonly url: URL;
  /** A publishable or secret key of the project: an opaque text. */
  readonly key: string;
  /** Of a user or a role; null: the key says who we are. */
  readonly accessToken: string | null;
}

const SETTINGS = ['url'];
const CREDENTIALS = ['key', 'access_token'];
/** What a header may hold. */
const TOKEN = /^[\x21-\x7e]+$/;

/** @throws DaybookError `E_INVALID`, which never repeats a credential */
export function parseServer({
  settings,
  credentials,
}: Pick<ForeignConnection, 'settings' | 'credentials'>): SupabaseServer {
  demandKnown('settings', settings, SETTINGS);
  demandKnown('credentials', credentials, CREDENTIALS);
  const expected = 'the address of a project such as https://abc.supabase.co';
  const text = settings['url'] ?? '';
  if (!URL.canParse(text)) return refuse('settings.url', text || 'nothing', expected);
  const url = new URL(text);
  const isWeb = url.protocol === 'https:' || url.protocol === 'http:';
  const isBare = url.pathname === '/' && url.search === '' && url.hash === '';
  if (!isWeb || !isBare || url.username !== '' || url.password !== '') {
    return refuse('settings.url', `${url.protocol}//${url.host}`, `${expected}, and no more`);
  }
  const token = credentials['access_token'];
  return {
    url,
    key: tokenAt('key', credentials['key']),
    accessToken: token === undefined ? null : tokenAt('access_token', token),
  };
}

function tokenAt(name: string, token: string | undefined): string {
  if (token !== undefined && TOKEN.test(token)) return token;
  const got = token === undefined || token === '' ? 'nothing' : 'a text with other characters';
  return refuse(`credentials.${name}`, got, 'a key or token of printable ASCII');
}

function demandKnown(where: string, given: object, known: readonly string[]): void {
  const unknown = Object.keys(given).find((name) => !known.includes(name));
  if (unknown !== undefined) refuse(where, unknown, `any of ${known.join(', ')}`);
}

function refuse(where: string, got: string, expected: string): never {
  throw new DaybookError('E_INVALID', { where, got: got.slice(0, 200), expected });
}
