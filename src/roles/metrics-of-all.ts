import { AggregatorRegistry, Counter, Gauge, Registry } from 'prom-client';
import type { Hub } from '../pool/hub.ts';

/** Metrics of all processes, as the primary gathers them, and of the balancer itself. */
export function createMetricsOfAll(hub: Hub, queuedRuns: () => number): () => Promise<string> {
  const children = new AggregatorRegistry();
  const own = new Registry();
  const gauge = (name: string, help: string, read: () => number) =>
    new Gauge({
      name,
      help,
      registers: [own],
      collect() {
        this.set(read());
      },
    });
  gauge('daybook_days_waiting', 'Days that wait for a thread', () => hub.load().waiting);
  gauge('daybook_days_running', 'Days that a thread works on', () => hub.load().running);
  gauge('daybook_runs_queued', 'Interactive runs that nobody works on yet', queuedRuns);
  gauge('daybook_threads', 'Threads of all compute processes', () => hub.load().threads);
  const seconds = (name: string, help: string, readMs: () => number) =>
    new Counter({
      name,
      help,
      registers: [own],
      collect() {
        this.reset();
        this.inc(readMs() / 1000);
      },
    });
  seconds(
    'daybook_thread_busy_seconds_total',
    'Time of threads that worked on a day',
    () => hub.load().busyMs,
  );
  seconds(
    'daybook_thread_idle_while_waiting_seconds_total',
    'Time of threads that were idle while a day waited',
    () => hub.load().idleWhileWaitingMs,
  );
  return async () => `${await own.metrics()}${await children.clusterMetrics()}`;
}
