import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import type { Steps } from '../base/steps.ts'
import { BatchScanner } from './batch-scanner.ts'
import { CorruptCheckpointError } from './checkpoints.ts'
import {
  CLEANED_SUFFIX,
  DELETED_SUFFIX,
  LOG_SUFFIX,
  OFFSET_INDEX_SUFFIX,
  offsetFileName,
  PRODUCER_SNAPSHOT_SUFFIX,
  parseOffsetFileName,
  SWAP_SUFFIX,
  TIME_INDEX_SUFFIX,
} from './file-names.ts'
import type { LeaderEpochs } from './leader-epochs.ts'
import type { LogConfig } from './log-config.ts'
import { CorruptLogError } from './log-errors.ts'
import { LogSegments } from './log-segments.ts'
import type { OffsetPosition } from './offset-index.ts'
import { replayBatch, replayProducers } from './producer-replay.ts'
import { ProducerStates, type ProducerStatesOptions, snapshotOffsetsOf } from './producer-state.ts'
import { LogSegment, MAX_RELATIVE_OFFSET, type SegmentContext } from './segment.ts'

export interface RecoveryOptions {
  readonly context: SegmentContext
  readonly producers: ProducerStatesOptions
  readonly epochs: LeaderEpochs
  readonly config: LogConfig
  readonly clock: Clock
  readonly logger: Logger
  readonly topicPartition: string
  /** The last stop wrote everything: nothing is read but the end of the log. */
  readonly hadCleanShutdown: boolean
  /** From the checkpoint: all below was synced. */
  readonly recoveryPoint: number
  /** From the checkpoint. */
  readonly logStartOffset: number
  /** From the cleaner's checkpoint: below it records may be gone that the log went on after. */
  readonly cleanOffset: number
}

export interface RecoveredLog {
  readonly segments: LogSegments
  readonly producers: ProducerStates
  readonly logStartOffset: number
  readonly logEndOffset: number
  readonly recoveryPoint: number
  /** All that there is was on the device when the recovery point was written down, or at a clean stop. */
  readonly isFlushed: boolean
}

const RECOVERY_CHUNK_BYTES = 1024 * 1024

/**
 * Opens what is on disk as a log, after any stop (Kafka's `LogLoader`). After an unclean one, what lies above the
 * recovery point is read, its indexes built anew, and the log ends before the first batch that is not whole, has a wrong
 * CRC or an offset that does not ascend. Kafka reads the whole segment that the recovery point is in; here the indexes
 * up to that point, which are as durable as the records, tell where to begin. Unfinished deletions and compactions are
 * finished. Steps that are given up leave what another recovery finds its way with.
 */
export function* recoverLog(options: RecoveryOptions): Steps<RecoveredLog> {
  const { fs, directory } = options.context
  const nowMs = options.clock.now()
  finishSwaps(options)
  const names = fs.readDirectory(directory)
  const segments = loadSegments(options, names, nowMs)
  let isDone = false
  try {
    const recovered = yield* recoverSegmentsOf(options, segments, names, nowMs)
    isDone = true
    return recovered
  } finally {
    if (!isDone) for (const segment of segments.all) segment.close()
  }
}

/** A clean stop wrote down where the log ends: one that ends elsewhere is read as after a kill, its last segment whole. */
function distrust(given: RecoveryOptions, segments: LogSegments): RecoveryOptions {
  const { hadCleanShutdown, recoveryPoint, logger, topicPartition } = given
  if (!hadCleanShutdown || segments.count === 0 || recoveryPoint === 0) return given
  const { active } = segments
  const end = endOf(active)
  if (end === recoveryPoint) return given
  logger.error('a log is not as the clean stop left it', {
    partition: topicPartition,
    segment: offsetFileName(active.baseOffset, LOG_SUFFIX),
    logEndOffset: end ?? 'damaged',
    expected: recoveryPoint,
  })
  return {
    ...given,
    hadCleanShutdown: false,
    recoveryPoint: Math.min(recoveryPoint, active.baseOffset),
  }
}

function endOf(segment: LogSegment): number | undefined {
  try {
    return segment.nextOffset()
  } catch (error) {
    if (error instanceof CorruptLogError) return undefined
    throw error
  }
}

