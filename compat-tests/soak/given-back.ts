import { setTimeout as delay } from 'node:timers/promises'
import type { Sample, Series } from './sampler.ts'

const WITHIN_MS = 60_000
const AGAIN_MS = 500
/** What may be there more than before the load: files of internal topics, timers that come and go by themselves. */
const SLACK: readonly (readonly [Series, string, number])[] = [
  ['connections', 'connections', 1],
  ['descriptors', 'descriptors', 40],
  ['timers', 'timers', 12],
  ['groups', 'groups', 0],
  ['members', 'members of groups', 0],
]

/** What the broker has that it had not before the load, some time after it; a line each. */
export async function stillHeld(before: Sample, sample: () => Promise<Sample>): Promise<string[]> {
  const deadline = performance.now() + WITHIN_MS
  for (;;) {
    const now = await sample()
    const held = SLACK.filter(([series, , slack]) => now[series] > before[series] + slack)
    if (held.length === 0) return []
    if (performance.now() > deadline)
      return held.map(([series, name]) => `${now[series]} ${name}, ${before[series]} before`)
    await delay(AGAIN_MS)
  }
}
