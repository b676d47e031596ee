import { createHash } from 'node:crypto';

/**
 * The Message-ID of a delivery: the same at every automatic retry, so that a mail server or a
 * person can tell a second copy; another one for each sending that a person asks for, so that it is
 * not taken for a copy.
 */
export function messageIdOf(of: {
  /** Of the delivery, or of the digest that it goes in. */
  readonly deliveryId: string;
  /** 0, then one more for each re-send by a person. */
  readonly resends: number;
  readonly recipientKey: string;
  readonly mailDomain: string;
}): string {
  const digest = createHash('sha256')
    .update(`daybook message\n${of.deliveryId}\n${of.resends}\n${of.recipientKey}`)
    .digest('hex')
    .slice(0, 40);
  return `<${digest}@${of.mailDomain}>`;
}
