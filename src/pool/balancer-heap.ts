/**
 * A binary heap whose items can be taken from the middle. An item stands in it at most once, and
 * while it does its rank must not change: remove it, change it, add it again.
 */
export interface Heap<T> {
  readonly size: number;
  add(item: T): void;
  /** False: it is not here. */
  remove(item: T): boolean;
  /** The first in order; undefined when there is none. */
  peek(): T | undefined;
}

/** @param order as for `Array.sort`; items that compare as 0 come in any order */
export function createHeap<T>(order: (a: T, b: T) => number): Heap<T> {
  const items: T[] = [];
  const places = new Map<T, number>();

  function put(item: T, place: number): void {
    items[place] = item;
    places.set(item, place);
  }

  function rise(item: T, from: number): void {
    let place = from;
    while (place > 0) {
      const parent = (place - 1) >> 1;
      if (order(item, items[parent]) >= 0) break;
      put(items[parent], place);
      place = parent;
    }
    put(item, place);
  }

  function sink(item: T, from: number): void {
    let place = from;
    for (;;) {
      let child = 2 * place + 1;
      if (child >= items.length) break;
      if (child + 1 < items.length && order(items[child + 1], items[child]) < 0) child += 1;
      if (order(items[child], item) >= 0) break;
      put(items[child], place);
      place = child;
    }
    put(item, place);
  }

  return {
    get size() {
      return items.length;
    },
    add(item) {
      items.push(item);
      rise(item, items.length - 1);
    },
    remove(item) {
      const place = places.get(item);
      if (place === undefined) return false;
      places.delete(item);
      const last = items.pop() as T;
      if (place === items.length) return true;
      sink(last, place);
      rise(last, places.get(last) as number);
      return true;
    },
    peek: () => items[0],
  };
}