function* recoverSegmentsOf(
  given: RecoveryOptions,
  segments: LogSegments,
  names: readonly string[],
  nowMs: number,
): Steps<RecoveredLog> {
  const options = distrust(given, segments)
  const { context, epochs, logger, topicPartition } = options
  const producers = new ProducerStates(options.producers, snapshotOffsetsOf(names))
  producers.removeStraySnapshots(new Set(segments.all.map((segment) => segment.baseOffset)))

  let epochsLost = false
  try {
    epochs.load()
  } catch (error) {
    if (!(error instanceof CorruptCheckpointError)) throw error
    logger.warn('building the leader epochs anew from the log', { partition: topicPartition, err: error })
    epochsLost = true
  }
  const recoverFrom = epochsLost ? 0 : options.hadCleanShutdown ? undefined : options.recoveryPoint
  const firstBase = segments.count === 0 ? 0 : segments.first.baseOffset
  let logStartOffset = Math.max(options.logStartOffset, firstBase)
  const toRecover = recoverFrom === undefined ? [] : segments.from(recoverFrom)
  const firstRecovered = toRecover[0]
  let isFlushed = options.hadCleanShutdown
  if (firstRecovered !== undefined) {
    const end =
      epochsLost ||
      toRecover.length > 1 ||
      options.cleanOffset > 0 ||
      options.config.cleanupPolicy.includes('compact')
        ? undefined
        : yield* recoverEnd(options, segments, firstRecovered, producers, logStartOffset, nowMs)
    if (end === undefined) {
      producers.reload(logStartOffset, firstRecovered.baseOffset, nowMs)
      yield* replayProducers(producers, segments, logStartOffset, firstRecovered.baseOffset)
      yield* recoverSegments(options, segments, toRecover, producers)
    }
    isFlushed = end === 'flushed'
    // A kill has left it in the page cache, maybe there alone.
    if (!isFlushed) for (const segment of segments.from(recoverFrom ?? 0)) segment.markUnsynced()
  }

  let logEndOffset = segments.count === 0 ? 0 : segments.active.nextOffset()
  if (segments.count > 0 && logEndOffset < logStartOffset) {
    logger.warn('dropping a log that ends before its start', {
      partition: topicPartition,
      logEndOffset,
      logStartOffset,
    })
    dropSegments(segments, segments.all.slice())
  }
  if (segments.count === 0) {
    isFlushed = false
    segments.add(LogSegment.create(context, logStartOffset, nowMs))
    logEndOffset = logStartOffset
    producers.removeAllSnapshots()
    producers.clear(logStartOffset)
  }
  logStartOffset = Math.max(logStartOffset, segments.first.baseOffset)
  epochs.truncateFromEnd(logEndOffset)
  epochs.truncateFromStart(logStartOffset)
  if (firstRecovered === undefined) producers.reload(logStartOffset, logEndOffset, nowMs)
  yield* replayProducers(producers, segments, logStartOffset, logEndOffset)
  producers.expire(nowMs)
  producers.takeSnapshot()
  const recoveryPoint = options.hadCleanShutdown
    ? logEndOffset
    : Math.min(options.recoveryPoint, logEndOffset)
  return { segments, producers, logStartOffset, logEndOffset, recoveryPoint, isFlushed }
}

/**
 * Reads what lies above the recovery point of the last segment, whose indexes are kept below it. Undefined where they do
 * not lead to the batches that they name, or the log does not reach the recovery point: then nothing below it is sure.
 */
function* recoverEnd(
  { epochs, config, logger, topicPartition, recoveryPoint }: RecoveryOptions,
  segments: LogSegments,
  segment: LogSegment,
  producers: ProducerStates,
  logStartOffset: number,
  nowMs: number,
): Steps<'flushed' | 'recovered' | undefined> {
  if (recoveryPoint <= segment.baseOffset) return undefined
  const start = segment.keepIndexesBelow(recoveryPoint)
  if (start === undefined) return undefined
  producers.reload(logStartOffset, recoveryPoint, nowMs)
  const replayedFrom = Math.max(producers.mapEndOffset, start.offset)
  yield* replayProducers(producers, segments, logStartOffset, replayedFrom)
  segment.transactionIndex.rewindTo(replayedFrom)
  // Logs that are compacted, or were, are not read this way.
  const end = yield* readSegment(segment, start, config, epochs, producers, recoveryPoint)
  if (end.nextOffset < recoveryPoint) return undefined
  if (end.fault !== undefined) logCut(logger, topicPartition, segment, cutAtFault(segment, end), 0)
  segment.seal()
  return end.nextOffset === recoveryPoint && end.fault === undefined ? 'flushed' : 'recovered'
}

