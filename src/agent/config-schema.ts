import { z } from 'zod';
import { INPUT_FORMATS } from '../ingest/input-format.ts';

/** The form of the agent's configuration file; what its values mean stands in docs/agent.md. */

const whole = (least: number, most: number) => z.number().int().min(least).max(most);
const name = z.string().min(1).max(200);
const secret = z.union([z.strictObject({ env: name }), z.strictObject({ file: name })], {
  error: 'expected {"env": NAME} or {"file": PATH}',
});

const common = {
  /** Names the folder of its state, so it is plain. */
  name: z.string().regex(/^[a-z0-9][a-z0-9_-]{0,62}$/, 'expected a-z, 0-9, _ and - alone'),
  dataset: z.enum(['calls', 'order_lines']),
  /** A file, or the map itself; none: columns bear the names of fields, or the server maps. */
  map: z.union([name, z.record(z.string(), z.unknown())]).optional(),
  every_seconds: whole(1, 86_400).optional(),
  /** Where this source has a key of its own, such as that of another tenant. */
  key_id: name.optional(),
  key: secret.optional(),
  api_key: secret.optional(),
};

const table = {
  url: secret,
  table: name.optional(),
  query: z.string().min(1).optional(),
  columns: z.array(name).min(1).optional(),
  watermark: z
    .strictObject({
      column: name,
      key: z.array(name).min(1).max(4),
      /** Of times seconds, of whole numbers the numbers themselves. */
      overlap: whole(0, 10_000_000_000).optional(),
      start: z.string().min(1).optional(),
      /** Of wall times, when the map says none. */
      zone: name.optional(),
      settle_seconds: whole(0, 30 * 86_400).optional(),
      complete_through: z.boolean().default(true),
    })
    .optional(),
  /** Which rows of the dataset the snapshot stands for; nothing: all of them. */
  mirror: z
    .strictObject({ prefix: name.optional(), from: name.optional(), to: name.optional() })
    .optional(),
  statement_seconds: whole(1, 86_400).default(300),
};

const files = z.strictObject({
  ...common,
  type: z.literal('files'),
  folder: name,
  pattern: name.default('*'),
  format: z.enum(INPUT_FORMATS).optional(),
  complete: z.enum(['settled', 'marker', 'growing']).default('settled'),
  settle_seconds: whole(0, 86_400).default(10),
});

const source = z.discriminatedUnion('type', [
  z.strictObject({ ...common, ...table, type: z.literal('postgres') }),
  z.strictObject({ ...common, ...table, type: z.literal('mysql') }),
  z.strictObject({ ...common, ...table, type: z.literal('sqlserver') }),
  files,
]);

export const AgentFile = z.strictObject({
  daybook: z.strictObject({
    url: z.url({ protocol: /^https?$/ }),
    key_id: name,
    key: secret,
    /** For mirrors, whose calls an API key opens. */
    api_key: secret.optional(),
    timeout_seconds: whole(1, 600).default(60),
    /** Without TLS to another machine: for closed networks. */
    allow_http: z.boolean().default(false),
  }),
  state: name,
  limits: z
    .strictObject({
      rows_per_second: whole(1, 10_000_000).optional(),
      bytes_per_second: whole(1_000, 10_000_000_000).optional(),
      spool_bytes: whole(1_000_000, 10_000_000_000_000).default(2 ** 30),
      batch_rows: whole(1, 100_000).default(5_000),
      batch_bytes: whole(1_000, 64 * 2 ** 20).default(4 * 2 ** 20),
      give_up_seconds: whole(1, 86_400).default(300),
    })
    .prefault({}),
  sources: z.array(source).min(1).max(200),
});

export type AgentFile = z.infer<typeof AgentFile>;
export type SourceFile = AgentFile['sources'][number];
