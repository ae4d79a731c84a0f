import { type Clock, systemClock } from '../base/clock.ts'

/** On it every look takes a millisecond, so that a slice of work is short. */
export function slowClock(): Clock {
  let lookedMs = 0
  return { ...systemClock, monotonicMs: () => ++lookedMs }
}
