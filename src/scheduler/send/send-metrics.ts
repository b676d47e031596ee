import { Counter, Histogram, type Registry } from 'prom-client';
import type { Delivered } from './deliver-message.ts';

/** What becomes of deliveries, as metrics. */
export interface SendMeter {
  /**
   * A message was sent or not, and where that took its deliveries.
   * @param dueAt UTC epoch ms of each that a schedule owed; none of those that people asked for
   */
  ended(state: Delivered['state'], deliveries: number, dueAt: readonly number[]): void;
  /** Deliveries were taken back from a process that did not come back. */
  recovered(deliveries: number): void;
}

const STATES = ['sent', 'pending', 'in_doubt', 'held', 'failed', 'suppressed', 'cancelled'];
/** From seconds, of an undisturbed morning, to days, of a mail server that was away. */
const SECONDS = [1, 5, 15, 30, 60, 120, 300, 900, 3_600, 21_600, 86_400, 259_200];

/** For the one process that sends. `clock` is UTC epoch ms. */
export function createSendMeter(registry: Registry, clock: () => number): SendMeter {
  const deliveries = new Counter({
    name: 'daybook_deliveries_total',
    help: 'Deliveries by the state that an attempt took them to; pending and in_doubt go again',
    labelNames: ['state'],
    registers: [registry],
  });
  const recovered = new Counter({
    name: 'daybook_deliveries_recovered_total',
    help: 'Deliveries taken back from a process that did not come back',
    registers: [registry],
  });
  const seconds = new Histogram({
    name: 'daybook_delivery_seconds',
    help: 'From when a schedule was due to when a server or hook took its file',
    buckets: SECONDS,
    registers: [registry],
  });
  for (const state of STATES) deliveries.inc({ state }, 0);
  return {
    ended(state, count, dueAt) {
      // Who lost its lease does not know: whoever has it counts.
      if (state === 'lost') return;
      deliveries.inc({ state }, count);
      if (state !== 'sent') return;
      const now = clock();
      for (const at of dueAt) seconds.observe(Math.max(0, now - at) / 1000);
    },
    recovered: (count) => recovered.inc(count),
  };
}
