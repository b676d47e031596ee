/** What a client would like to get of a few things that there are. */

interface Range {
  readonly type: string;
  readonly weight: number;
}

/**
 * The first of `offered` media types among those that an `Accept` header (RFC 9110, 12.5.1) likes
 * best; also where it names none of them, since an answer that is not liked says more than none. The
 * more exact range of a type counts; parameters but `q` are not looked at.
 */
export function wantedType<T extends string>(
  accept: string | undefined,
  offered: readonly [T, ...T[]],
): T {
  const ranges = (accept ?? '*/*').split(',').map(parseRange);
  const weightOf = (type: string): number => {
    for (const pattern of [type, `${type.split('/', 1)[0]}/*`, '*/*']) {
      const range = ranges.find((each) => each.type === pattern);
      if (range) return range.weight;
    }
    return 0;
  };
  return offered.reduce((best, type) => (weightOf(type) > weightOf(best) ? type : best));
}

function parseRange(text: string): Range {
  const [type, ...parameters] = text.split(';').map((part) => part.trim().toLowerCase());
  const weight = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2);
  const value = Number(weight ?? 1);
  return { type, weight: value >= 0 && value <= 1 ? value : 0 };
}
