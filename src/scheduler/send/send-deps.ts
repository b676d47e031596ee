import type { InstallationKeys } from '../../delivery/installation-secret.ts';
import type { MailTransport } from '../../delivery/mail/mail-transport.ts';
import type { Sender } from '../../delivery/mail/sender.ts';
import type { HookSettings } from '../../delivery/webhook/send-hook.ts';
import type { StageDeps } from '../stages/stage.ts';
import type { SendMeter } from './send-metrics.ts';

/** What the stage `send` works with. */
export interface SendDeps extends StageDeps {
  /** Absolute folder that the ledger's file paths are relative to. */
  readonly home: string;
  readonly mail: MailTransport;
  /** As attempts name it: a mail server's host, or `outbox`. */
  readonly mailVia: string;
  readonly sender: Sender;
  readonly hooks: HookSettings;
  readonly keys: InstallationKeys;
  /** Where recipients reach us; no slash at the end. */
  readonly publicUrl: string;
  /** Clock for the dates of mails and the ends of links, UTC epoch ms. */
  readonly clock: () => number;
  /** 0 to 1, for pauses. */
  readonly chance: () => number;
  readonly meter?: SendMeter;
}
