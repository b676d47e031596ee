import { Command } from 'commander';

/** A command of one tenant, as all of them begin. */
export function tenantSubcommand(name: string, description: string): Command {
  return new Command(name)
    .description(description)
    .requiredOption('--tenant <tenant>', 'name or id')
    .option('--json', 'print one JSON document');
}

/** Gathers the values of an option that may come more than once. */
export function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}
