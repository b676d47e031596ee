import { DaybookError } from '../../errors.ts';

/**
 * What the agent uses of `tedious`, SQL Server's driver, which is installed only where it is needed.
 */

export interface TediousConnection {
  on(event: 'error' | 'end', listener: (error?: Error) => void): unknown;
  connect(done: (error?: Error) => void): void;
  execSql(request: TediousRequest): void;
  close(): void;
}

export interface TediousRequest {
  on(event: 'row', listener: (columns: readonly { readonly value: unknown }[]) => void): unknown;
  addParameter(name: string, type: unknown, value: string | null): void;
  pause(): void;
  resume(): void;
  cancel(): void;
}

export interface Tedious {
  readonly Connection: new (options: object) => TediousConnection;
  readonly Request: new (text: string, done: (error?: Error | null) => void) => TediousRequest;
  readonly TYPES: { readonly NVarChar: unknown };
}

/** @throws DaybookError `E_CONFIG` that says what to install */
export async function loadTedious(
  load: (name: string) => Promise<unknown> = (name) => import(name),
): Promise<Tedious> {
  let loaded: unknown;
  try {
    loaded = await load('tedious');
  } catch (error) {
    throw new DaybookError(
      'E_CONFIG',
      {
        reason:
          'SQL Server is read through the package tedious, which is not installed here: run `npm install tedious@19` beside Daybook',
      },
      error,
    );
  }
  // A CommonJS module comes with its exports under `default` too.
  const { default: inner, ...named } = loaded as { default?: object };
  return { ...inner, ...named } as Tedious;
}

/** `sqlserver://user:password@host:1433/database?encrypt=true&trust=false`. */
export function tediousOptions(text: string, statementMs: number): object {
  if (!URL.canParse(text)) {
    throw new DaybookError('E_CONFIG', {
      reason: 'url: expected one such as sqlserver://user:password@host:1433/database',
    });
  }
  const url = new URL(text);
  return {
    server: url.hostname,
    authentication: {
      type: 'default',
      options: {
        userName: decodeURIComponent(url.username),
        password: decodeURIComponent(url.password),
      },
    },
    options: {
      port: Number(url.port || 1433),
      database: decodeURIComponent(url.pathname.slice(1)),
      encrypt: url.searchParams.get('encrypt') !== 'false',
      trustServerCertificate: url.searchParams.get('trust') === 'true',
      readOnlyIntent: true,
      connectTimeout: 15_000,
      requestTimeout: statementMs,
      rowCollectionOnRequestCompletion: false,
      appName: 'daybook agent',
    },
  };
}
