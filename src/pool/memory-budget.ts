import type { Budget } from './budget.ts';

/** How much memory each compute process may hold. Pure. */

const MIB = 2 ** 20;
/** Code, the heap of the main thread, what is shared. */
const PROCESS_BYTES = 256 * MIB;
/** Heap and buffers of one thread: several times what the largest days take. */
export const THREAD_BYTES = 512 * MIB;
/** Of the machine, all compute processes together: the rest is for Postgres and the others. */
const SHARE = 0.6;
/** Less than this and no day could be made. */
const LEAST_BYTES = 192 * MIB;

/** @param machineBytes what the machine, or the container, has */
export function memoryPerCompute(
  { computeProcesses, threadsPerCompute }: Budget,
  machineBytes: number,
): number {
  const wanted = PROCESS_BYTES + threadsPerCompute * THREAD_BYTES;
  const there = Math.floor((machineBytes * SHARE) / computeProcesses);
  return Math.max(LEAST_BYTES, Math.min(wanted, there));
}
