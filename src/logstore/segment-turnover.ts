import type { Clock } from '../base/clock.ts'
import { invariant } from '../base/invariant.ts'
import type { Logger } from '../base/logger.ts'
import type { Random } from '../base/random.ts'
import type { RecordBatch } from '../wire/batch.ts'
import type { CleanedSegment } from './compaction/log-cleaning.ts'
import type { LogConfig } from './log-config.ts'
import { isOutOfRoom } from './log-errors.ts'
import type { LogFlusher } from './log-flusher.ts'
import type { LogSegments } from './log-segments.ts'
import type { ProducerStates } from './producer-state.ts'
import { drawJitterMs, shouldRoll } from './rolling.ts'
import { LogSegment, type SegmentContext } from './segment.ts'
import { SegmentRemovals } from './segment-removals.ts'
import { swapIn } from './segment-swap.ts'

export interface SegmentTurnoverOptions {
  /** Whose segments they are, as it is now. */
  readonly log: { readonly config: LogConfig; readonly logEndOffset: number }
  readonly context: SegmentContext
  readonly segments: LogSegments
  readonly producers: ProducerStates
  readonly flusher: LogFlusher
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
}

/** How segments of one log come and go: rolled, deleted, replaced by cleaned ones; what stands beside them with them. */
export class SegmentTurnover {
  readonly #options: SegmentTurnoverOptions
  readonly #removals: SegmentRemovals
  #rollJitterMs = 0

  constructor(options: SegmentTurnoverOptions) {
    this.#options = options
    this.#removals = new SegmentRemovals(options.clock, options.logger)
    this.drawJitter()
  }

  /** `segment.jitter.ms` or what bounds it has changed, or a segment has begun. */
  drawJitter(): void {
    this.#rollJitterMs = drawJitterMs(this.#options.log.config, this.#options.random)
  }

  /** Before so many bytes are appended, of which `first` and `last` are the outermost batches. */
  rollIfDue(sizeInBytes: number, first: RecordBatch, last: RecordBatch, nowMs: number): void {
    const { log, segments } = this.#options
    if (shouldRoll(segments.active, log.config, this.#rollJitterMs, sizeInBytes, last, nowMs))
      this.#roll(first.baseOffset)
  }

  /** False where the disk has no room for another segment: the active one stays, until the others have made some. */
  rollBeforeDeletion(): boolean {
    try {
      this.#roll(this.#options.log.logEndOffset)
      return true
    } catch (error) {
      if (!isOutOfRoom(error)) throw error
      return false
    }
  }

  #roll(nextOffset: number): void {
    const { log, segments, producers, flusher } = this.#options
    const { active } = segments
    const baseOffset = Math.max(nextOffset, log.logEndOffset)
    if (active.baseOffset === baseOffset) {
      invariant(active.size === 0, `rolling at ${baseOffset}, where the active segment begins`)
      return
    }
    active.seal()
    producers.mapEndOffset = baseOffset
    producers.takeSnapshot()
    this.add(baseOffset)
    this.drawJitter()
    // Failure takes the log offline, which whoever comes next is told.
    flusher.flush().catch(() => {})
  }

  /** An empty segment, which is the active one now. */
  add(baseOffset: number): void {
    const { context, segments, flusher, clock } = this.#options
    segments.add(LogSegment.create(context, baseOffset, clock.now()))
    flusher.namesChanged()
  }

  delete(gone: readonly LogSegment[]): void {
    if (gone.length === 0) return
    const { segments, producers, flusher } = this.#options
    segments.remove(gone)
    flusher.namesChanged()
    for (const segment of gone) {
      producers.removeSnapshot(segment.baseOffset)
      this.#removeLater(segment)
    }
  }

  /** Puts a cleaned segment, which is on the device, in the place of those that it was made from. */
  swapIn(cleaned: CleanedSegment): void {
    const { context, segments, producers, flusher, clock } = this.#options
    const gone = swapIn(context, segments, cleaned, clock.now(), (segment) => this.#removeLater(segment))
    for (const { baseOffset } of gone) producers.removeSnapshot(baseOffset)
    flusher.namesChanged()
  }

  /** Files of segments that are deleted stay where they are, until the log is opened the next time. */
  close(): void {
    this.#removals.cancel()
  }

  #removeLater(segment: LogSegment): void {
    this.#removals.add(segment, this.#options.log.config.fileDeleteDelayMs)
  }
}
