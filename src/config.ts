import { availableParallelism, totalmem } from 'node:os';
import { resolve } from 'node:path';
import { z } from 'zod';
import { DaybookError } from './errors.ts';

/** The only reader of the environment: one frozen Config, with every problem reported at once. */

const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;

/** What a process that the primary forked is to be. */
const ROLES = ['api', 'runner', 'compute'] as const;
export type Role = (typeof ROLES)[number];

const LEAST_CACHE_BYTES = 2 ** 20;

const number = (least: number, most: number, what: string) =>
  z
    .string()
    .refine(
      (text) => /^\d{1,16}$/.test(text) && Number(text) >= least && Number(text) <= most,
      `expected ${what}`,
    )
    .transform(Number);
const between = (least: number, most: number) =>
  number(least, most, `a whole number from ${least} to ${most}`);
const text = (least: number) => z.string().min(least, `expected ${least} characters or more`);
const url = (...protocols: string[]) =>
  z
    .string()
    .refine(
      (text) => URL.canParse(text) && protocols.includes(new URL(text).protocol),
      `expected a URL that starts with ${protocols.map((p) => `${p}//`).join(' or ')}`,
    )
    .optional();

const Environment = z.object({
  DAYBOOK_HOME: z.string().min(1).default('.daybook'),
  DATABASE_URL: url('postgres:', 'postgresql:'),
  MONGODB_URL: url('mongodb:', 'mongodb+srv:'),
  SUPABASE_URL: url('http:', 'https:'),
  SUPABASE_SECRET_KEY: text(20).optional(),
  SUPABASE_JWKS_URL: url('http:', 'https:'),
  SUPABASE_JWT_SECRET: text(32).optional(),
  SMTP_URL: url('smtp:', 'smtps:'),
  MAIL_FROM: text(3).optional(),
  DKIM_DOMAIN: text(3).optional(),
  DKIM_SELECTOR: z
    .string()
    .regex(/^[a-z0-9][a-z0-9._-]{0,62}$/i, 'expected the label before ._domainkey')
    .optional(),
  DKIM_PRIVATE_KEY: z
    .string()
    .refine(
      (text) => /-----BEGIN (?:RSA )?PRIVATE KEY-----/.test(text),
      'expected a private key in PEM; line breaks may be written \\n',
    )
    .optional(),
  DAYBOOK_PRIVATE_TARGETS: z
    .enum(['refuse', 'allow'], 'expected refuse or allow')
    .default('refuse'),
  PUBLIC_URL: url('http:', 'https:'),
  HOST: z.string().min(1).default('127.0.0.1'),
  PORT: between(0, 65_535).default(8080),
  DAYBOOK_API: between(0, 64).optional(),
  DAYBOOK_COMPUTE: between(1, 64).optional(),
  DAYBOOK_THREADS: between(1, 64).optional(),
  DAYBOOK_CACHE_BYTES: number(
    LEAST_CACHE_BYTES,
    Number.MAX_SAFE_INTEGER,
    `a whole number of bytes, ${LEAST_CACHE_BYTES} or more`,
  ).default(20 * 2 ** 30),
  DAYBOOK_SECRET: text(32).optional(),
  LOG_LEVEL: z.enum(LOG_LEVELS, `expected one of ${LOG_LEVELS.join(', ')}`).default('info'),
  DAYBOOK_ROLE: z.enum(ROLES).optional(),
  DAYBOOK_POOL: between(1, 64).optional(),
  DAYBOOK_MEMORY_BYTES: number(1, Number.MAX_SAFE_INTEGER, 'a whole number of bytes').optional(),
  DAYBOOK_PRIMARY: z.string().min(1).optional(),
  DAYBOOK_AFTER_KILL: z.enum(['yes']).optional(),
});

export interface Config {
  /** Absolute folder of data, parts, files and the embedded server. */
  readonly home: string;
  /** Null: the embedded server of `home`. */
  readonly databaseUrl: string | null;
  readonly supabase: {
    readonly url: string | null;
    readonly secretKey: string | null;
    readonly jwksUrl: string | null;
    readonly jwtSecret: string | null;
  };
  readonly mail: {
    /** Null: mails become files in the outbox. */
    readonly smtpUrl: string | null;
    /** As it was given; null only without `smtpUrl`. */
    readonly from: string | null;
    /** Null: mails are not signed here. */
    readonly dkim: {
      readonly domain: string;
      readonly selector: string;
      readonly privateKey: string;
    } | null;
  };
  /** Whether webhooks may go to addresses of private networks: for tests, and on premises. */
  readonly privateTargets: 'refuse' | 'allow';
  readonly publicUrl: string | null;
  readonly host: string;
  readonly port: number;
  /** Null: what the budget says for this machine. */
  readonly apiProcesses: number | null;
  readonly computeProcesses: number | null;
  readonly threadsPerCompute: number | null;
  readonly cacheBytes: number;
  /** Null: outside the demo Daybook refuses to start. */
  readonly secret: string | null;
  readonly logLevel: (typeof LOG_LEVELS)[number];
  readonly cores: number;
  /** Set by the primary for its children, not by people. Null: not a child. */
  readonly role: Role | null;
  /** Database connections of this process, as the primary's budget gives them. */
  readonly poolSize: number;
  /** What this process may hold, as the primary's budget gives it; read by compute processes. */
  readonly memoryBytes: number;
  /** What the machine, or the container, has. */
  readonly machineBytes: number;
  /** A name of the primary that no other had or will have. Null: not a child. */
  readonly primary: string | null;
  /** The process before this one, of the same role, was killed by somebody from outside. */
  readonly afterKill: boolean;
}

