import { Command } from 'commander';
import { DaybookError } from '../errors.ts';

/** What commands about things of one tenant have in common. */

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

export interface TenantOptions {
  readonly tenant: string;
  readonly json?: boolean;
}

/** A command with the flags of {@link TenantOptions}. */
export function tenantSubcommand(name: string, description: string): Command {
  return new Command(name)
    .description(description)
    .requiredOption('--tenant <tenant>', 'name or id')
    .option('--json', 'print one JSON document');
}

/** @throws DaybookError `E_NOT_FOUND`, as for an id that is nobody's */
export function idOf(what: string, text: string): string {
  if (UUID.test(text)) return text;
  throw new DaybookError('E_NOT_FOUND', { what, got: JSON.stringify(text.slice(0, 100)) });
}

/** Gathers the values of an option that may come more than once. */
export function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}
