import { plainLine } from './plain-line.ts';
import type { SendOutcome, Stage } from './send-outcome.ts';

/** Tells what a failed conversation means for its recipient. Pure. */

/** What is known of a conversation that failed; as nodemailer's errors carry it. */
export interface SmtpFailure {
  readonly message: string;
  /** Of nodemailer, such as `EENVELOPE`. */
  readonly code?: string | undefined;
  /** The command that was answered or under way. */
  readonly command?: string | undefined;
  readonly response?: string | undefined;
  readonly responseCode?: number | undefined;
}

/** How much of the message the server was given. */
export interface DataProgress {
  readonly began: boolean;
  readonly finished: boolean;
}

const LONGEST_REPLY = 500;

/**
 * By RFC 5321: 4yz is temporary, 5yz permanent. But
 * - before MAIL a refusal is about us and not about the mail, so it is temporary: a wrong password
 *   or certificate is mended, and nothing is lost meanwhile;
 * - 421 means that the server goes away, and 503 that it lost the thread: temporary;
 * - 552 for a recipient is a full box or one recipient too many (4.5.3.1.10): temporary;
 * - without a readable reply nothing was taken, unless the final dot may have gone out: ambiguous.
 */
export function classifyFailure(failure: SmtpFailure, data: DataProgress): SendOutcome {
  const stage = stageOf(failure, data);
  const { responseCode: code } = failure;
  const reply = plainLine(failure.response ?? failure.message, LONGEST_REPLY);
  const isReply = code !== undefined && code >= 400 && code <= 599;
  if (!isReply) {
    const tooLarge = failure.code === 'EMESSAGE' && /larger than allowed/.test(failure.message);
    if (tooLarge) {
      return {
        kind: 'permanent',
        stage: 'mail',
        code: '552',
        reply,
        concerns: 'message',
        tooLarge,
      };
    }
    return {
      kind: stage === 'end' ? 'ambiguous' : 'temporary',
      stage,
      code: code === undefined ? (failure.code ?? 'EUNKNOWN') : String(code),
      reply,
      concerns: 'server',
      tooLarge: false,
    };
  }
  const isServers = code === 421 || SERVER_STAGES.has(stage);
  const isPermanent =
    code >= 500 && !isServers && code !== 503 && !(stage === 'rcpt' && code === 552);
  return {
    kind: isPermanent ? 'permanent' : 'temporary',
    stage,
    code: String(code),
    reply,
    concerns: isServers ? 'server' : stage === 'rcpt' ? 'recipient' : 'message',
    tooLarge: isPermanent && stage !== 'rcpt' && (code === 552 || /\b5\.3\.4\b/.test(reply)),
  };
}

const SERVER_STAGES: ReadonlySet<Stage> = new Set(['connect', 'ehlo', 'starttls', 'auth']);

function stageOf({ command, code }: SmtpFailure, { began, finished }: DataProgress): Stage {
  if (finished) return 'end';
  if (began) return 'content';
  const verb = (command ?? '').toUpperCase();
  if (verb.startsWith('DATA')) return 'data';
  if (verb.startsWith('RCPT')) return 'rcpt';
  if (verb.startsWith('MAIL')) return 'mail';
  if (verb.startsWith('AUTH') || code === 'EAUTH') return 'auth';
  if (verb.startsWith('STARTTLS') || code === 'ETLS') return 'starttls';
  if (verb.startsWith('EHLO') || verb.startsWith('HELO') || verb.startsWith('LHLO')) return 'ehlo';
  return 'connect';
}

/**
 * Whether a refusal says that there is no such mailbox, so that writing to it again is pointless
 * and harms the sender's name: the enhanced codes of RFC 3463 and 7505, given for the recipient.
 */
export function saysNoSuchMailbox({ kind, stage, reply }: SendOutcome): boolean {
  return kind === 'permanent' && stage === 'rcpt' && /\b5\.1\.(?:1|2|3|6|10)\b/.test(reply);
}
