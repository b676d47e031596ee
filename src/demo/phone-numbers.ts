import { type Random, randomOf } from './random.ts';

/**
 * E.164 numbers that belong to nobody: 555-0100 to 555-0199 of North American area codes, and
 * the ranges that Ofcom (020 7946 0xxx, 0161 496 0xxx, 07700 900xxx) and ACMA (02 5550 xxxx)
 * keep for drama.
 */

const AREA_CODES = [
  201, 202, 203, 212, 215, 216, 301, 302, 303, 305, 310, 312, 313, 314, 315, 401, 404, 410, 412,
  415, 416, 503, 504, 512, 513, 514, 516, 517, 518, 602, 603, 604, 607, 609, 610, 612, 614, 617,
  646, 702, 703, 704, 713, 716, 718, 732, 802, 814, 845, 856, 860, 908, 914, 917, 973,
] as const;

/** How many numbers call us. A few of them call often. */
const CALLERS = 4_200;

/** The n-th number of a fictional world, n from 0. The same n is the same number. */
export function fictionalNumber(n: number): string {
  const random = randomOf(`number|${n}`);
  const kind = random.next();
  if (kind < 0.93) return `+1${random.pick(AREA_CODES)}55501${digits(random, 2)}`;
  if (kind < 0.955) return `+44207946${digits(random, 4, 0)}`;
  if (kind < 0.965) return `+44161496${digits(random, 4, 0)}`;
  if (kind < 0.985) return `+447700900${digits(random, 3)}`;
  return `+6125550${digits(random, 4)}`;
}

/** A number that calls or is called; low numbers of the world come up far more often. */
export function someNumber(random: Random): string {
  return fictionalNumber(Math.floor(CALLERS * random.next() * Math.sqrt(random.next())));
}

function digits(random: Random, count: number, first?: number): string {
  let text = first === undefined ? '' : String(first);
  while (text.length < count) text += String(random.between(0, 9));
  return text;
}
