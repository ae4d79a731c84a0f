import { describe, expect, it } from 'vitest'
import { silentLogger } from '../base/logger.ts'
import { batchOf, contentsOf, START_MS } from '../testing/log-fixture.ts'
import { ManualClock } from '../testing/manual-clock.ts'
import { SeededRandom } from '../testing/seeded-random.ts'
import { readOffsetCheckpoint } from './checkpoints.ts'
import { FaultyFileSystem } from './faulty-fs.ts'
import type { FileSystem } from './file-system.ts'
import { defaultLogConfig } from './log-config.ts'
import { LogDirectory } from './log-directory.ts'
import { LogDirectoryError } from './log-errors.ts'
import type { MaintenanceIntervals } from './log-maintenance.ts'
import { MemoryFileSystem } from './memory-fs.ts'

const TOPIC_ID = 'AAAAAAAAAAAAAAAAAAAAAQ'
const OTHER_ID = 'AAAAAAAAAAAAAAAAAAAAAg'
const identity = { topic: 't.with-dash', topicId: TOPIC_ID, partition: 3 }
const client = { leaderEpoch: 0, origin: 'client' } as const

function open(fs: FileSystem, clock = new ManualClock(START_MS)) {
  return LogDirectory.open({
    fs,
    path: 'data/logs',
    clock,
    random: new SeededRandom(1),
    logger: silentLogger,
  })
}

/** Whatever memory can do without waiting has been done then. */
const nextTurn = () => new Promise<void>((resolve) => void setImmediate(resolve))

const NEVER_MS = 2 ** 40
const neverMaintained: MaintenanceIntervals = {
  retentionCheckMs: NEVER_MS,
  flushCheckMs: NEVER_MS,
  recoveryPointCheckpointMs: NEVER_MS,
  logStartOffsetCheckpointMs: NEVER_MS,
  highWatermarkCheckpointMs: NEVER_MS,
  producerExpirationCheckMs: NEVER_MS,
}

