import { setPriority } from 'node:os';

/** On Linux a process with 5 gets a third of the time of one with 0, where both want all of it. */
const NICENESS = 5;

/**
 * What makes reports leaves a processor to what answers people, and to the database: those who look
 * at a screen are not to notice that a thousand reports are due. Nothing where that is not possible.
 */
export function stepBack(): void {
  try {
    setPriority(NICENESS);
  } catch {
    // It is a wish.
  }
}
