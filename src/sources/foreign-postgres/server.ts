import type pg from 'pg';
import { DaybookError } from '../../errors.ts';
import type { ForeignConnection } from '../foreign-source.ts';

/** How a foreign Postgres is reached, as a source's settings and credentials say it. */
export interface ForeignServer {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  readonly password: string;
  /** `verify`: the certificate is checked against the name; `require`: any; `off`: no TLS. */
  readonly tls: 'verify' | 'require' | 'off';
  /** PEM; null: the authorities that Node knows. */
  readonly ca: string | null;
}

const SETTINGS = ['host', 'port', 'database', 'user', 'tls', 'ca'];
const CREDENTIALS = ['password'];
const TLS = ['verify', 'require', 'off'] as const;

/** @throws DaybookError `E_INVALID`, which never repeats a credential */
export function parseServer({
  settings,
  credentials,
}: Pick<ForeignConnection, 'settings' | 'credentials'>): ForeignServer {
  demandKnown('settings', settings, SETTINGS);
  demandKnown('credentials', credentials, CREDENTIALS);
  const port = settings['port'] ?? '5432';
  if (!/^[1-9]\d{0,4}$/.test(port) || Number(port) > 65_535) {
    refuse('settings.port', port, 'a number from 1 to 65535');
  }
  const tls = TLS.find((each) => each === (settings['tls'] ?? 'verify'));
  const host = textAt(settings, 'host');
  if (!/^[\w.:-]+$/.test(host)) refuse('settings.host', host, 'the name or address of a host');
  return {
    host,
    port: Number(port),
    database: textAt(settings, 'database'),
    user: textAt(settings, 'user'),
    password: credentials['password'] ?? '',
    tls: tls ?? refuse('settings.tls', settings['tls'], `one of ${TLS.join(', ')}`),
    ca: settings['ca'] ?? null,
  };
}

/** What node-postgres connects with, to an address that was checked. */
export function clientConfig(server: ForeignServer, address: string): pg.ClientConfig {
  const { host, port, database, user, password, tls, ca } = server;
  return {
    ...{ host: address, port, database, user, password },
    ssl:
      tls === 'off'
        ? false
        : {
            rejectUnauthorized: tls === 'verify',
            // The certificate bears the name, whatever address it leads to.
            ...(/^[\d.]+$|:/.test(host) ? {} : { servername: host }),
            ...(ca === null ? {} : { ca }),
          },
    application_name: 'daybook',
    connectionTimeoutMillis: 10_000,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
  };
}

function textAt(settings: Readonly<Record<string, string>>, name: string): string {
  const text = settings[name];
  if (text === undefined || text === '') return refuse(`settings.${name}`, text, 'a text');
  return text;
}

function demandKnown(where: string, given: object, known: readonly string[]): void {
  const unknown = Object.keys(given).find((name) => !known.includes(name));
  if (unknown !== undefined) refuse(where, unknown, `any of ${known.join(', ')}`);
}

function refuse(where: string, got: string | undefined, expected: string): never {
  throw new DaybookError('E_INVALID', { where, got: (got ?? 'nothing').slice(0, 200), expected });
}
