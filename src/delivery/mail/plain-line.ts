/**
 * A text that fits on one line of a header, a subject or a chat message: control characters, line
 * and paragraph separators and the marks that turn the direction of writing become spaces, broken
 * surrogates the replacement character, and what is too long ends in `…`.
 */
export function plainLine(text: string, mostCharacters: number): string {
  const line = text
    .toWellFormed()
    .replace(/[\p{Cc}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]+/gu, ' ')
    .replace(/\s+/g, ' ')
    .trim();
  const characters = Array.from(line);
  if (characters.length <= mostCharacters) return line;
  return `${characters.slice(0, mostCharacters - 1).join('')}…`;
}
