import { describe, expect, it } from 'vitest'
import { compactionFixture, storedBatches } from '../../testing/compaction-fixture.ts'
import { START_MS } from '../../testing/log-fixture.ts'
import { ManualClock } from '../../testing/manual-clock.ts'
import { type BatchInput, encodeBatch } from '../../wire/records.ts'
import { readSmallFile } from '../checkpoints.ts'
import { FaultyFileSystem } from '../faulty-fs.ts'
import type { FileSystem } from '../file-system.ts'
import type { LogConfig } from '../log-config.ts'
import { MemoryFileSystem } from '../memory-fs.ts'
import type { PartitionLog } from '../partition-log.ts'
import type { CleanerConfig } from './log-cleaner.ts'

function setUp(config: Partial<LogConfig> = {}, cleaner: Partial<CleanerConfig> = {}) {
  const clock = new ManualClock(START_MS)
  const fs = new FaultyFileSystem(new MemoryFileSystem(clock))
  const fixture = compactionFixture(fs, clock, config, cleaner)
  return { ...fixture, fs, clock }
}

/** One record a batch: `key=value`, or `key` for a tombstone. */
function append(log: PartitionLog, entry: string, input: Partial<BatchInput> = {}): number {
  const [key = '', value] = entry.split('=')
  const record = { key: Buffer.from(key), value: value === undefined ? null : Buffer.from(value) }
  const bytes = encodeBatch({ baseTimestamp: START_MS, records: [record], ...input })
  const { lastOffset } = log.appendAsLeader(bytes, { leaderEpoch: 0, origin: 'client' })
  log.updateHighWatermark(log.logEndOffset)
  return lastOffset
}

function appendAll(log: PartitionLog, entries: string, input?: Partial<BatchInput>): void {
  for (const entry of entries.split(' ')) append(log, entry, input)
}

/** Closes the active segment by a record that does not fit into it. */
const FILLER = { records: [{ key: Buffer.from('filler'), value: Buffer.alloc(900, 'f') }] }
function roll(log: PartitionLog): void {
  append(log, 'filler', FILLER)
}

/** `offset:key=value` of all records but the filler. */
async function contents(log: PartitionLog): Promise<string> {
  const found: string[] = []
  for (const batch of await storedBatches(log)) {
    for (const { offset, key, value } of batch.records) {
      if (String(key) === 'filler') continue
      found.push(`${offset}:${key}${value === null ? '' : `=${value}`}`)
    }
  }
  return found.join(' ')
}

