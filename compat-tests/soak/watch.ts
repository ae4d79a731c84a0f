/**
 * Loaded into the broker's process before the broker: says on its output, once a second, how long the event loop was
 * busy without a turn for others, and how large heap and buffers are.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks'

const RESOLUTION_MS = 5
const EVERY_MS = 1000
export const WATCH_MESSAGE = 'soak watch'

/** A line of the broker's output. */
export interface WatchLine {
  readonly msg: typeof WATCH_MESSAGE
  readonly longestWaitMs: number
  readonly heapUsedBytes: number
  readonly externalBytes: number
}

/** Only in the process of a broker. */
export function watch(): void {
  const delays = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
  delays.enable()
  setInterval(() => {
    const { heapUsed: heapUsedBytes, external: externalBytes } = process.memoryUsage()
    const longestWaitMs = Math.max(0, delays.max / 1e6 - RESOLUTION_MS)
    delays.reset()
    const line: WatchLine = { msg: WATCH_MESSAGE, longestWaitMs, heapUsedBytes, externalBytes }
    process.stdout.write(`${JSON.stringify(line)}\n`)
  }, EVERY_MS).unref()
}
