/** What times say about segments: when a new one begins, and how long one is kept. */
import { expect, it } from 'vitest'
import { batchOf, logFixture, START_MS } from '../testing/log-fixture.ts'
import type { PartitionLog } from './partition-log.ts'

const MINUTE_MS = 60_000

function appendAt(log: PartitionLog, timestampMs: number): void {
  log.appendAsLeader(batchOf(['v'], { baseTimestamp: timestampMs }), { leaderEpoch: 0, origin: 'client' })
  log.updateHighWatermark(log.logEndOffset)
}

/** Random bytes that are all the same. */
function always(byte: number) {
  return { bytes: (length: number) => Buffer.alloc(length, byte) }
}

/** How long after its first record a segment takes no more, for a jitter drawn with this randomness. */
async function lifetimeMs(byte: number, segmentJitterMs: number): Promise<number> {
  const log = logFixture().open({ random: always(byte) }, { segmentMs: 10_000, segmentJitterMs })
  for (let afterMs = 0; ; afterMs += 100) {
    appendAt(log, START_MS + afterMs)
    if (log.segments.count === 1) continue
    await log.close()
    return afterMs
  }
}

it('segment.jitter.ms takes a random part of itself off the time of a segment, at most all of it', async () => {
  const withoutJitter = await lifetimeMs(0x7f, 0)
  const drawn = Buffer.alloc(4, 0x7f).readUInt32BE() % 4000
  expect(withoutJitter).toBe(10_100)
  expect(await lifetimeMs(0x7f, 4000)).toBe(Math.floor((10_000 - drawn) / 100) * 100 + 100)
  expect(await lifetimeMs(0, 4000)).toBe(withoutJitter)
})

it('a segment is kept by its largest timestamp: a record from the future keeps it, and what follows', async () => {
  const log = logFixture().open(
    {},
    { segmentMs: MINUTE_MS, retentionMs: MINUTE_MS, messageTimestampAfterMaxMs: Number.MAX_SAFE_INTEGER },
  )
  const future = START_MS + 60 * MINUTE_MS
  appendAt(log, START_MS)
  appendAt(log, future)
  appendAt(log, START_MS)
  appendAt(log, future + 2 * MINUTE_MS)
  expect(log.segments.count).toBeGreaterThan(1)
  expect(log.deleteOldSegments(START_MS + 2 * MINUTE_MS)).toBe(1)
  expect(log.logStartOffset).toBe(1)
  expect(log.deleteOldSegments(future)).toBe(0)
  expect(log.deleteOldSegments(future + MINUTE_MS + 1)).toBe(1)
  expect(log.logStartOffset).toBe(3)
  await log.close()
})
