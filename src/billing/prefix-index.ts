/**
 * Finds the longest prefix of a number among many: a tree of digits in two arrays. A look-up costs
 * one step per digit, however many prefixes there are.
 */
export interface PrefixIndex {
  /**
   * Which prefix is the longest that the number begins with; -1: none. Of the number only digits
   * count: `+`, spaces, dots, hyphens and brackets are skipped, anything else ends it.
   */
  longest(number: string): number;
}

const NONE = -1;
const ZERO = 48;

/** @param prefixes digits, each once; `*` fits every number, also one without digits */
export function buildPrefixIndex(prefixes: readonly string[]): PrefixIndex {
  let children = new Int32Array(10 * 1024);
  let values = new Int32Array(1024).fill(NONE);
  let nodes = 1;

  function grow(): void {
    const moreChildren = new Int32Array(children.length * 2);
    moreChildren.set(children);
    children = moreChildren;
    const moreValues = new Int32Array(values.length * 2).fill(NONE);
    moreValues.set(values);
    values = moreValues;
  }

  prefixes.forEach((prefix, value) => {
    let node = 0;
    if (prefix !== '*') {
      for (let i = 0; i < prefix.length; i++) {
        const slot = node * 10 + prefix.charCodeAt(i) - ZERO;
        if (children[slot] === 0) {
          if (nodes === values.length) grow();
          children[slot] = nodes++;
        }
        node = children[slot];
      }
    }
    values[node] = value;
  });

  return {
    longest(number) {
      let node = 0;
      let found = values[0];
      for (let i = 0; i < number.length; i++) {
        const code = number.charCodeAt(i);
        const digit = code - ZERO;
        if (digit >= 0 && digit <= 9) {
          node = children[node * 10 + digit];
          if (node === 0) break;
          if (values[node] !== NONE) found = values[node];
        } else if (!isSeparator(code)) break;
      }
      return found;
    },
  };
}

/** The digits of a number, as {@link PrefixIndex} reads them; empty: it has none. */
export function digitsOf(number: string): string {
  let digits = '';
  for (let i = 0; i < number.length; i++) {
    const code = number.charCodeAt(i);
    if (code >= ZERO && code <= ZERO + 9) digits += number[i];
    else if (!isSeparator(code)) break;
  }
  return digits;
}

/** `+`, space, no-break space, `-`, `.`, `/`, brackets. */
function isSeparator(code: number): boolean {
  return (
    code === 43 ||
    code === 32 ||
    code === 160 ||
    (code >= 45 && code <= 47) ||
    code === 40 ||
    code === 41
  );
}
