import { plainLine } from '../mail/plain-line.ts';
import type { ChatText } from './chat-lines.ts';

/** Limits of Slack's blocks. */
const MOST_HEADER = 150;
const MOST_TEXT = 2_900;
const MOST_SECTIONS = 15;

/** The body of a Slack webhook: plain text, which Slack neither links nor reads mentions in. */
export function slackBody(text: ChatText): Buffer {
  const plain = (shown: string) => ({ type: 'plain_text', text: shown, emoji: false });
  const blocks = text.blocks.slice(0, MOST_SECTIONS).flatMap(({ heading, lines, link }) => [
    { type: 'header', text: plain(plainLine(heading, MOST_HEADER)) },
    { type: 'section', text: plain(cut(lines.map((line) => plainLine(line, 500)).join('\n'))) },
    ...(link === null
      ? []
      : [
          {
            type: 'section',
            text: { type: 'mrkdwn', text: `<${link.url}|${escaped(link.text)}>` },
          },
        ]),
  ]);
  return Buffer.from(
    JSON.stringify({
      text: escaped(plainLine(text.title, 500)),
      blocks: blocks.filter(({ text: { text: shown } }) => shown !== ''),
      unfurl_links: false,
      unfurl_media: false,
    }),
  );
}

/** Slack's three characters: without them there are no links and no mentions. */
function escaped(text: string): string {
  return plainLine(text, 300)
    .replace(/&/g, '&amp;')
    .replace(/</g, '&lt;')
    .replace(/>/g, '&gt;')
    .replace(/\|/g, '¦');
}

function cut(text: string): string {
  return text.length <= MOST_TEXT ? text : `${text.slice(0, MOST_TEXT - 2)}\n…`;
}
