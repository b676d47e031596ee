/** Parts of a path that are secrets: who has them may download, unsubscribe or start something. */
const SECRETS: readonly (readonly [RegExp, string])[] = [
  [/\/(d|unsubscribe)\/+[^/]+/gi, '/$1/:token'],
  [/\/dbt_[^/]*/g, '/dbt_…'],
];
const LONGEST = 500;

/**
 * The path of a request as logs may show it, also where no route takes it: the pattern of the route
 * where a token stands in the path, however that is written. Never the query: it may hold numbers of
 * people, and keys.
 * @param pattern of the route, undefined for none
 */
export function loggedPath(url: string, pattern: string | undefined): string {
  if (pattern?.includes('/:token')) return pattern;
  const path = withLetters(url.split(/[?#;]/, 1)[0]);
  const shown = SECRETS.reduce((text, [secret, instead]) => text.replace(secret, instead), path);
  return shown.slice(0, LONGEST);
}

/** Letters that are written as `%64`. */
function withLetters(path: string): string {
  return path.replace(/%(?:[46][1-9a-f]|[57][0-9a])/gi, (code) =>
    String.fromCharCode(Number.parseInt(code.slice(1), 16)),
  );
}