describe('what a cleaning keeps', () => {
  it('is the last record of each key, at the offset that it had', async () => {
    const { log, clean } = setUp()
    appendAll(log, 'a=1 b=1 a=2 c=1 b=2 a=3')
    roll(log)
    expect(await clean()).toBe(1)
    expect(await contents(log)).toBe('3:c=1 4:b=2 5:a=3')
    expect(log.logStartOffset).toBe(0)
  })

  it('are both of two keys where one is empty, and of keys longer than a block of the hash', async () => {
    const { log, clean } = setUp()
    const long = 'k'.repeat(16)
    appendAll(log, `=1 ${long}=1 ${long}k=1 =2`)
    roll(log)
    await clean()
    expect(await contents(log)).toBe(`1:${long}=1 2:${long}k=1 3:=2`)
  })

  it('does not touch the active segment, nor what is above the high watermark', async () => {
    const { log, clean } = setUp()
    appendAll(log, 'a=1 a=2')
    roll(log)
    append(log, 'a=3')
    log.updateHighWatermark(1)
    expect(await clean()).toBe(0)
    log.updateHighWatermark(log.logEndOffset)
    await clean()
    expect(await contents(log)).toBe('1:a=2 3:a=3')
  })

  it('is a tombstone until the delete horizon that its first cleaning sets', async () => {
    const { log, clean, clock } = setUp({ deleteRetentionMs: 1000 })
    appendAll(log, 'a=1 b=1 a')
    roll(log)
    await clean()
    expect(await contents(log)).toBe('1:b=1 2:a')
    expect((await storedBatches(log)).find(({ baseOffset }) => baseOffset === 2)?.deleteHorizonMs).toBe(
      START_MS + 1000,
    )
    clock.advance(999)
    append(log, 'c=1')
    roll(log)
    await clean()
    expect(await contents(log)).toBe('1:b=1 2:a 4:c=1')
    clock.advance(1)
    append(log, 'd=1')
    roll(log)
    await clean()
    expect(await contents(log)).toBe('1:b=1 4:c=1 6:d=1')
  })

  it('keeps the timestamps of records when a delete horizon becomes the base of their batch', async () => {
    const { log, clean } = setUp()
    append(log, '', {
      records: [
        { key: Buffer.from('a'), value: null, timestampDelta: 5 },
        { key: Buffer.from('b'), value: Buffer.from('1'), timestampDelta: -7 },
      ],
    })
    roll(log)
    await clean()
    const [batch] = await storedBatches(log)
    expect(batch?.records.map(({ timestamp }) => timestamp)).toEqual([START_MS + 5, START_MS - 7])
    expect(batch?.deleteHorizonMs).toBe(START_MS + log.config.deleteRetentionMs)
  })

  it.each(['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const)(
    'is written in its own codec (%s)',
    async (compression) => {
      const { log, clean } = setUp({ segmentBytes: 2000 })
      const records = ['a', 'b', 'c'].map((key) => ({ key: Buffer.from(key), value: Buffer.alloc(300, key) }))
      append(log, '', { compression, records })
      appendAll(log, 'b=2')
      append(log, 'filler', { records: [{ key: Buffer.from('filler'), value: Buffer.alloc(1900, 'f') }] })
      await clean()
      const [batch] = await storedBatches(log)
      expect(batch?.records.map(({ offset, key }) => [offset, String(key)])).toEqual([
        [0, 'a'],
        [2, 'c'],
      ])
      expect(batch?.codec).toBe(['none', 'gzip', 'snappy', 'lz4', 'zstd'].indexOf(compression))
    },
  )

  it('is no record without a key, which a log has from before it was compacted', async () => {
    const { log, clean } = setUp({ cleanupPolicy: ['delete'] })
    append(log, '', {
      records: [{ value: Buffer.from('x') }, { key: Buffer.from('a'), value: Buffer.from('1') }],
    })
    roll(log)
    log.updateConfig({ ...log.config, cleanupPolicy: ['compact'] })
    await clean()
    expect(await contents(log)).toBe('1:a=1')
  })

  it('is an empty batch where it has the last sequence of a producer', async () => {
    const { log, clean, directory, fs, clock } = setUp()
    for (const [sequence, value] of ['1', '2', '3'].entries())
      append(log, `a=${value}`, { producerId: 5, producerEpoch: 0, baseSequence: sequence })
    append(log, 'a=4')
    roll(log)
    await clean()
    const batches = await storedBatches(log)
    expect(batches[0]).toMatchObject({
      baseOffset: 2,
      lastOffset: 2,
      producerId: 5,
      baseSequence: 2,
      records: [],
    })
    await directory.close()
    // Nothing but the log is left to know the producer from.
    for (const name of fs.readDirectory('/data/t-0'))
      if (name.endsWith('.snapshot')) fs.removeFile(`/data/t-0/${name}`)
    fs.removeFile('/data/.kafka_cleanshutdown')
    const again = compactionFixture(fs, clock)
    expect(again.log.producers.entries.get(5)).toMatchObject({ producerEpoch: 0, lastSequence: 2 })
  })

  it('is the last batch of the round, empty if it has to be', async () => {
    const { log, clean } = setUp()
    append(log, 'a=1')
    append(log, 'filler', { records: [{ key: Buffer.from('b'), value: Buffer.alloc(850, 'f') }] })
    append(log, 'b')
    append(log, 'c=1')
    append(log, 'filler', { records: [{ key: Buffer.from('d'), value: Buffer.alloc(900, 'f') }] })
    await clean()
    appendAll(log, 'c=2 d=2')
    await clean()
    for (let next = log.logStartOffset; next < log.logEndOffset; ) {
      const read = await log.read(next, 10, log.logEndOffset, true)
      expect(read.nextOffset).toBeGreaterThan(next)
      next = read.nextOffset
    }
  })
})

describe('which log is cleaned', () => {
  it('is one that has more than min.cleanable.dirty.ratio to clean', async () => {
    const { log, clean, cleaner } = setUp({ minCleanableDirtyRatio: 0.5 })
    appendAll(log, 'a=1 b=1')
    roll(log)
    expect(await clean()).toBe(1)
    expect(log.segments.first.size).toBeGreaterThan(0)
    append(log, 'a=2')
    log.updateConfig({ ...log.config, segmentBytes: 1200 })
    roll(log)
    // The filler that is clean outweighs what is new, until that is a segment of its own.
    const before = await clean()
    roll(log)
    expect(before + (await clean())).toBeGreaterThan(0)
    expect(cleaner.status().maxDirtyRatio).toBeLessThanOrEqual(0.5)
  })

  it('is none whose records are younger than min.compaction.lag.ms', async () => {
    const { log, clean, clock } = setUp({ minCompactionLagMs: 1000 })
    appendAll(log, 'a=1 a=2')
    roll(log)
    clock.advance(999)
    expect(await clean()).toBe(0)
    clock.advance(1)
    expect(await clean()).toBe(1)
    expect(await contents(log)).toBe('1:a=2')
  })

  it('is one whose records are older than max.compaction.lag.ms, whatever its ratio', async () => {
    const { log, clean, clock } = setUp({ minCleanableDirtyRatio: 1, maxCompactionLagMs: 1000 })
    appendAll(log, 'a=1 a=2')
    roll(log)
    clock.advance(1000)
    expect(await clean()).toBe(0)
    clock.advance(1)
    expect(await clean()).toBe(1)
  })

  it('rolls its active segment after max.compaction.lag.ms', () => {
    const { log } = setUp({ maxCompactionLagMs: 1000 })
    append(log, 'a=1')
    append(log, 'a=2', { baseTimestamp: START_MS + 1000 })
    expect(log.segments.count).toBe(1)
    append(log, 'a=3', { baseTimestamp: START_MS + 1001 })
    expect(log.segments.count).toBe(2)
  })

  it('goes on where a full map ended the last cleaning, in the middle of a segment', async () => {
    const { log, clean } = setUp({ segmentBytes: 4000 }, { dedupeBufferBytes: 24 * 10, mapLoadFactor: 0.5 })
    appendAll(log, Array.from({ length: 20 }, (_, i) => `k${i % 12}=${i}`).join(' '))
    append(log, 'filler', { records: [{ key: Buffer.from('filler'), value: Buffer.alloc(3900, 'f') }] })
    expect(await clean()).toBeGreaterThan(2)
    expect(await contents(log)).toBe(
      Array.from({ length: 12 }, (_, i) => `${i + 8}:k${(i + 8) % 12}=${i + 8}`).join(' '),
    )
  })
})

describe('the files of a cleaned log', () => {
  it('are joined while they fit segment.bytes, and have no strangers beside them', async () => {
    const { log, clean, clock, fs } = setUp()
    for (let i = 0; i < 40; i++) append(log, `k${i % 3}=${i}`)
    roll(log)
    const before = log.segments.count
    await clean()
    // By their sizes before the cleaning nothing fitted; now it does.
    expect(log.segments.count).toBe(before)
    roll(log)
    await clean()
    clock.advance(1)
    await new Promise<void>((resolve) => void setImmediate(resolve))
    const names = fs.readDirectory('/data/t-0')
    expect(names.filter((name) => /\.(cleaned|swap|deleted)$/.test(name))).toEqual([])
    const logs = names.filter((name) => name.endsWith('.log'))
    expect(logs.length).toBe(log.segments.count)
    expect(log.segments.count).toBe(3)
  })

  it('say in cleaner-offset-checkpoint how far they are clean', async () => {
    const { log, clean, fs } = setUp()
    appendAll(log, 'a=1 a=2')
    roll(log)
    await clean()
    expect(String(readSmallFile(fs, '/data/cleaner-offset-checkpoint'))).toBe('0\n1\nt 0 2\n')
  })

  it('keep the time of the last change, by which records without a time expire', async () => {
    const { log, clean, clock, fs } = setUp()
    appendAll(log, 'a=1 a=2', { baseTimestamp: -1 })
    append(log, 'filler', { ...FILLER, baseTimestamp: -1 })
    clock.advance(100_000)
    await clean()
    expect(fs.stat('/data/t-0/00000000000000000000.log').modifiedMs).toBe(START_MS)
  })
})

describe('retention of a log that is compacted too', () => {
  it('removes what is too old, and the checkpoint follows', async () => {
    const { log, clean, clock, directory } = setUp({
      cleanupPolicy: ['compact', 'delete'],
      retentionMs: 1000,
    })
    appendAll(log, 'a=1 b=1')
    roll(log)
    await clean()
    clock.advance(1001)
    // Not the directory's to do.
    expect(await directory.deleteOldSegments()).toBe(0)
    append(log, 'c=1', { baseTimestamp: START_MS + 1001 })
    await clean()
    expect(await contents(log)).toBe('3:c=1')
    expect(log.logStartOffset).toBe(3)
    append(log, 'filler', { ...FILLER, baseTimestamp: START_MS + 1001 })
    await clean()
    expect(directory.cleanerCheckpoint.get('t-0')).toBe(4)
  })
})

describe('a cleaning that is overtaken', () => {
  /** Calls `action` between two steps of the cleaning. */
  const interrupted = async (setup: ReturnType<typeof setUp>, action: () => unknown): Promise<number> => {
    const { runner, cleaner } = setup
    let steps = 0
    const meddling = Object.create(runner) as typeof runner
    meddling.begin = (plan) => runner.begin(plan)
    meddling.abort = () => runner.abort()
    meddling.step = async () => {
      if (steps++ === 2) await action()
      return runner.step(1)
    }
    await cleaner.cleanOnce(meddling)
    return steps
  }
  const setUpDirty = () => {
    const setup = setUp()
    appendAll(setup.log, 'a=1 b=1 a=2')
    roll(setup.log)
    append(setup.log, 'a=3')
    return setup
  }
  const leftovers = ({ fs }: ReturnType<typeof setUp>) =>
    fs.readDirectory('/data').flatMap((name) => {
      if (!name.startsWith('t-0')) return []
      return fs.readDirectory(`/data/${name}`).filter((file) => /\.(cleaned|swap)$/.test(file))
    })

  it.each<[string, (setup: ReturnType<typeof setUp>) => void]>([
    ['a truncation', ({ log }) => log.truncateTo(2)],
    ['a truncation to nothing', ({ log }) => log.truncateFullyAndStartAt(9)],
    ['the deletion of its topic', ({ log, directory }) => directory.delete([log])],
    [
      'the end of its compaction',
      ({ log }) => log.updateConfig({ ...log.config, cleanupPolicy: ['delete'] }),
    ],
  ])('by %s leaves nothing behind and marks nothing as clean', async (_, action) => {
    const setup = setUpDirty()
    expect(await interrupted(setup, () => action(setup))).toBe(3)
    expect(leftovers(setup)).toEqual([])
    expect(setup.directory.cleanerCheckpoint.get('t-0')).toBeUndefined()
    expect(setup.cleaner.status()).toMatchObject({ uncleanablePartitions: 0, cleanings: { aborted: 1 } })
  })

  it('by a truncation is done again', async () => {
    const setup = setUpDirty()
    await interrupted(setup, () => setup.log.truncateTo(3))
    roll(setup.log)
    roll(setup.log)
    await setup.clean()
    expect(await contents(setup.log)).toBe('1:b=1 2:a=2')
  })

  it('by appends and readers goes on', async () => {
    const setup = setUpDirty()
    const { log } = setup
    await interrupted(setup, async () => {
      append(log, 'b=2')
      expect(await contents(log)).toBe('0:a=1 1:b=1 2:a=2 4:a=3 5:b=2')
    })
    expect(await contents(log)).toBe('1:b=1 2:a=2 4:a=3 5:b=2')
  })

  it('by the stop of the broker ends at its next step', async () => {
    const setup = setUpDirty()
    expect(await interrupted(setup, () => setup.cleaner.stop())).toBe(3)
    expect(leftovers(setup)).toEqual([])
    expect(await contents(setup.log)).toBe('0:a=1 1:b=1 2:a=2 4:a=3')
    await setup.directory.close()
  })
})

describe('the checkpoint', () => {
  it('goes back when the log is cut, so that what comes there is cleaned', async () => {
    const { log, clean, directory } = setUp()
    appendAll(log, 'a=1 b=1 a=2')
    roll(log)
    roll(log)
    await clean()
    expect(directory.cleanerCheckpoint.get('t-0')).toBe(4)
    log.truncateTo(2)
    expect(directory.cleanerCheckpoint.get('t-0')).toBe(2)
    appendAll(log, 'b=2 b=3')
    roll(log)
    await clean()
    expect(await contents(log)).toBe('3:b=3')
  })

  it('forgets a log that is deleted', async () => {
    const { log, clean, directory } = setUp()
    appendAll(log, 'a=1 a=2')
    roll(log)
    await clean()
    directory.delete([log])
    expect(directory.cleanerCheckpoint.get('t-0')).toBeUndefined()
  })
})

describe('a log that was compacted once', () => {
  it('keeps what follows its gaps after a kill, whatever is known of its flushes', async () => {
    const { log, clean, fs, clock } = setUp()
    appendAll(log, 'a=1 b=1')
    roll(log)
    append(log, 'b=2')
    roll(log)
    await clean()
    const before = await contents(log)
    expect(before).toBe('0:a=1 3:b=2')
    fs.removeFile('/data/recovery-point-offset-checkpoint')
    const killed = new MemoryFileSystem(clock)
    copyInto(killed, fs, '/data')
    const again = compactionFixture(killed, clock, { cleanupPolicy: ['delete'] })
    expect(await contents(again.log)).toBe(before)
    expect(again.log.logEndOffset).toBe(log.logEndOffset)
  })
})

function copyInto(target: FileSystem, source: FileSystem, path: string): void {
  target.makeDirectory(path)
  for (const name of source.readDirectory(path)) {
    const from = `${path}/${name}`
    if (source.stat(from).isDirectory) copyInto(target, source, from)
    else {
      const file = target.open(from, 'create')
      file.write([readSmallFile(source, from) ?? Buffer.alloc(0)], 0)
      file.close()
    }
  }
}

describe('a reader', () => {
  it('that was reading a segment when it was swapped misses nothing', async () => {
    const { log, clean, fs } = setUp({ fileDeleteDelayMs: 1000 })
    for (let i = 0; i < 30; i++) append(log, `k${i}=${'v'.repeat(50)}`)
    roll(log)
    const { promise, resolve } = Promise.withResolvers<void>()
    fs.inject({ operations: ['read'], path: /\.log$/, until: promise, times: 1 })
    const [, second] = log.segments.all
    const reading = log.read(second!.baseOffset - 1, 10, log.logEndOffset, true)
    const cleaning = clean()
    await cleaning
    resolve()
    const read = await reading
    expect(read.nextOffset).toBe(second!.baseOffset)
  })
})

describe('a log whose cleaning fails', () => {
  it('is left alone and counted, and serves on', async () => {
    const { log, clean, cleaner, fs } = setUp()
    appendAll(log, 'a=1 a=2')
    roll(log)
    const fault = fs.inject({ operations: ['write'], path: /\.cleaned$/, code: 'EIO' })
    expect(await clean()).toBe(0)
    fault.remove()
    expect(await clean()).toBe(0)
    expect(cleaner.status()).toMatchObject({ uncleanablePartitions: 1, uncleanableBytes: log.size })
    append(log, 'b=1')
    expect(await contents(log)).toBe('0:a=1 1:a=2 3:b=1')
    expect(fs.readDirectory('/data/t-0').filter((name) => name.endsWith('.cleaned'))).toEqual([])
  })

  it.each(['write', 'create'] as const)(
    'because a disk has no room for its %s is tried again, and takes no room meanwhile',
    async (operation) => {
      const { log, clean, cleaner, fs } = setUp()
      appendAll(log, 'a=1 a=2')
      roll(log)
      const full = fs.inject({
        operations: [operation],
        path: /\.cleaned$/,
        code: 'ENOSPC',
        partialBytes: 20,
      })
      expect(await clean()).toBe(0)
      expect(cleaner.status()).toMatchObject({ uncleanablePartitions: 0, cleanings: { failed: 1 } })
      expect(fs.readDirectory('/data/t-0').filter((name) => name.endsWith('.cleaned'))).toEqual([])
      full.remove()
      expect(await clean()).toBe(1)
      expect(await contents(log)).toBe('1:a=2')
    },
  )

  it('because its records cannot be secured is tried again, with the records there', async () => {
    const { log, clean, fs } = setUp()
    appendAll(log, 'a=1 a=2')
    roll(log)
    const full = fs.inject({ operations: ['write'], path: /leader-epoch/, code: 'ENOSPC' })
    expect(await clean()).toBe(0)
    expect(await contents(log)).toBe('0:a=1 1:a=2')
    full.remove()
    await log.flush()
    expect(await clean()).toBe(1)
    expect(await contents(log)).toBe('1:a=2')
  })

  it('is one with a wrong CRC, which a rewritten batch would hide', async () => {
    const { log, clean, cleaner, fs } = setUp()
    appendAll(log, 'a=1 a=2')
    roll(log)
    const file = fs.open('/data/t-0/00000000000000000000.log', 'write')
    file.write([Buffer.from('z')], 65)
    file.close()
    expect(await clean()).toBe(0)
    expect(cleaner.status().uncleanablePartitions).toBe(1)
  })
})
