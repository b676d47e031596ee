import { isIP } from 'node:net';
import type { MongoClientOptions } from 'mongodb';
import { DaybookError } from '../../errors.ts';
import type { ForeignConnection } from '../foreign-source.ts';

/** How a MongoDB is reached, as a source's settings and credentials say it. */
export interface MongoServer {
  readonly hosts: readonly { readonly name: string; readonly port: number }[];
  readonly database: string;
  /** Null: the server asks nobody who he is. */
  readonly user: string | null;
  readonly password: string;
  readonly authSource: string;
  readonly replicaSet: string | null;
  /** `verify`: the certificate is checked against the name; `require`: any; `off`: no TLS. */
  readonly tls: 'verify' | 'require' | 'off';
  /** PEM; null: the authorities that Node knows. */
  readonly ca: string | null;
}

const SETTINGS = ['host', 'database', 'user', 'auth_source', 'replica_set', 'tls', 'ca'];
const TLS = ['verify', 'require', 'off'] as const;
const HOST = /^([\w.-]+|\[[\da-fA-F:.]+\])(?::([1-9]\d{0,4}))?$/;

/**
 * @param of `host` is one `name:port`, or several with commas between
 * @throws DaybookError `E_INVALID`, which never repeats a credential
 */
export function parseServer({
  settings,
  credentials,
}: Pick<ForeignConnection, 'settings' | 'credentials'>): MongoServer {
  demandKnown('settings', settings, SETTINGS);
  demandKnown('credentials', credentials, ['password']);
  const tls = TLS.find((each) => each === (settings['tls'] ?? 'verify'));
  const database = textAt(settings, 'database');
  if (/[/\\. "$*<>:|?\0]/.test(database)) {
    refuse('settings.database', database, 'the name of a database');
  }
  return {
    hosts: textAt(settings, 'host').split(',').map(parseHost),
    database,
    user: settings['user'] ?? null,
    password: credentials['password'] ?? '',
    authSource: settings['auth_source'] ?? 'admin',
    replicaSet: settings['replica_set'] ?? null,
    tls: tls ?? refuse('settings.tls', settings['tls'], `one of ${TLS.join(', ')}`),
    ca: settings['ca'] ?? null,
  };
}

export function urlOf({ hosts }: MongoServer): string {
  return `mongodb://${hosts.map(({ name, port }) => `${name}:${port}`).join(',')}/`;
}

const CONNECT_MS = 10_000;
/** Sorting a day without an index takes its time. */
const SILENCE_MS = 120_000;
/** Between two looks at a server that was lost, while a reading waits to go on. */
const LOOK_AGAIN_MS = 100;

export function clientOptions(
  server: MongoServer,
  reach: ForeignConnection['reach'],
): MongoClientOptions {
  const { hosts, user, password, authSource, replicaSet, tls, ca } = server;
  return {
    appName: 'daybook',
    ...(user === null ? {} : { auth: { username: user, password }, authSource }),
    ...(replicaSet === null ? { directConnection: hosts.length === 1 } : { replicaSet }),
    ...(tls === 'off' ? {} : { tls: true, tlsAllowInvalidCertificates: tls === 'require' }),
    ...(ca === null ? {} : { ca }),
    connectTimeoutMS: CONNECT_MS,
    serverSelectionTimeoutMS: CONNECT_MS,
    socketTimeoutMS: SILENCE_MS,
    minHeartbeatFrequencyMS: LOOK_AGAIN_MS,
    maxPoolSize: 4,
    readConcernLevel: 'majority',
    retryReads: false,
    lookup: (name, options, done) => {
      reach(name).then(
        (address) => {
          const family = isIP(address);
          if (options.all) done(null, [{ address, family }]);
          else done(null, address, family);
        },
        (error: Error) => done(error as NodeJS.ErrnoException, '', 0),
      );
    },
  };
}

function parseHost(text: string): { name: string; port: number } {
  const [, name, port = '27017'] = HOST.exec(text.trim()) ?? [];
  if (name === undefined || Number(port) > 65_535) {
    return refuse('settings.host', text, 'name:port, several with commas between');
  }
  return { name, port: Number(port) };
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
