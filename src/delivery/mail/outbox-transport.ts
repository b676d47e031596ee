import { mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import nodemailer from 'nodemailer';
import { toFileError } from '../../errors.ts';
import type { Mail } from './compose.ts';
import { type MailTransport, nodemailerMessage } from './mail-transport.ts';

/**
 * Without a mail server each mail becomes a file, `outbox/<recipient>_<id>.eml`: written beside,
 * synced and renamed, so that one that is there is whole. The name comes from the Message-ID, so
 * that trying again replaces the file and never makes a second one.
 */
export function openOutbox(home: string): MailTransport {
  const folder = join(home, 'outbox');
  const composer = nodemailer.createTransport({ streamTransport: true, newline: 'windows' });
  return {
    async send(mail, { onData, signal }) {
      const path = join(folder, outboxName(mail));
      try {
        await mkdir(folder, { recursive: true, mode: 0o700 });
        const { message } = await composer.sendMail(nodemailerMessage(mail));
        await onData();
        await writeWhole(path, message as Readable, signal);
      } catch (error) {
        throw toFileError(error, 'outbox');
      }
      return {
        ...{ kind: 'sent', stage: 'end', code: '250', concerns: 'message', tooLarge: false },
        reply: `outbox/${outboxName(mail)}`,
      } as const;
    },
    close: () => composer.close(),
  };
}

export function outboxName({ to, messageId }: Pick<Mail, 'to' | 'messageId'>): string {
  const whom = to.key.replace(/[^a-z0-9.@_-]/g, '-').slice(0, 80);
  return `${whom}_${messageId.slice(1, 21)}.eml`;
}

async function writeWhole(path: string, content: Readable, signal: AbortSignal): Promise<void> {
  const beside = `${path}.${process.pid}.tmp`;
  try {
    const file = await open(beside, 'w', 0o600);
    try {
      for await (const chunk of content) {
        signal.throwIfAborted();
        await file.write(chunk);
      }
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(beside, path);
    await syncFolder(dirname(path));
  } catch (error) {
    await rm(beside, { force: true });
    throw error;
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