/** @throws DaybookError `E_CONFIG` that names every variable that is wrong, what came, what fits. */
export function readConfig(environment: Readonly<Record<string, string | undefined>>): Config {
  const given = Object.fromEntries(
    Object.entries(environment).filter(([, value]) => value !== undefined && value !== ''),
  );
  const parsed = Environment.safeParse(given);
  const together = problemsTogether(given);
  if (!parsed.success || together.length > 0) {
    const problems = (parsed.error?.issues ?? []).map((issue) => {
      const name = issue.path.join('.');
      const secretive = /SECRET|URL|KEY/.test(name);
      const got = secretive ? 'a value that is not repeated here' : JSON.stringify(given[name]);
      return `${name}: got ${got}; ${issue.message}`;
    });
    throw new DaybookError('E_CONFIG', { reason: [...problems, ...together].join('; ') });
  }
  const env = parsed.data;
  return Object.freeze({
    home: resolve(env.DAYBOOK_HOME),
    databaseUrl: env.DATABASE_URL ?? null,
    supabase: Object.freeze({
      url: env.SUPABASE_URL ?? null,
      secretKey: env.SUPABASE_SECRET_KEY ?? null,
      jwksUrl: env.SUPABASE_JWKS_URL ?? null,
      jwtSecret: env.SUPABASE_JWT_SECRET ?? null,
    }),
    mail: Object.freeze({
      smtpUrl: env.SMTP_URL ?? null,
      from: env.MAIL_FROM ?? null,
      dkim: env.DKIM_PRIVATE_KEY
        ? Object.freeze({
            domain: env.DKIM_DOMAIN as string,
            selector: env.DKIM_SELECTOR as string,
            privateKey: env.DKIM_PRIVATE_KEY.replaceAll('\\n', '\n'),
          })
        : null,
    }),
    privateTargets: env.DAYBOOK_PRIVATE_TARGETS,
    publicUrl: env.PUBLIC_URL ?? null,
    host: env.HOST,
    port: env.PORT,
    apiProcesses: env.DAYBOOK_API ?? null,
    computeProcesses: env.DAYBOOK_COMPUTE ?? null,
    threadsPerCompute: env.DAYBOOK_THREADS ?? null,
    cacheBytes: env.DAYBOOK_CACHE_BYTES,
    secret: env.DAYBOOK_SECRET ?? null,
    logLevel: env.LOG_LEVEL,
    cores: availableParallelism(),
    role: env.DAYBOOK_ROLE ?? null,
    poolSize: env.DAYBOOK_POOL ?? 4,
    memoryBytes: env.DAYBOOK_MEMORY_BYTES ?? 2 ** 30,
    machineBytes: Math.min(totalmem(), process.constrainedMemory() || Number.POSITIVE_INFINITY),
    primary: env.DAYBOOK_PRIMARY ?? null,
    afterKill: env.DAYBOOK_AFTER_KILL === 'yes',
  });
}

/** The environment of this process, read once. */
export function configFromProcess(): Config {
  return readConfig(process.env);
}

/** For the agent, whose configuration names the variables that its secrets stand in. */
export function processEnvironment(): Readonly<Record<string, string | undefined>> {
  return process.env;
}

/** What is wrong with variables that go together. */
function problemsTogether(given: Readonly<Record<string, unknown>>): string[] {
  const problems: string[] = [];
  if ('SMTP_URL' in given && !('MAIL_FROM' in given)) {
    problems.push('MAIL_FROM: got none; expected an address, since there is an SMTP_URL');
  }
  const dkim = ['DKIM_DOMAIN', 'DKIM_SELECTOR', 'DKIM_PRIVATE_KEY'];
  const missing = dkim.filter((name) => !(name in given));
  if (missing.length > 0 && missing.length < dkim.length) {
    problems.push(`${missing.join(', ')}: got none; expected all three of ${dkim.join(', ')}`);
  }
  return problems;
}
