import { afterAll, describe, expect, it, vi } from 'vitest'
import {
  batchOf,
  contentsOf,
  everyFileSystem,
  type LogFixture,
  START_MS,
  valuesOf,
} from '../testing/log-fixture.ts'
import { compressionTypes } from '../wire/compression.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import type { LogAppendInfo, PartitionLog } from './partition-log.ts'
import { TailCacheBudget } from './tail-cache.ts'

const files = everyFileSystem()
afterAll(() => files.dispose())

const append = (log: PartitionLog, ...values: string[]): LogAppendInfo =>
  log.appendAsLeader(batchOf(values), { leaderEpoch: 0, origin: 'client' })

const code = (action: () => unknown): number | undefined => {
  try {
    action()
  } catch (error) {
    return (error as { code?: number }).code
  }
  return undefined
}

const names = ({ fs, directory }: LogFixture) => fs.readDirectory(directory)

describe.each(files.kinds)('a log on the %s file system', (_name, make) => {
  it.each([0, 1_000_000])(
    'gives consecutive offsets and reads them back, with %i bytes of tail cache',
    async (bytes) => {
      const fixture = make()
      const log = fixture.open(bytes > 0 ? { tailCacheBudget: new TailCacheBudget(bytes) } : {})
      expect(append(log, 'a', 'b')).toMatchObject({ firstOffset: 0, lastOffset: 1, logAppendTimeMs: -1 })
      expect(append(log, 'c')).toMatchObject({ firstOffset: 2, lastOffset: 2, duplicate: false })
      for (const compression of compressionTypes)
        log.appendAsLeader(batchOf([compression], { compression }), { leaderEpoch: 0, origin: 'client' })
      expect(log.logEndOffset).toBe(8)
      const read = log.read(1, 10_000, 8, true)
      expect(read instanceof Promise).toBe(bytes === 0)
      expect(valuesOf(await read)).toEqual(['a', 'b', 'c', ...compressionTypes])
      expect(valuesOf(await log.read(1, 10_000, 3, true))).toEqual(['a', 'b', 'c'])
      // Never across the upper bound, whole batches only, the first whatever its size.
      expect(valuesOf(await log.read(0, 10_000, 1, true))).toEqual([])
      expect(valuesOf(await log.read(0, 1, 8, true))).toEqual(['a', 'b'])
      expect(valuesOf(await log.read(0, 1, 8, false))).toEqual([])
      expect((await log.read(8, 1, 8, true)).size).toBe(0)
      expect(code(() => log.read(9, 1, 9, true))).toBe(ErrorCode.OFFSET_OUT_OF_RANGE)
      await log.close()
    },
  )

  it('is the same after a clean stop, with nothing to recover', async () => {
    const fixture = make()
    const config = { segmentBytes: 400, indexIntervalBytes: 100 }
    const log = fixture.open({}, config)
    for (let i = 0; i < 20; i++) append(log, `v${i}`)
    log.assignEpochStartOffset(3)
    const before = await contentsOf(log)
    expect(log.segments.count).toBeGreaterThan(2)
    await log.close()
    expect(names(fixture)).toContain('00000000000000000020.snapshot')
    const again = fixture.open({ hadCleanShutdown: true }, config)
    expect(await contentsOf(again)).toEqual(before)
    // An epoch without a record is dropped, as Kafka does; its leader assigns it again.
    expect([again.logEndOffset, again.recoveryPoint, again.latestEpoch()]).toEqual([20, 20, 0])
    expect(append(again, 'next').firstOffset).toBe(20)
    await again.close()
  })

  it('rolls by size, by the time of the records, by full indexes and beyond what an index can say', async () => {
    const fixture = make()
    const log = fixture.open({}, { segmentBytes: 300, segmentMs: 1000, indexIntervalBytes: 0 })
    append(log, 'x'.repeat(100))
    append(log, 'x'.repeat(100))
    expect(log.segments.count).toBe(2)
    log.appendAsLeader(batchOf(['later'], { baseTimestamp: START_MS + 1001 }), {
      leaderEpoch: 0,
      origin: 'client',
    })
    expect(log.segments.count).toBe(3)
    log.updateConfig({ ...log.config, segmentBytes: 100_000, segmentIndexBytes: 24 })
    for (let i = 0; i < 6; i++) append(log, 'y')
    expect(log.segments.count).toBe(6)
    const far = batchOf(['far'], { baseOffset: log.logEndOffset + 2 ** 31 })
    log.appendAsFollower(far)
    expect(log.segments.count).toBe(7)
    expect(valuesOf(await log.read(9, 10_000, log.logEndOffset, true))).toEqual(['far'])
    await log.close()
  })

  it('finds records by timestamp, exactly', async () => {
    const fixture = make()
    const log = fixture.open({}, { segmentBytes: 600, indexIntervalBytes: 100 })
    const times = [5, 3, 9, 9, 4, 12, 11, 20, 2, 20, 30]
    for (const [index, time] of times.entries())
      log.appendAsLeader(
        batchOf(['a', 'b'], {
          baseTimestamp: START_MS + time,
          compression: index % 2 === 0 ? 'none' : 'gzip',
          records: [
            { value: Buffer.from('a'), timestampDelta: -1 },
            { value: Buffer.from('b'), timestampDelta: 0 },
          ],
        }),
        { leaderEpoch: 7, origin: 'client' },
      )
    const all = times.flatMap((time) => [time - 1, time])
    const check = (log: PartitionLog) => {
      for (let time = 0; time <= 31; time++) {
        const expected = all.findIndex((other) => other >= time)
        const found = log.offsetForTimestamp(START_MS + time)
        expect(found?.offset ?? -1, `at ${time}`).toBe(expected)
        if (found !== undefined)
          expect(found).toMatchObject({ timestamp: START_MS + all[expected]!, leaderEpoch: 7 })
      }
      expect(log.maxTimestampOffset()).toMatchObject({ offset: 21, timestamp: START_MS + 30 })
    }
    expect(log.segments.count).toBeGreaterThan(1)
    check(log)
    await log.close()
    const again = fixture.open({ hadCleanShutdown: true }, { segmentBytes: 600, indexIntervalBytes: 100 })
    check(again)
    await again.close()
  })

  it('cuts at an offset, across segments, and goes on from there', async () => {
    const fixture = make()
    const config = { segmentBytes: 400, indexIntervalBytes: 100 }
    const log = fixture.open({ tailCacheBudget: new TailCacheBudget(100_000) }, config)
    for (let i = 0; i < 20; i++)
      log.appendAsLeader(batchOf([`v${i}`]), { leaderEpoch: Math.floor(i / 5), origin: 'client' })
    expect(log.endOffsetForEpoch(1)).toEqual({ leaderEpoch: 1, endOffset: 10 })
    expect(log.truncateTo(12)).toBe(true)
    expect(log.truncateTo(12)).toBe(false)
    expect([log.logEndOffset, log.latestEpoch()]).toEqual([12, 2])
    log.appendAsLeader(batchOf(['new']), { leaderEpoch: 5, origin: 'client' })
    const expected = [...Array.from({ length: 12 }, (_, i) => [i, `v${i}`]), [12, 'new']]
    expect(await contentsOf(log)).toEqual(expected)
    await log.close()
    const again = fixture.open({}, config)
    expect(await contentsOf(again)).toEqual(expected)
    again.truncateFullyAndStartAt(100)
    expect([again.logStartOffset, again.logEndOffset, again.size, again.latestEpoch()]).toEqual([
      100, 100, 0, -1,
    ])
    expect(append(again, 'x').firstOffset).toBe(100)
    await again.close()
  })

  it('deletes by time, by size and below the log start, never above the high watermark', async () => {
    const fixture = make()
    const log = fixture.open({}, { segmentBytes: 150, retentionMs: 1000, retentionBytes: -1 })
    for (let i = 0; i < 5; i++) append(log, 'x'.repeat(50))
    expect(log.segments.count).toBe(5)
    expect(log.deleteOldSegments(START_MS + 5000)).toBe(0)
    log.updateHighWatermark(2)
    expect(log.deleteOldSegments(START_MS + 1000)).toBe(0)
    expect(log.deleteOldSegments(START_MS + 1001)).toBe(2)
    expect([log.logStartOffset, log.segments.count]).toEqual([2, 3])
    log.updateHighWatermark(5)
    log.updateConfig({ ...log.config, retentionMs: -1, retentionBytes: log.size - 1 })
    expect(log.deleteOldSegments(START_MS)).toBe(0)
    log.updateConfig({ ...log.config, retentionBytes: 130 })
    expect(log.deleteOldSegments(START_MS)).toBe(1)
    log.updateConfig({ ...log.config, cleanupPolicy: ['compact'], retentionMs: 0 })
    expect(log.deleteOldSegments(START_MS + 5000)).toBe(0)
    log.incrementLogStartOffset(4)
    expect(log.deleteOldSegments(START_MS)).toBe(1)
    expect(code(() => log.incrementLogStartOffset(6))).toBe(ErrorCode.OFFSET_OUT_OF_RANGE)
    expect(names(fixture).some((name) => name.endsWith('.deleted'))).toBe(true)
    fixture.clock.advance(60_000)
    await vi.waitUntil(() => !names(fixture).some((name) => name.endsWith('.deleted')), 20_000)
    log.updateConfig({ ...log.config, cleanupPolicy: ['delete'] })
    expect(log.deleteOldSegments(START_MS + 5000)).toBe(1)
    expect([log.logStartOffset, log.logEndOffset, log.segments.count, log.size]).toEqual([5, 5, 1, 0])
    await log.close()
  })

  it('a read under way finishes on a segment that is deleted and removed meanwhile', async () => {
    const fixture = make()
    const log = fixture.open({}, { segmentBytes: 150, retentionMs: 0, fileDeleteDelayMs: 0 })
    for (let i = 0; i < 3; i++) append(log, `${i}`.repeat(50))
    log.updateHighWatermark(3)
    const reading = log.read(0, 10_000, 3, true)
    expect(log.deleteOldSegments(START_MS + 1)).toBe(3)
    fixture.clock.advance(1)
    expect(valuesOf(await reading)).toEqual(['0'.repeat(50)])
    expect(code(() => log.read(0, 1, 3, true))).toBe(ErrorCode.OFFSET_OUT_OF_RANGE)
    await log.close()
  })

  it('a read under way never gives bytes that were cut and overwritten meanwhile', async () => {
    const log = make().open()
    for (let i = 0; i < 10; i++) append(log, `old${i}`)
    const reading = log.read(4, 10_000, 10, true)
    log.truncateTo(5)
    for (let i = 5; i < 10; i++) append(log, `new${i}`)
    const values = valuesOf(await reading)
    expect(values).toEqual(['old4', 'new5', 'new6', 'new7', 'new8', 'new9'])
    await log.close()
  })

  it('stamps LogAppendTime and compresses anew where the topic says so', async () => {
    const log = make().open({}, { messageTimestampType: 'LogAppendTime', compressionType: 'zstd' })
    const info = log.appendAsLeader(batchOf(['a', 'b'], { compression: 'lz4', baseTimestamp: 5 }), {
      leaderEpoch: 0,
      origin: 'client',
    })
    expect(info.logAppendTimeMs).toBe(START_MS)
    const { buffers } = await log.read(0, 1000, 2, true)
    expect(buffers[0]!.readInt16BE(21)).toBe(4 | 8)
    expect(valuesOf({ buffers, size: 0, nextOffset: 0 })).toEqual(['a', 'b'])
    expect(log.offsetForTimestamp(START_MS)).toMatchObject({ offset: 0, timestamp: START_MS })
    await log.close()
  })
})
