import { PATIENCE_MS, type WaitingDay } from '../../src/pool/balancer.ts';
import { magnitudeOf } from '../../src/pool/balancer-queue.ts';
import { AGED_EVERY, costOf } from '../../src/pool/balancer-share.ts';

/**
 * The balancer's policy once more, as plainly as can be: flat lists that are searched from end to
 * end at each step. A node is a class, a tenant of it or a run of that, named by its path.
 */

interface Node {
  given: number;
  fresh: boolean;
  since: number;
  sinceOrder: number;
  arrival: number;
  /** Of its children. */
  level: number;
  startsSinceAged: number;
}

const WEIGHTS: Readonly<Record<string, number>> = { interactive: 16, scheduled: 4, precache: 1 };
const ROOT = '';

export function createNaiveBalancer() {
  const nodes = new Map<string, Node>();
  let waiting: WaitingDay[] = [];
  let flying: WaitingDay[] = [];
  let steps = 0;

  const pathOf = (day: WaitingDay) => [
    ROOT,
    `/${day.workClass}`,
    `/${day.workClass}/${day.tenantId}`,
    `/${day.workClass}/${day.tenantId}/${day.runId}`,
  ];
  const under = (path: string) => (day: WaitingDay) => pathOf(day).includes(path);
  const parentOf = (path: string) => path.slice(0, path.lastIndexOf('/'));
  const weightOf = (path: string) => WEIGHTS[path.slice(1)] ?? 1;
  const nodeOf = (path: string): Node => {
    const known = nodes.get(path);
    if (known) return known;
    const node = {
      given: path === ROOT ? 0 : nodeOf(parentOf(path)).level,
      fresh: false,
      since: 0,
      sinceOrder: 0,
      arrival: 0,
      level: 0,
      startsSinceAged: AGED_EVERY - 1,
    };
    nodes.set(path, node);
    return node;
  };
  const childrenThatWait = (path: string) =>
    [...nodes.keys()].filter(
      (child) => child !== ROOT && parentOf(child) === path && waiting.some(under(child)),
    );
  const flyingCost = (path: string) =>
    flying.filter(under(path)).reduce((sum, day) => sum + costOf(day), 0) / weightOf(path);
  const least = (paths: string[]) =>
    paths.sort((a, b) => {
      const [x, y] = [nodeOf(a), nodeOf(b)];
      return (
        x.given - y.given ||
        weightOf(b) - weightOf(a) ||
        Number(y.fresh) - Number(x.fresh) ||
        x.arrival - y.arrival
      );
    })[0];
  const aged = (path: string, now: number) => {
    const [oldest] = childrenThatWait(path).sort(
      (a, b) => nodeOf(a).sinceOrder - nodeOf(b).sinceOrder,
    );
    if (oldest === undefined || nodeOf(path).startsSinceAged < AGED_EVERY - 1) return undefined;
    return now - nodeOf(oldest).since >= PATIENCE_MS ? oldest : undefined;
  };

  function forget(): void {
    for (const [path, node] of [...nodes]) {
      if (!waiting.some(under(path)) && !flying.some(under(path))) node.level = 0;
    }
    for (const [path, node] of [...nodes]) {
      if (path === ROOT || waiting.some(under(path)) || flying.some(under(path))) continue;
      const parent = parentOf(path);
      const idle = !waiting.some(under(parent)) && !flying.some(under(parent));
      if (!idle && node.given > nodeOf(parent).level) continue;
      for (const other of [...nodes.keys()]) {
        if (other === path || other.startsWith(`${path}/`)) nodes.delete(other);
      }
    }
  }

  return {
    add(day: WaitingDay, now: number): void {
      for (const path of pathOf(day).slice(1)) {
        const node = nodeOf(path);
        if (waiting.some(under(path))) continue;
        const { level } = nodeOf(parentOf(path));
        node.fresh = node.given <= level;
        node.given = Math.max(node.given, level);
        node.since = now;
        node.sinceOrder = steps++;
        node.arrival = steps++;
      }
      waiting.push(day);
    },
    remove(day: WaitingDay): void {
      waiting = waiting.filter((each) => each !== day);
      forget();
    },
    startNext(now: number): WaitingDay | null {
      if (waiting.length === 0) return null;
      const path: string[] = [ROOT];
      for (let depth = 0; depth < 3; depth++) {
        const parent = path[depth];
        path.push(aged(parent, now) ?? least(childrenThatWait(parent)));
      }
      const inRun = waiting.filter(under(path[3]));
      const most = Math.max(...inRun.map((day) => magnitudeOf(day.expectedRows)));
      const day = inRun.find((each) => magnitudeOf(each.expectedRows) === most) as WaitingDay;
      for (let depth = 0; depth < 3; depth++) {
        const parent = nodeOf(path[depth]);
        const child = nodeOf(path[depth + 1]);
        parent.startsSinceAged =
          aged(path[depth], now) === path[depth + 1] ? 0 : parent.startsSinceAged + 1;
        const first = least(childrenThatWait(path[depth]));
        parent.level = Math.max(parent.level, nodeOf(first).given - flyingCost(first));
        child.given += costOf(day) / weightOf(path[depth + 1]);
        child.fresh = false;
        child.since = now;
        child.sinceOrder = steps++;
      }
      waiting = waiting.filter((each) => each !== day);
      flying.push(day);
      forget();
      return day;
    },
    end(day: WaitingDay): void {
      flying = flying.filter((each) => each !== day);
      forget();
    },
  };
}
