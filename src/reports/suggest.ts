/** The name that was probably meant, or null when none is near. */
export function nearest(got: string, names: readonly string[]): string | null {
  const typed = got.toLowerCase().replaceAll('-', '_').slice(0, 64);
  let best: string | null = null;
  let least = Math.max(1, Math.floor(typed.length / 3)) + 1;
  for (const name of names) {
    const distance = editDistance(typed, name.toLowerCase().replaceAll('-', '_'));
    if (distance < least) {
      least = distance;
      best = name;
    }
  }
  return best;
}

/** ` (did you mean queue?)`, or nothing: the end of an error's `expected`. */
export function suggestion(got: string, names: readonly string[]): string {
  const name = nearest(got, names);
  return name === null ? '' : ` (did you mean ${name}?)`;
}

/** Levenshtein's distance: letters added, dropped or replaced. */
function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = previous[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1);
      current.push(Math.min(replaced, previous[j] + 1, current[j - 1] + 1));
    }
    previous = current;
  }
  return previous[b.length];
}
