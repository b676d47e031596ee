import type { DatasetName } from './dataset.ts';
import { parseMailAddress } from './mail-address.ts';
import { parseWhere } from './parse-request.ts';
import { demandRecord, invalid, quoted } from './raw-value.ts';
import { RECIPIENT_KINDS, type Recipient, type RecipientKind } from './schedule-spec.ts';

/** Who gets the files of a schedule. */

const MOST_RECIPIENTS = 200;
const LONGEST_URL = 2_048;

const HOSTS: Readonly<Record<'discord' | 'slack', readonly string[]>> = {
  discord: ['discord.com', 'discordapp.com', 'canary.discord.com', 'ptb.discord.com'],
  slack: ['hooks.slack.com', 'hooks.slack-gov.com'],
};

/** @throws DaybookError `E_INVALID`, `E_FILTER`; none and the same one twice too */
export function parseRecipients(dataset: DatasetName, raw: unknown): Recipient[] {
  if (!Array.isArray(raw) || raw.length === 0) {
    throw invalid(
      'recipients',
      raw === undefined ? 'nothing' : quoted(raw),
      'a list of at least one recipient, such as [{"email": "ana@example.com"}]',
    );
  }
  if (raw.length > MOST_RECIPIENTS) {
    throw invalid('recipients', `${raw.length} recipients`, `at most ${MOST_RECIPIENTS}`);
  }
  const recipients = raw.map((item: unknown, index) =>
    parseRecipient(dataset, item, `recipients[${index}]`),
  );
  const names = recipients.map(({ kind, recipient }) => `${kind} ${recipient.toLowerCase()}`);
  const twice = names.findIndex((name, index) => names.indexOf(name) < index);
  if (twice >= 0) {
    throw invalid(`recipients[${twice}]`, `${recipients[twice].recipient} again`, 'each once');
  }
  return recipients;
}

function parseRecipient(dataset: DatasetName, raw: unknown, where: string): Recipient {
  const item = demandRecord(raw, where);
  const kinds = RECIPIENT_KINDS.filter((kind) => item[kind] !== undefined);
  const unknown = Object.keys(item).find(
    (key) => key !== 'where' && !RECIPIENT_KINDS.some((kind) => kind === key),
  );
  if (kinds.length !== 1 || unknown !== undefined) {
    const got =
      unknown === undefined ? kinds.join(' and ') || 'none' : `the key ${quoted(unknown)}`;
    throw invalid(where, got, `one of ${RECIPIENT_KINDS.join(', ')}, and perhaps where`);
  }
  const [kind] = kinds;
  const address = item[kind];
  if (typeof address !== 'string') throw invalid(`${where}.${kind}`, quoted(address), 'a text');
  const recipient =
    kind === 'email'
      ? parseMailAddress(address, `${where}.email`).address
      : parseHook(kind, address, `${where}.${kind}`);
  return { kind, recipient, where: parseWhere(dataset, item.where, `${where}.where`) };
}

/**
 * The URL of a hook. Whether it leads anywhere that may be reached is not decided here.
 * @throws DaybookError `E_INVALID`
 */
export function parseHook(
  kind: Exclude<RecipientKind, 'email'>,
  text: string,
  where: string,
): string {
  const wrong = (expected: string) => invalid(where, quoted(text), expected);
  if (text.length > LONGEST_URL || /[^!-~]|\\/.test(text)) {
    throw wrong('a URL of visible ASCII characters');
  }
  if (!URL.canParse(text)) throw wrong('a URL such as https://example.com/hook');
  const url = new URL(text);
  if (url.username !== '' || url.password !== '') throw wrong('a URL without a user or password');
  if (kind === 'webhook') {
    if (url.protocol === 'https:' || url.protocol === 'http:') return url.href;
    throw wrong('a URL that starts with https://');
  }
  const known = url.protocol === 'https:' && url.port === '' && HOSTS[kind].includes(url.hostname);
  if (!known) throw wrong(`the URL of a ${kind} webhook, https://${HOSTS[kind][0]}/…`);
  return url.href;
}
