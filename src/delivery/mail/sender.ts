import { DaybookError } from '../../errors.ts';
import { parseMailAddress } from '../../reports/mail-address.ts';
import { plainLine } from './plain-line.ts';

/** Who mails are from. */
export interface Sender {
  readonly name: string;
  readonly address: string;
  readonly domain: string;
}

/** Without `MAIL_FROM`: for `.eml` files alone, since nobody can answer it. */
export const DEFAULT_SENDER: Sender = {
  name: 'Daybook',
  address: 'daybook@daybook.invalid',
  domain: 'daybook.invalid',
};

/**
 * `reports@example.com`, or `Acme Reports <reports@example.com>`.
 * @throws DaybookError `E_CONFIG`
 */
export function parseSender(text: string): Sender {
  const trimmed = text.trim();
  const open = trimmed.indexOf('<');
  const bare = open < 0 ? trimmed : trimmed.slice(open + 1, -1);
  if (open >= 0 && !trimmed.endsWith('>')) throw bad('it does not end in ">"');
  try {
    const { address, domain } = parseMailAddress(bare, 'MAIL_FROM');
    const name = open < 0 ? '' : plainLine(trimmed.slice(0, open).replaceAll('"', ''), 80);
    return { name: name || 'Daybook', address, domain };
  } catch (error) {
    throw bad((error as Error).message);
  }
}

function bad(reason: string): DaybookError {
  return new DaybookError('E_CONFIG', { reason: `MAIL_FROM: ${reason}` });
}
