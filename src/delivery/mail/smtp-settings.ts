import { DaybookError } from '../../errors.ts';

/** How to reach the mail server, out of `SMTP_URL`. */
export interface SmtpSettings {
  readonly host: string;
  readonly port: number;
  /** TLS from the first byte on (`smtps:`). */
  readonly secure: boolean;
  /** Of `smtp:`; `required` unless the URL says `?starttls=if-offered` or `?starttls=never`. */
  readonly startTls: 'required' | 'if-offered' | 'never';
  readonly user: string | null;
  readonly password: string | null;
}

export interface DkimSettings {
  readonly domain: string;
  readonly selector: string;
  /** PEM. */
  readonly privateKey: string;
}

const START_TLS = ['required', 'if-offered', 'never'] as const;

/** @throws DaybookError `E_CONFIG`, which does not repeat the URL: it holds a password */
export function parseSmtpUrl(text: string): SmtpSettings {
  const refuse = (reason: string): never => {
    throw new DaybookError('E_CONFIG', { reason: `SMTP_URL: ${reason}` });
  };
  if (!URL.canParse(text)) return refuse('it is no URL');
  const url = new URL(text);
  const secure = url.protocol === 'smtps:';
  if (!secure && url.protocol !== 'smtp:') return refuse('expected smtp:// or smtps://');
  if (url.hostname === '') return refuse('it names no host');
  const unknown = [...url.searchParams.keys()].find((name) => name !== 'starttls');
  if (unknown !== undefined)
    return refuse(`it has ${unknown}; expected starttls alone behind the ?`);
  const wanted = url.searchParams.get('starttls') ?? 'required';
  const startTls = START_TLS.find((each) => each === wanted);
  if (!startTls) return refuse(`starttls: expected one of ${START_TLS.join(', ')}`);
  const user = decodeURIComponent(url.username);
  return {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? (secure ? 465 : 587) : Number(url.port),
    secure,
    startTls,
    user: user === '' ? null : user,
    password: user === '' ? null : decodeURIComponent(url.password),
  };
}