/** Reads the segments in order, and ends the log at the first fault. */
function* recoverSegments(
  { epochs, config, logger, topicPartition, cleanOffset, recoveryPoint }: RecoveryOptions,
  segments: LogSegments,
  toRecover: readonly LogSegment[],
  producers: ProducerStates,
): Steps<void> {
  let endOffset = toRecover[0]?.baseOffset ?? 0
  for (const [index, segment] of toRecover.entries()) {
    // What a crash took off the end of a segment before this one may end at a whole batch. Only compaction leaves gaps,
    // here below the checkpoints; in a copy of a compacted log they may lie anywhere.
    const mayHaveGaps = config.cleanupPolicy.includes('compact')
    const mayGapBelow = mayHaveGaps ? Number.POSITIVE_INFINITY : Math.max(cleanOffset, recoveryPoint)
    if (segment.baseOffset > Math.max(endOffset, mayGapBelow)) {
      logger.warn('cut the log before a segment that does not follow on the one before', {
        partition: topicPartition,
        logEndOffset: endOffset,
        segment: offsetFileName(segment.baseOffset, LOG_SUFFIX),
        segmentsRemoved: toRecover.length - index,
      })
      dropSegments(segments, toRecover.slice(index))
      return
    }
    producers.mapEndOffset = Math.max(producers.mapEndOffset, segment.baseOffset)
    producers.takeSnapshot()
    segment.resetIndexes()
    const start = { offset: segment.baseOffset, position: 0 }
    const end = yield* readSegment(segment, start, config, epochs, producers, mayGapBelow)
    if (end.fault === undefined) {
      segment.seal()
      endOffset = producers.mapEndOffset
      continue
    }
    const later = toRecover.slice(index + 1)
    logCut(logger, topicPartition, segment, cutAtFault(segment, end), later.length)
    segment.seal()
    dropSegments(segments, later)
    return
  }
}

interface SegmentEnd {
  readonly nextOffset: number
  readonly fault: string | undefined
  readonly validBytes: number
}

/** Takes the batches from `start` on into the indexes and what else is known of them, up to the first that is wrong. */
function* readSegment(
  segment: LogSegment,
  start: OffsetPosition,
  config: LogConfig,
  epochs: LeaderEpochs,
  producers: ProducerStates,
  mayGapBelow: number,
): Steps<SegmentEnd> {
  const scanner = segment.scan(start.position, RECOVERY_CHUNK_BYTES)
  let nextOffset = start.offset
  let fault: string | undefined
  let othersTurnAt = start.position + RECOVERY_CHUNK_BYTES
  for (let batch = scanner.next(); batch !== undefined; batch = scanner.next()) {
    if (!batch.crcIsRight()) fault = 'wrong CRC'
    else if (
      batch.baseOffset < nextOffset ||
      batch.lastOffsetDelta < 0 ||
      batch.baseOffset > Math.max(nextOffset, mayGapBelow) ||
      batch.lastOffset - segment.baseOffset > MAX_RELATIVE_OFFSET
    )
      fault = `offset ${batch.baseOffset} where ${nextOffset} or above comes next`
    if (fault !== undefined) break
    const { lastOffset, partitionLeaderEpoch } = batch
    segment.index(
      lastOffset,
      batch.maxTimestamp,
      scanner.position,
      batch.sizeInBytes,
      config.indexIntervalBytes,
    )
    if (partitionLeaderEpoch >= 0 && partitionLeaderEpoch > (epochs.latestEpoch ?? -1))
      epochs.assign(partitionLeaderEpoch, batch.baseOffset)
    // Below is what a snapshot has.
    if (batch.baseOffset >= producers.mapEndOffset) replayBatch(producers, batch, segment)
    nextOffset = lastOffset + 1
    if (scanner.position < othersTurnAt) continue
    othersTurnAt = scanner.position + RECOVERY_CHUNK_BYTES
    yield
  }
  return { nextOffset, fault: fault ?? scanner.fault, validBytes: scanner.position }
}

function cutAtFault(segment: LogSegment, { fault, validBytes }: SegmentEnd) {
  const bytesRemoved = segment.size - validBytes
  segment.cut(validBytes)
  // A power cut that takes what is appended from now on would bring it back, and with a longer file maybe whole.
  segment.sync()
  return { fault, validBytes, bytesRemoved }
}

