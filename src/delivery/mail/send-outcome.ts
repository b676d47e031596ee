/** How far a conversation had come when it was decided. In order. */
export const STAGES = [
  'connect',
  'ehlo',
  'starttls',
  'auth',
  'mail',
  'rcpt',
  'data',
  /** Bytes of the message were on their way, its final dot was not. */
  'content',
  /** The final dot may have gone out. */
  'end',
] as const;
export type Stage = (typeof STAGES)[number];

/**
 * What became of one message to one recipient.
 * - `sent`: the server took it. What becomes of it then, a bounce would tell; nobody reads those.
 * - `temporary`: certainly not taken; to be tried again.
 * - `permanent`: certainly not taken, and the same message would be refused again.
 * - `ambiguous`: it may have been taken; trying again may bring a second copy.
 */
export interface SendOutcome {
  readonly kind: 'sent' | 'temporary' | 'permanent' | 'ambiguous';
  readonly stage: Stage;
  /** Reply code such as `250`, or what failed, such as `ETIMEDOUT`. */
  readonly code: string;
  /** The server's words, or ours, on one line. */
  readonly reply: string;
  /**
   * Whom it concerns: this message or recipient, the server as a whole, which then is to be left
   * alone for a while, or ourselves, where nobody was asked at all.
   */
  readonly concerns: 'message' | 'recipient' | 'server' | 'ourselves';
  /** The message was over the server's limit: another attempt has to send a link. */
  readonly tooLarge: boolean;
}
