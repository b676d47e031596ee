/**
 * Seeded chance for the demo: the same seed gives the same numbers on every machine and Node.
 * Only `Math.log`, `Math.exp` and `Math.sqrt` are used, whose results do not differ between them.
 */
export interface Random {
  /** Uniform in [0, 1). */
  next(): number;
  /** Whole number in [least, most]. */
  between(least: number, most: number): number;
  chance(probability: number): boolean;
  pick<T>(from: readonly T[]): T;
  /** A value with the probability of its weight. */
  weighted<T>(from: readonly { readonly weight: number; readonly value: T }[]): T;
  /** Number of events where `mean` are expected. For means up to some hundreds. */
  poisson(mean: number): number;
  exponential(mean: number): number;
  /** `spread` is the standard deviation of the logarithm. */
  logNormal(median: number, spread: number): number;
}

/** A stream of its own for each text, such as `seed|calls|2026-03-08`. */
export function randomOf(seed: string): Random {
  const next = xoshiro128(seed);

  function standardNormal(): number {
    for (;;) {
      const x = next() * 2 - 1;
      const y = next() * 2 - 1;
      const radius = x * x + y * y;
      if (radius > 0 && radius < 1) return x * Math.sqrt((-2 * Math.log(radius)) / radius);
    }
  }

  return {
    next,
    between: (least, most) => least + Math.floor(next() * (most - least + 1)),
    chance: (probability) => next() < probability,
    pick: (from) => from[Math.floor(next() * from.length)],
    weighted: (from) => {
      let left = next() * from.reduce((sum, entry) => sum + entry.weight, 0);
      for (const entry of from) {
        left -= entry.weight;
        if (left < 0) return entry.value;
      }
      return from[from.length - 1].value;
    },
    poisson: (mean) => {
      const least = Math.exp(-mean);
      let count = 0;
      for (let product = next(); product > least; product *= next()) count += 1;
      return count;
    },
    exponential: (mean) => -mean * Math.log(1 - next()),
    logNormal: (median, spread) => median * Math.exp(spread * standardNormal()),
  };
}

/** xoshiro128** (Blackman and Vigna), seeded from a text by FNV-1a and a mixing step. */
function xoshiro128(seed: string): () => number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < seed.length; i++) hash = Math.imul(hash ^ seed.charCodeAt(i), 0x01000193);
  const word = () => {
    hash = (hash + 0x9e3779b9) | 0;
    let mixed = Math.imul(hash ^ (hash >>> 16), 0x21f0aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
    return mixed ^ (mixed >>> 15);
  };
  let a = word();
  let b = word();
  let c = word();
  let d = word();
  return () => {
    const result = Math.imul(rotate(Math.imul(b, 5), 7), 9);
    const shifted = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= shifted;
    d = rotate(d, 11);
    return (result >>> 0) / 0x1_0000_0000;
  };
}

function rotate(word: number, by: number): number {
  return (word << by) | (word >>> (32 - by));
}
