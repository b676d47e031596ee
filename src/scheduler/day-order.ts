import type { MadeDay } from './make-days.ts';

/** Days that are made in any order, handed out in theirs. */
export interface DayOrder {
  put(index: number, made: MadeDay): void;
  /** No more will come: who waits is told why. */
  fail(reason: unknown): void;
  /** Each day when its turn has come and it is there. Once. */
  inOrder(): AsyncGenerator<MadeDay>;
}

export function openDayOrder(count: number): DayOrder {
  const made: (MadeDay | undefined)[] = new Array(count).fill(undefined);
  let failure: { readonly reason: unknown } | null = null;
  let wake = () => {};
  return {
    put(index, day) {
      made[index] = day;
      wake();
    },
    fail(reason) {
      failure = { reason };
      wake();
    },
    async *inOrder() {
      for (let index = 0; index < count; index++) {
        for (;;) {
          const day = made[index];
          if (failure) throw failure.reason;
          if (day) {
            yield day;
            break;
          }
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
      }
    },
  };
}
