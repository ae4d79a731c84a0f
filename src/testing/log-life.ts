import { expect } from 'vitest'
import type { FileSystem } from '../logstore/file-system.ts'
import { defaultLogConfig, type LogConfig } from '../logstore/log-config.ts'
import { LogDirectory } from '../logstore/log-directory.ts'
import type { PartitionLog } from '../logstore/partition-log.ts'
import { encodeEndTxnMarkerBatch } from '../wire/control-records.ts'
import { batchOf, contentsOf, logFixture, START_MS } from './log-fixture.ts'
import { ManualClock } from './manual-clock.ts'
import { SeededRandom } from './seeded-random.ts'

/** Small segments and indexes, so that a short life has several of each. */
export const lifeConfig: LogConfig = {
  ...defaultLogConfig,
  segmentBytes: 700,
  indexIntervalBytes: 150,
  fileDeleteDelayMs: 0,
}
const PRODUCERS = 3
const MARKER = 'a marker'
/** Logs of even seeds are one segment, of which recovery reads the end alone. */
const WHOLE_LOG_BYTES = 100_000

/** What a run knows at the moment that the machine goes down. */
export interface Known {
  /** Values by offset, all that was acknowledged. */
  readonly appended: Map<number, string>
  /** All below was flushed. */
  flushed: number
}

function openDirectory(fs: FileSystem, clock: ManualClock): LogDirectory {
  const logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => logger }
  return LogDirectory.open({ fs, path: '/data', clock, random: new SeededRandom(5), logger })
}

const identity = { topic: 't', topicId: 'AAAAAAAAAAAAAAAAAAAAAQ', partition: 0 }

function openLog(directory: LogDirectory, segmentBytes = lifeConfig.segmentBytes): PartitionLog {
  return directory.openOrCreate(identity, { ...lifeConfig, segmentBytes })
}

/** Begins a transaction, or ends the one that is open. */
export function goOnWithTransaction(
  log: PartitionLog,
  known: Known,
  leaderEpoch: number,
  type: 'ABORT' | 'COMMIT',
): void {
  const producer = { producerId: 20, producerEpoch: 0 }
  const entry = log.producers.entries.get(producer.producerId)
  if (entry?.currentTxnFirstOffset === undefined) {
    const baseSequence = (entry?.lastSequence ?? -1) + 1
    const batch = batchOf(['in a transaction'], { ...producer, baseSequence, isTransactional: true })
    const { firstOffset } = log.appendAsLeader(batch, { leaderEpoch, origin: 'client' })
    known.appended.set(firstOffset, 'in a transaction')
    return
  }
  const marker = encodeEndTxnMarkerBatch({
    marker: { type, coordinatorEpoch: 0 },
    ...producer,
    timestamp: START_MS,
  })
  const { firstOffset } = log.appendAsLeader(marker, { leaderEpoch, origin: 'coordinator' })
  known.appended.set(firstOffset, MARKER)
}

/** Appends, flushes, cuts, deletes and checkpoints until the disk says no. */
export async function liveLog(fs: FileSystem, known: Known, seed: number): Promise<void> {
  const random = new SeededRandom(seed)
  const clock = new ManualClock(START_MS)
  const directory = openDirectory(fs, clock)
  const log = openLog(directory, seed % 2 === 0 ? WHOLE_LOG_BYTES : lifeConfig.segmentBytes)
  const sequences = new Map<number, number>()
  for (let step = 0; step < 60; step++) {
    const leaderEpoch = Math.floor(step / 15)
    if (random.chance(0.3))
      goOnWithTransaction(log, known, leaderEpoch, random.chance(0.6) ? 'ABORT' : 'COMMIT')
    const producerId = 10 + random.integer(0, PRODUCERS - 1)
    const value = `${step}:${'x'.repeat(random.integer(0, 60))}`
    const baseSequence = sequences.get(producerId) ?? 0
    const batch = batchOf([value], { producerId, producerEpoch: 0, baseSequence })
    const { firstOffset } = log.appendAsLeader(batch, { leaderEpoch, origin: 'client' })
    known.appended.set(firstOffset, value)
    sequences.set(producerId, baseSequence + 1)
    log.updateHighWatermark(log.logEndOffset)
    if (random.chance(0.15)) {
      const target = log.logEndOffset
      await log.flush()
      known.flushed = Math.max(known.flushed, target)
    }
    if (random.chance(0.1)) directory.checkpointRecoveryPoints()
    if (random.chance(0.05)) directory.checkpointHighWatermarks()
    if (step === 40) {
      const cut = log.logEndOffset - 4
      for (let offset = cut; offset < log.logEndOffset; offset++) known.appended.delete(offset)
      known.flushed = Math.min(known.flushed, cut)
      log.truncateTo(cut)
      sequences.clear()
      for (const [id, entry] of log.producers.entries) sequences.set(id, entry.lastSequence + 1)
    }
  }
  await directory.close()
}

/** What a start finds: whole batches without a gap, all that survives, and what a reading of all batches gives of producers. */
export async function checkRestart(
  fs: FileSystem,
  known: Known,
  survives: 'flushed' | 'everything',
): Promise<void> {
  const directory = openDirectory(fs, new ManualClock(START_MS))
  const log = openLog(directory)
  const contents = await contentsOf(log)
  // No gap, nothing torn, nothing that was never appended at that offset.
  expect(contents.map(([offset]) => offset)).toEqual(contents.map((_, index) => index))
  expect(contents.length).toBe(log.logEndOffset)
  const least =
    survives === 'everything' ? Math.max(0, ...[...known.appended.keys()].map((o) => o + 1)) : known.flushed
  expect(log.logEndOffset).toBeGreaterThanOrEqual(least)
  for (const [offset, value] of contents) {
    const expected = known.appended.get(offset)
    if (offset < least && expected !== MARKER) expect(value, `at ${offset}`).toBe(expected)
  }
  // A replay into an empty log gives the same producers.
  const replayed = logFixture()
  const other = replayed.open({}, lifeConfig)
  for (let offset = 0; offset < log.logEndOffset; ) {
    const read = await log.read(offset, 10_000, log.logEndOffset, true)
    for (const buffer of read.buffers) other.appendAsFollower(Buffer.from(buffer))
    offset = read.nextOffset
  }
  const state = (of: PartitionLog) =>
    [...of.producers.entries]
      .map(([id, entry]) => [id, entry.producerEpoch, entry.lastSequence, entry.lastDataOffset])
      .sort()
  expect(state(log)).toEqual(state(other))
  expect(log.leaderEpochs.entries).toEqual(other.leaderEpochs.entries)
  const aborted = (of: PartitionLog) => of.abortedTransactions(0, log.logEndOffset)
  expect(aborted(log)).toEqual(aborted(other))
  for (const each of [log, other]) each.updateHighWatermark(log.logEndOffset)
  expect(log.lastStableOffset).toBe(other.lastStableOffset)
  // And it goes on.
  const { firstOffset } = log.appendAsLeader(batchOf(['after']), { leaderEpoch: 9, origin: 'client' })
  expect((await contentsOf(log)).at(-1)).toEqual([firstOffset, 'after'])
  await directory.close()
  expect(openDirectory(fs, new ManualClock(START_MS)).hadCleanShutdown).toBe(true)
}