function logCut(
  logger: Logger,
  partition: string,
  segment: LogSegment,
  cut: ReturnType<typeof cutAtFault>,
  laterSegmentsRemoved: number,
): void {
  logger.warn('cut the log at its last whole batch', {
    partition,
    segment: offsetFileName(segment.baseOffset, LOG_SUFFIX),
    ...cut,
    laterSegmentsRemoved,
  })
}

function dropSegments(segments: LogSegments, dropped: readonly LogSegment[]): void {
  segments.remove(dropped)
  for (const segment of dropped) {
    segment.markDeleted()
    segment.removeFiles()
  }
}

function loadSegments(options: RecoveryOptions, names: readonly string[], nowMs: number): LogSegments {
  const { context, logger, topicPartition } = options
  const { fs, directory } = context
  const present = new Set(names)
  const segments = new LogSegments()
  for (const name of names) {
    const file = parseOffsetFileName(name)
    if (file === undefined || file.state !== '' || file.kind === PRODUCER_SNAPSHOT_SUFFIX) continue
    if (file.kind !== LOG_SUFFIX) {
      if (present.has(offsetFileName(file.offset, LOG_SUFFIX))) continue
      logger.warn('removing an index without a segment', { partition: topicPartition, file: name })
      fs.removeFile(`${directory}/${name}`)
      continue
    }
    const segment = new LogSegment(context, file.offset, fs.stat(`${directory}/${name}`).size, nowMs)
    segments.add(segment)
    const indexed = [OFFSET_INDEX_SUFFIX, TIME_INDEX_SUFFIX].every((suffix) =>
      present.has(offsetFileName(file.offset, suffix)),
    )
    if (segment.size > 0 && !indexed) {
      logger.info('building missing indexes anew', { partition: topicPartition, segment: name })
      segment.rebuildIndexes(options.config.indexIntervalBytes)
    }
  }
  return segments
}

/**
 * A compaction writes `.cleaned` files, renames all of them to `.swap` when they are complete, and those to their
 * names when what they replace is gone. Whatever step it had reached is undone or finished here.
 */
function finishSwaps({ context: { fs, directory } }: RecoveryOptions): void {
  const names = fs.readDirectory(directory)
  const remove = (name: string) => fs.removeFile(`${directory}/${name}`)
  const files = names.flatMap((name) => {
    const file = parseOffsetFileName(name)
    return file === undefined ? [] : [{ name, ...file }]
  })
  for (const name of names) if (name.endsWith(DELETED_SUFFIX) || name.endsWith('.tmp')) remove(name)
  const cleaned = files.filter((file) => file.state === CLEANED_SUFFIX)
  const minCleaned = Math.min(...cleaned.map((file) => file.offset))
  for (const file of cleaned) remove(file.name)
  const swaps = files.filter((file) => file.state === SWAP_SUFFIX)
  // A swap beside unfinished cleaned files was renamed too early: the originals are still there.
  for (const file of swaps.filter((swap) => swap.offset >= minCleaned)) remove(file.name)
  const complete = swaps.filter((swap) => swap.offset < minCleaned)
  if (complete.length === 0) return
  let replacedFrom = Number.POSITIVE_INFINITY
  let replacedTo = 0
  // A segment that lost all of its records covers no offset, and yet takes the place of the one of its name.
  const replacedBases = new Set<number>()
  for (const file of complete.filter((swap) => swap.kind === LOG_SUFFIX)) {
    replacedBases.add(file.offset)
    replacedFrom = Math.min(replacedFrom, file.offset)
    replacedTo = Math.max(replacedTo, nextOffsetIn(fs, `${directory}/${file.name}`, file.offset))
  }
  for (const file of files) {
    const isReplaced =
      (file.offset >= replacedFrom && file.offset < replacedTo) || replacedBases.has(file.offset)
    if (file.state === '' && file.kind !== PRODUCER_SNAPSHOT_SUFFIX && isReplaced) remove(file.name)
  }
  for (const file of complete)
    fs.rename(`${directory}/${file.name}`, `${directory}/${file.name.slice(0, -SWAP_SUFFIX.length)}`)
}

function nextOffsetIn(fs: SegmentContext['fs'], path: string, baseOffset: number): number {
  const file = fs.open(path, 'read')
  try {
    const scanner = new BatchScanner(file, 0, file.size())
    let next = baseOffset
    for (let batch = scanner.next(); batch !== undefined; batch = scanner.next()) next = batch.nextOffset
    return next
  } finally {
    file.close()
  }
}
