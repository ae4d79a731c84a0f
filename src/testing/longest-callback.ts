/**
 * Runs `work` and gives the most CPU time, in milliseconds, that this thread spent before others had their turn: what
 * other threads and processes do does not count.
 */
export async function longestCallbackMs(work: () => Promise<unknown>): Promise<number> {
  let longest = 0
  let before = threadCpuMs()
  let isOver = false
  const tick = (): void => {
    const now = threadCpuMs()
    longest = Math.max(longest, now - before)
    before = now
    if (!isOver) setImmediate(tick)
  }
  setImmediate(tick)
  try {
    await work()
    await new Promise<void>((resolve) => {
      setImmediate(resolve)
    })
  } finally {
    isOver = true
  }
  return longest
}

function threadCpuMs(): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1000
}
