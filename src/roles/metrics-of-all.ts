import { AggregatorRegistry, Gauge, Registry } from 'prom-client';
import type { Hub } from '../pool/hub.ts';

/** Metrics of all processes, as the primary gathers them, and of the balancer itself. */
export function createMetricsOfAll(hub: Hub): () => Promise<string> {
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
  gauge('daybook_threads', 'Threads of all compute processes', () => hub.load().threads);
  return async () => `${await own.metrics()}${await children.clusterMetrics()}`;
}
