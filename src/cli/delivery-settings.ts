import type { Command } from 'commander';
import { DaybookError } from '../errors.ts';
import { parseAllowedDomains } from '../reports/mail-address.ts';
import {
  changeDeliverySettings,
  type DeliverySettings,
  readDeliverySettings,
  type SettingsChange,
} from '../store/delivery-settings.ts';
import { LOCAL_OPERATOR } from '../store/owners.ts';
import { printJson } from './output.ts';
import { inTenant } from './tenant-session.ts';
import { type TenantOptions, tenantSubcommand } from './tenant-subcommand.ts';

const MOST_LINK_DAYS = 90;
const MOST_ATTACHED_BYTES = 100_000_000;

interface Options extends TenantOptions {
  readonly allowedDomains?: string;
  readonly holdAmbiguous?: string;
  readonly linkDays?: string;
  readonly maxAttachmentBytes?: string;
}

/** `daybook deliveries settings` */
export function settingsCommand(): Command {
  return tenantSubcommand(
    'settings',
    'how the tenant wants its deliveries; what is given is changed',
  )
    .option('--allowed-domains <list>', 'example.com,*.example.com; any for any')
    .option('--hold-ambiguous <yes|no>', 'what may have arrived waits for a person')
    .option('--link-days <n>', `how long links work, 1 to ${MOST_LINK_DAYS}`)
    .option('--max-attachment-bytes <n>', 'larger messages carry links; counted as they are sent')
    .action(settings);
}

async function settings(options: Options): Promise<void> {
  const to = changeOf(options);
  const now = await inTenant(options, (tx, { id: tenantId }) =>
    Object.keys(to).length === 0
      ? readDeliverySettings(tx)
      : changeDeliverySettings(tx, { tenantId, by: LOCAL_OPERATOR, to }),
  );
  if (options.json) printJson(asJson(now));
  else {
    for (const [name, value] of Object.entries(asJson(now))) {
      const text = value === null ? 'any' : Array.isArray(value) ? value.join(', ') : String(value);
      process.stdout.write(`${name}: ${text}\n`);
    }
  }
}

/** @throws DaybookError `E_USAGE` that names the flag, `E_INVALID` for a domain */
function changeOf(options: Options): SettingsChange['to'] {
  const { allowedDomains, holdAmbiguous, linkDays, maxAttachmentBytes } = options;
  return {
    ...(allowedDomains === undefined ? {} : { allowedDomains: domainsOf(allowedDomains) }),
    ...(holdAmbiguous === undefined ? {} : { holdAmbiguous: yesOrNo(holdAmbiguous) }),
    ...(linkDays === undefined
      ? {}
      : { linkDays: numberOf('--link-days', linkDays, 1, MOST_LINK_DAYS) }),
    ...(maxAttachmentBytes === undefined
      ? {}
      : {
          maxAttachmentBytes: numberOf(
            '--max-attachment-bytes',
            maxAttachmentBytes,
            0,
            MOST_ATTACHED_BYTES,
          ),
        }),
  };
}

function domainsOf(text: string): string[] | null {
  if (text === 'any') return null;
  return parseAllowedDomains(
    text.split(',').map((domain) => domain.trim()),
    '--allowed-domains',
  );
}

function yesOrNo(text: string): boolean {
  if (text === 'yes' || text === 'no') return text === 'yes';
  throw usage('--hold-ambiguous', text, 'yes or no');
}

function numberOf(where: string, text: string, least: number, most: number): number {
  const number = Number(text);
  if (/^\d{1,12}$/.test(text) && number >= least && number <= most) return number;
  throw usage(where, text, `a whole number from ${least} to ${most}`);
}

function usage(where: string, got: string, expected: string): DaybookError {
  return new DaybookError('E_USAGE', { where, got: JSON.stringify(got.slice(0, 80)), expected });
}

function asJson(settings: DeliverySettings) {
  return {
    allowed_domains: settings.allowedDomains,
    hold_ambiguous: settings.holdAmbiguous,
    link_days: settings.linkDays,
    max_attachment_bytes: settings.maxAttachmentBytes,
  };
}