describe('a log directory', () => {
  it('belongs to one process at a time, and to nobody after a kill', async () => {
    const fs = new MemoryFileSystem()
    const first = open(fs)
    expect(() => open(fs)).toThrow(/data\/logs: in use by another process/)
    await first.close()
    open(fs)
    fs.kill()
    await open(fs).close()
  })

  it('takes nothing more at once when its disk has failed, for any of its logs', () => {
    const fs = new FaultyFileSystem(new MemoryFileSystem())
    const directory = open(fs)
    const [log, other] = [0, 1].map((partition) =>
      directory.openOrCreate({ ...identity, partition }, defaultLogConfig),
    )
    other!.appendAsLeader(batchOf(['before']), client)
    fs.inject({ operations: ['write'], code: 'EIO', times: 1 })
    expect(() => log!.appendAsLeader(batchOf(['lost']), client)).toThrow('could not append the log of')
    // What a client had sent behind it comes in the same turn of the event loop.
    expect(() => log!.appendAsLeader(batchOf(['behind it']), client)).toThrow('could not use the log of')
    expect(() => other!.appendAsLeader(batchOf(['elsewhere']), client)).toThrow('could not use the log of')
    expect(() => other!.read(0, 100, 1, true)).toThrow('could not use the log of')
  })

  it('belongs to one cluster and node, and says so in one line', async () => {
    const fs = new MemoryFileSystem()
    const first = open(fs)
    expect(first.metaProperties).toBeUndefined()
    const meta = first.claim('4L6g3nShT-eMCtK--X86sw', 1)
    await first.close()
    const again = open(fs)
    expect(again.metaProperties).toEqual(meta)
    expect(again.claim('4L6g3nShT-eMCtK--X86sw', 1)).toEqual(meta)
    expect(() => again.claim('AAAAAAAAAAAAAAAAAAAAAg', 1)).toThrow(LogDirectoryError)
    expect(() => again.claim('4L6g3nShT-eMCtK--X86sw', 2)).toThrow('data/logs: belongs to node 1, not to 2')
  })

  it('refuses a meta.properties of a newer format, and lets go of the lock', () => {
    const fs = new MemoryFileSystem()
    fs.makeDirectory('data/logs')
    fs.open('data/logs/meta.properties', 'create').write([Buffer.from('version=2\n')], 0)
    expect(() => open(fs)).toThrow('format version 2, this release knows 1')
    fs.open('data/logs/meta.properties', 'create').write([Buffer.from('version=1\n')], 0)
    open(fs)
  })

  it.each(['EROFS', 'EACCES'] as const)('that cannot be written to (%s) says so in one line', (code) => {
    const fs = new FaultyFileSystem(new MemoryFileSystem())
    fs.inject({ operations: ['lock', 'makeDirectory'], code })
    expect(() => open(fs)).toThrow(/data\/logs: is not writable/)
  })

  it('tells a clean stop from a kill, and keeps offsets over both', async () => {
    const fs = new MemoryFileSystem()
    const first = open(fs)
    expect(first.hadCleanShutdown).toBe(false)
    const log = first.openOrCreate(identity, defaultLogConfig)
    expect(first.openOrCreate(identity, defaultLogConfig)).toBe(log)
    for (const value of ['a', 'b', 'c']) log.appendAsLeader(batchOf([value]), client)
    log.updateHighWatermark(2)
    log.incrementLogStartOffset(1)
    await first.close()
    const second = open(fs)
    expect(second.hadCleanShutdown).toBe(true)
    expect(second.found()).toEqual([{ ...identity, kind: 'current', name: 't.with-dash-3' }])
    const reopened = second.openOrCreate(identity, defaultLogConfig)
    expect([reopened.logStartOffset, reopened.highWatermark, reopened.recoveryPoint]).toEqual([1, 2, 3])
    reopened.appendAsLeader(batchOf(['d']), client)
    fs.kill()
    const third = open(fs)
    expect(third.hadCleanShutdown).toBe(false)
    expect(await contentsOf(third.openOrCreate(identity, defaultLogConfig))).toEqual([
      [1, 'b'],
      [2, 'c'],
      [3, 'd'],
    ])
  })

  it('does not call a stop clean while a log waits for its recovery', async () => {
    const fs = new MemoryFileSystem()
    open(fs)
      .openOrCreate(identity, defaultLogConfig)
      .appendAsLeader(batchOf(['a']), client)
    fs.kill()
    await open(fs).close()
    expect(open(fs).hadCleanShutdown).toBe(false)
  })

  it('calls a stop clean when the logs that nobody opened are to be left alone', async () => {
    const fs = new MemoryFileSystem()
    open(fs).openOrCreate(identity, defaultLogConfig)
    fs.kill()
    const directory = open(fs)
    directory.leaveAlone('t.with-dash-3')
    await directory.close()
    const next = open(fs)
    expect(next.hadCleanShutdown).toBe(true)
    expect(next.found()).toHaveLength(1)
  })

  it('gives no partition a log that is to be left alone, also where that has lost its topic id', async () => {
    const fs = new MemoryFileSystem()
    open(fs)
      .openOrCreate(identity, defaultLogConfig)
      .appendAsLeader(batchOf(['of a topic that is gone']), client)
    fs.kill()
    fs.removeFile('data/logs/t.with-dash-3/partition.metadata')
    const directory = open(fs)
    directory.leaveAlone('t.with-dash-3')
    const log = directory.openOrCreate({ ...identity, topicId: OTHER_ID }, defaultLogConfig)
    expect(log.logEndOffset).toBe(0)
    expect(fs.readDirectory('data/logs').filter((name) => name.endsWith('-stray'))).toHaveLength(1)
    await directory.close()
  })

  it.each([
    [
      'set aside',
      (directory: LogDirectory) => directory.delete([directory.openOrCreate(identity, defaultLogConfig)]),
    ],
    [
      'removed by hand',
      (_: LogDirectory, fs: MemoryFileSystem) => fs.removeDirectory('data/logs/t.with-dash-3'),
    ],
  ])('takes a log that was to be left alone and is %s for gone', async (_, lose) => {
    const fs = new MemoryFileSystem()
    open(fs).openOrCreate({ ...identity, topicId: OTHER_ID }, defaultLogConfig)
    fs.kill()
    const directory = open(fs)
    directory.leaveAlone('t.with-dash-3')
    lose(directory, fs)
    directory.setAsideStray('t.with-dash', 3)
    directory.leaveAlone('t.with-dash-3')
    expect(directory.openOrCreate(identity, defaultLogConfig).logEndOffset).toBe(0)
    await directory.close()
  })

  it('puts copies into places where there is a log that was to be left alone', async () => {
    const fs = new MemoryFileSystem()
    const [moved, found] = [identity, { ...identity, partition: 4 }]
    const first = open(fs)
    for (const each of [moved, found])
      first
        .openOrCreate({ ...each, topicId: OTHER_ID }, defaultLogConfig)
        .appendAsLeader(batchOf(['of another topic']), client)
    first.openOrCreateFuture(found, defaultLogConfig).appendAsLeader(batchOf(['a', 'b']), client)
    fs.kill()
    const directory = open(fs)
    for (const { name, kind } of directory.found()) if (kind !== 'future') directory.leaveAlone(name)
    const copy = directory.found().find(({ kind }) => kind === 'future')!
    directory.adoptFuture(copy.name, found.topic, found.partition)
    expect(directory.openOrCreate(found, defaultLogConfig).logEndOffset).toBe(2)
    const future = directory.openOrCreateFuture(moved, defaultLogConfig)
    future.appendAsLeader(batchOf(['c']), client)
    expect(directory.promoteFuture(future, moved, defaultLogConfig).logEndOffset).toBe(1)
    expect(fs.readDirectory('data/logs').filter((name) => name.endsWith('-stray'))).toHaveLength(2)
    await directory.close()
  })

  it('syncs nothing of a log that nothing has changed in since the last clean stop', async () => {
    const fs = new FaultyFileSystem(new MemoryFileSystem())
    const openLogs = () => {
      const directory = open(fs)
      for (const [partition, records] of [
        [1, ['x']],
        [2, []],
      ] as const) {
        const log = directory.openOrCreate({ ...identity, partition }, defaultLogConfig)
        log.assignEpochStartOffset(0)
        if (records.length > log.logEndOffset) log.appendAsLeader(batchOf([...records]), client)
      }
      return directory
    }
    await openLogs().close()
    const syncs = fs.inject({ operations: ['sync', 'syncDirectory'], path: /t\.with-dash-/ })
    await openLogs().close()
    expect(syncs.calls).toBe(0)
  })

  it('writes a checkpoint only when it has something new to say, and again after a failure', async () => {
    const fs = new FaultyFileSystem(new MemoryFileSystem())
    const directory = open(fs)
    const log = directory.openOrCreate(identity, defaultLogConfig)
    const writes = fs.inject({ operations: ['rename'], path: /replication-offset-checkpoint/ })
    directory.checkpointHighWatermarks()
    directory.checkpointHighWatermarks()
    expect(writes.calls).toBe(1)
    log.appendAsLeader(batchOf(['a']), client)
    log.updateHighWatermark(1)
    const full = fs.inject({ operations: ['sync'], path: /replication-offset-checkpoint/, code: 'ENOSPC' })
    expect(() => directory.checkpointHighWatermarks()).toThrow('ENOSPC')
    full.remove()
    directory.checkpointHighWatermarks()
    expect(readOffsetCheckpoint(fs, 'data/logs', 'replication-offset-checkpoint').get('t.with-dash-3')).toBe(
      1,
    )
    await directory.close()
  })

  it('gives up a checkpoint that is being written for one that has to be there at once', async () => {
    const fs = new FaultyFileSystem(new MemoryFileSystem())
    const clock = new ManualClock(START_MS)
    const directory = open(fs, clock)
    const log = directory.openOrCreate(identity, defaultLogConfig)
    for (const value of ['a', 'b', 'c']) log.appendAsLeader(batchOf([value]), client)
    await log.flush()
    const { promise: late, resolve: goOn } = Promise.withResolvers<void>()
    const slow = fs.inject({ operations: ['sync'], path: /recovery-point/, times: 1, until: late })
    directory.startMaintenance({ ...neverMaintained, recoveryPointCheckpointMs: 1000 })
    clock.advance(1000)
    expect(slow.calls).toBe(1)
    log.truncateTo(1)
    const stored = () => readOffsetCheckpoint(fs, 'data/logs', 'recovery-point-offset-checkpoint')
    expect(stored().get('t.with-dash-3')).toBe(1)
    goOn()
    await directory.secure(log, 1)
    expect(stored().get('t.with-dash-3')).toBe(1)
    await directory.close()
  })

  it('does not believe the recovery point of a log that was deleted of another one of its name', async () => {
    const fs = new MemoryFileSystem()
    const directory = open(fs)
    const log = directory.openOrCreate(identity, defaultLogConfig)
    log.appendAsLeader(batchOf(['a']), client)
    await log.flush()
    directory.checkpointRecoveryPoints()
    directory.delete([log])
    directory.openOrCreate({ ...identity, topicId: OTHER_ID }, defaultLogConfig)
    const stored = readOffsetCheckpoint(fs, 'data/logs', 'recovery-point-offset-checkpoint')
    expect(stored.get('t.with-dash-3') ?? 0).toBe(0)
  })

  it('lets go of the files of a log whose topic id cannot be written', () => {
    const fs = new FaultyFileSystem(new MemoryFileSystem())
    const directory = open(fs)
    const full = fs.inject({ path: /partition\.metadata/, code: 'ENOSPC' })
    expect(() => directory.openOrCreate(identity, defaultLogConfig)).toThrow('ENOSPC')
    expect(directory.openFileCount).toBe(0)
    full.remove()
    expect(directory.openOrCreate(identity, defaultLogConfig).logEndOffset).toBe(0)
  })

  it('frees the name of a deleted partition at once, and its space after the delay', async () => {
    const fs = new MemoryFileSystem()
    const clock = new ManualClock(START_MS)
    const directory = open(fs, clock)
    const log = directory.openOrCreate(identity, defaultLogConfig)
    log.appendAsLeader(batchOf(['old']), client)
    const reading = log.read(0, 1000, 1, true)
    directory.delete([log])
    const renamed = fs
      .readDirectory('data/logs')
      .filter((name) => /^t\.with-dash-3\.[0-9a-f]{32}-delete$/.test(name))
    expect(renamed).toHaveLength(1)
    await expect(reading).rejects.toThrow()
    const fresh = directory.openOrCreate({ ...identity, topicId: OTHER_ID }, defaultLogConfig)
    expect(fresh.logEndOffset).toBe(0)
    clock.advance(59_999)
    expect(fs.readDirectory('data/logs')).toContain(renamed[0])
    clock.advance(1)
    await nextTurn()
    expect(fs.readDirectory('data/logs')).not.toContain(renamed[0])
    await directory.close()
  })

  it('removes at the next start what was to be removed, and sets aside a log of another topic id', async () => {
    const fs = new MemoryFileSystem()
    const first = open(fs)
    first.delete([first.openOrCreate({ ...identity, partition: 4 }, defaultLogConfig)])
    first.openOrCreate(identity, defaultLogConfig).appendAsLeader(batchOf(['old']), client)
    await first.close()
    const clock = new ManualClock(START_MS)
    const second = open(fs, clock)
    clock.advance(1)
    await nextTurn()
    expect(fs.readDirectory('data/logs').some((name) => name.endsWith('-delete'))).toBe(false)
    const log = second.openOrCreate({ ...identity, topicId: OTHER_ID }, defaultLogConfig)
    expect(log.logEndOffset).toBe(0)
    expect(fs.readDirectory('data/logs').filter((name) => name.endsWith('-stray'))).toHaveLength(1)
    await second.close()
  })

  it('does its periodic work by the clock, and stops with close', async () => {
    const fs = new MemoryFileSystem()
    const clock = new ManualClock(START_MS)
    const directory = open(fs, clock)
    const config = {
      ...defaultLogConfig,
      segmentBytes: 150,
      retentionMs: 1000,
      flushMs: 500,
      fileDeleteDelayMs: 0,
    }
    const log = directory.openOrCreate(identity, config)
    for (let i = 0; i < 3; i++) log.appendAsLeader(batchOf(['x'.repeat(60)]), client)
    log.updateHighWatermark(2)
    directory.startMaintenance({
      retentionCheckMs: 300,
      flushCheckMs: 100,
      recoveryPointCheckpointMs: 100,
      logStartOffsetCheckpointMs: 100,
      highWatermarkCheckpointMs: 100,
      producerExpirationCheckMs: 100,
    })
    for (let i = 0; i < 15; i++) {
      clock.advance(100)
      // Each round ends in a microtask or few before it sets its next timer.
      for (let turn = 0; turn < 20; turn++) await Promise.resolve()
    }
    expect([log.logStartOffset, log.recoveryPoint]).toEqual([2, 3])
    const stored = (name: string) => readOffsetCheckpoint(fs, 'data/logs', name).get('t.with-dash-3')
    expect(stored('recovery-point-offset-checkpoint')).toBe(3)
    expect(stored('log-start-offset-checkpoint')).toBe(2)
    expect(stored('replication-offset-checkpoint')).toBe(2)
    await directory.close()
    expect(clock.nextTimerInMs).toBeUndefined()
  })

  it('opens a thousand partitions after a clean stop in little time', async () => {
    const fs = new MemoryFileSystem()
    const first = open(fs)
    for (let partition = 0; partition < 1000; partition++)
      first.openOrCreate({ ...identity, partition }, defaultLogConfig).appendAsLeader(batchOf(['x']), client)
    await first.close()
    const begun = process.threadCpuUsage()
    const second = open(fs)
    for (let partition = 0; partition < 1000; partition++)
      expect(second.openOrCreate({ ...identity, partition }, defaultLogConfig).logEndOffset).toBe(1)
    // Measured at 0.1 to 0.2 s; the bound only catches work that grows with the square.
    const { user, system } = process.threadCpuUsage(begun)
    expect(user + system).toBeLessThan(5_000_000)
    await second.close()
  })
})
