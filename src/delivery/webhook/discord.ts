import { plainLine } from '../mail/plain-line.ts';
import type { ChatText } from './chat-lines.ts';

/** Limits of Discord's webhooks: of a title, of a description, of ten embeds together. */
const MOST_TITLE = 256;
const MOST_DESCRIPTION = 1_800;
const MOST_TOGETHER = 5_800;
const MOST_EMBEDS = 10;

/** The body of a Discord webhook. Nobody is ever pinged, whatever data says. */
export function discordBody(text: ChatText): Buffer {
  let left = MOST_TOGETHER;
  const embeds: { title: string; description: string; url?: string }[] = [];
  for (const { heading, lines, link } of text.blocks.slice(0, MOST_EMBEDS)) {
    const title = plainLine(escaped(heading), MOST_TITLE);
    const linked = link === null ? [] : [`[${escaped(link.text)}](${link.url})`];
    const description = fitting(
      lines.map(escaped),
      linked,
      Math.min(MOST_DESCRIPTION, left - title.length),
    );
    if (description === null) break;
    left -= title.length + description.length;
    embeds.push({ title, description });
  }
  const content = escaped(plainLine(text.title, 500));
  return Buffer.from(JSON.stringify({ content, embeds, allowed_mentions: { parse: [] } }));
}

/** As many lines as there is room for, and those at the end always; null: not even they fit. */
function fitting(lines: readonly string[], last: readonly string[], most: number): string | null {
  const length = (each: readonly string[]) => each.join('\n').length;
  const kept = [...lines];
  while (length([...kept, '…', ...last]) > most) {
    if (kept.pop() === undefined) return null;
  }
  return [...kept, ...(kept.length < lines.length ? ['…'] : []), ...last].join('\n');
}

/** Markdown, mentions and links of Discord, as characters. */
function escaped(text: string): string {
  return plainLine(text, 1_000)
    .replace(/[\\`*_~|>#[\]()<-]/g, '\\$&')
    .replace(/@/g, '@\u200b')
    .replace(/:\/\//g, ':\u200b//');
}
