import type { Tx } from './database.ts';

/** What a tenant wants of its deliveries. Tenant transactions. */

export interface DeliverySettings {
  /** `example.com` or `*.example.com`; null: any. */
  readonly allowedDomains: readonly string[] | null;
  /** What may have arrived waits for a person instead of being sent again. */
  readonly holdAmbiguous: boolean;
  readonly linkDays: number;
  /** Of a message as it is sent, encoded. */
  readonly maxAttachmentBytes: number;
  /** Number of the webhook key that signs. */
  readonly webhookKey: number;
  /** UTC epoch ms. */
  readonly webhookKeySince: number;
}

const COLUMNS = `allowed_domains as "allowedDomains", hold_ambiguous as "holdAmbiguous",
  link_days as "linkDays", max_attachment_bytes::float8 as "maxAttachmentBytes",
  webhook_key as "webhookKey",
  floor(extract(epoch from webhook_key_since) * 1000)::float8 as "webhookKeySince"`;

export const DEFAULT_SETTINGS: DeliverySettings = {
  allowedDomains: null,
  holdAmbiguous: false,
  linkDays: 14,
  maxAttachmentBytes: 15_000_000,
  webhookKey: 1,
  webhookKeySince: 0,
};

/** The defaults where nothing was set. */
export async function readDeliverySettings(tx: Tx): Promise<DeliverySettings> {
  const [row] = await tx.query<DeliverySettings>(
    `select ${COLUMNS} from daybook.delivery_settings order by changed_at desc, id limit 1`,
  );
  return row ?? DEFAULT_SETTINGS;
}

export interface SettingsChange {
  readonly tenantId: string;
  /** The principal, as records name it. */
  readonly by: string;
  /** What is given is changed, the rest stays. Values were checked before. */
  readonly to: Partial<
    Pick<DeliverySettings, 'allowedDomains' | 'holdAmbiguous' | 'linkDays' | 'maxAttachmentBytes'>
  >;
}

export async function changeDeliverySettings(
  tx: Tx,
  { tenantId, by, to }: SettingsChange,
): Promise<DeliverySettings> {
  return addSettings(tx, tenantId, by, (before) => ({ ...before, ...to }));
}

/** From now on another key signs; the one before does so beside it for a day. */
export async function rotateWebhookKey(
  tx: Tx,
  tenantId: string,
  by: string,
): Promise<DeliverySettings> {
  return addSettings(tx, tenantId, by, (before) => ({
    ...before,
    webhookKey: before.webhookKey + 1,
    webhookKeySince: null,
  }));
}

/** One change after another: each sees the one before. */
async function addSettings(
  tx: Tx,
  tenantId: string,
  by: string,
  change: (
    before: DeliverySettings,
  ) => Omit<DeliverySettings, 'webhookKeySince'> & { readonly webhookKeySince: number | null },
): Promise<DeliverySettings> {
  await tx.query('select from daybook.tenants where id = $1 for update', [tenantId]);
  const next = change(await readDeliverySettings(tx));
  const [row] = await tx.query<DeliverySettings>(
    `insert into daybook.delivery_settings (tenant_id, changed_by, allowed_domains, hold_ambiguous,
       link_days, max_attachment_bytes, webhook_key, webhook_key_since)
     values ($1, $2, $3, $4, $5, $6, $7,
       coalesce(timestamptz 'epoch' + $8::float8 * interval '1 millisecond', now()))
     returning ${COLUMNS}`,
    [
      tenantId,
      by,
      next.allowedDomains,
      next.holdAmbiguous,
      next.linkDays,
      next.maxAttachmentBytes,
      next.webhookKey,
      next.webhookKeySince,
    ],
  );
  return row;
}
