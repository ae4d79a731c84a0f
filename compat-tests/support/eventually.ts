import { setTimeout as delay } from 'node:timers/promises'

const POLL_MS = 10

/**
 * Waits until `condition` gives something other than false or undefined, and gives that. Rejects after `timeoutMs` with what
 * was waited for; for what real clients do in their own time.
 */
export async function eventually<T>(
  what: string | (() => string),
  condition: () => T | false | undefined | Promise<T | false | undefined>,
  timeoutMs = 20_000,
): Promise<T> {
  const deadline = performance.now() + timeoutMs
  for (;;) {
    const value = await condition()
    if (value !== false && value !== undefined) return value
    if (performance.now() > deadline)
      throw new Error(`not within ${timeoutMs} ms: ${typeof what === 'string' ? what : what()}`)
    await delay(POLL_MS)
  }
}
