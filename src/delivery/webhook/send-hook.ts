import type { ConnectionOptions } from 'node:tls';
import type { Locale } from '../../reports/request.ts';
import type { RecipientKind } from '../../reports/schedule-spec.ts';
import { post } from '../outbound/post.ts';
import type { TargetRules } from '../outbound/target.ts';
import { chatText } from './chat-lines.ts';
import { discordBody } from './discord.ts';
import { genericHook } from './generic-hook.ts';
import type { HookMessage } from './hook-message.ts';
import { answerOutcome, failureOutcome, type HookOutcome } from './hook-outcome.ts';
import { slackBody } from './slack.ts';

export type HookKind = Exclude<RecipientKind, 'email'>;

export interface HookSettings extends TargetRules {
  readonly tls?: ConnectionOptions;
  readonly timeoutMs?: number;
}

/** Sends one message to one hook. Never throws for what a receiver does: that is the outcome. */
export async function sendHook(of: {
  readonly kind: HookKind;
  readonly url: string;
  readonly message: HookMessage;
  readonly locale: Locale;
  readonly keys: readonly Buffer[];
  readonly settings: HookSettings;
  /** UTC epoch ms. */
  readonly now: number;
  readonly signal: AbortSignal;
}): Promise<HookOutcome> {
  const { body, headers } = formOf(of);
  try {
    const answer = await post(of.url, body, {
      ...of.settings,
      where: of.kind,
      headers: { 'user-agent': 'Daybook', accept: '*/*', ...headers },
      signal: of.signal,
    });
    return answerOutcome(answer, of.now);
  } catch (error) {
    return failureOutcome(error);
  }
}

function formOf(of: {
  readonly kind: HookKind;
  readonly message: HookMessage;
  readonly locale: Locale;
  readonly keys: readonly Buffer[];
}): { readonly body: Buffer; readonly headers: Readonly<Record<string, string>> } {
  const json = { 'content-type': 'application/json' };
  switch (of.kind) {
    case 'webhook':
      return genericHook(of.message, of.keys);
    case 'discord':
      return { body: discordBody(chatText(of.message, of.locale)), headers: json };
    case 'slack':
      return { body: slackBody(chatText(of.message, of.locale)), headers: json };
  }
}
