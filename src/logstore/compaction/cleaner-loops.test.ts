import { afterEach, describe, expect, it } from 'vitest'
import { silentLogger } from '../../base/logger.ts'
import { cleanerConfig, compactionFixture } from '../../testing/compaction-fixture.ts'
import { batchOf, START_MS } from '../../testing/log-fixture.ts'
import { ManualClock } from '../../testing/manual-clock.ts'
import { MemoryFileSystem } from '../memory-fs.ts'
import { CleanerLoops } from './cleaner-loops.ts'
import { type CleaningRunner, InProcessRunner } from './cleaning-runner.ts'

let loops: CleanerLoops | undefined
afterEach(() => loops?.close())

/** Lets everything happen that waits for no clock. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 200; turn++) await Promise.resolve()
}

function setUp(config: Partial<typeof cleanerConfig> = {}) {
  const clock = new ManualClock(START_MS)
  const fs = new MemoryFileSystem(clock)
  const settings = { ...cleanerConfig, ...config }
  const fixture = compactionFixture(fs, clock, { segmentBytes: 1000 }, settings)
  const runners: CleaningRunner[] = []
  loops = new CleanerLoops({
    cleaner: fixture.cleaner,
    config: () => settings,
    createRunner: () => {
      const runner = new InProcessRunner(fs, async () => {})
      runners.push(runner)
      return runner
    },
    clock,
    logger: silentLogger,
  })
  const append = (value: string) => {
    fixture.log.appendAsLeader(batchOf([value]), { leaderEpoch: 0, origin: 'client' })
    fixture.log.updateHighWatermark(fixture.log.logEndOffset)
  }
  const advance = async (ms: number) => {
    clock.advance(ms)
    await settle()
  }
  return { ...fixture, clock, settings, runners, append, advance }
}

describe('the threads of the cleaner', () => {
  it('look for a log once the broker is up, and again after log.cleaner.backoff.ms', async () => {
    const { cleaner, append, advance } = setUp({ backoffMs: 500 })
    for (let n = 0; n < 30; n++) append(`${n}`)
    expect(cleaner.status().lastRunMs).toBe(0)
    await advance(0)
    expect(cleaner.status().cleanings.cleaned).toBe(1)
    for (let n = 0; n < 30; n++) append(`${n}`)
    await advance(499)
    expect(cleaner.status().cleanings.cleaned).toBe(1)
    await advance(1)
    expect(cleaner.status().cleanings.cleaned).toBe(2)
  })

  it('are as many as log.cleaner.threads says now', async () => {
    const { settings, runners, advance } = setUp({ backoffMs: 500 })
    await advance(0)
    expect(runners.length).toBe(1)
    Object.assign(settings, { threads: 2 })
    await advance(500)
    expect(runners.length).toBe(2)
    Object.assign(settings, { threads: 1 })
    await advance(500)
    await advance(500)
    Object.assign(settings, { threads: 2 })
    await advance(500)
    // The second one had ended.
    expect(runners.length).toBe(3)
  })

  it('read and write no more than log.cleaner.io.max.bytes.per.second', async () => {
    const { cleaner, append, advance } = setUp({ maxBytesPerSecond: 4096 })
    for (let n = 0; n < 300; n++) append(`${n}`)
    await advance(0)
    let ms = 0
    for (; cleaner.status().cleanings.cleaned === 0; ms += 50) {
      expect(ms).toBeLessThan(60_000)
      await advance(50)
    }
    const { bytesRead, bytesWritten } = cleaner.status()
    const allowedMs = ((bytesRead + bytesWritten) / 4096) * 1000
    expect(ms).toBeGreaterThan(allowedMs - 1000)
    expect(ms).toBeLessThan(allowedMs + 1000)
  })

  it('end with the broker, whatever they wait for, and leave no timer', async () => {
    const { append, advance, clock, cleaner, directory } = setUp({ maxBytesPerSecond: 10 })
    for (let n = 0; n < 50; n++) append(`${n}`)
    await advance(0)
    await loops?.close()
    expect(cleaner.status().cleanings).toEqual({ cleaned: 0, aborted: 1, failed: 0 })
    await directory.close()
    expect(clock.pendingTimers).toBe(0)
  })
})
