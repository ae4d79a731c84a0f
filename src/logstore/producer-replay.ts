import type { Steps } from '../base/steps.ts'
import type { RecordBatch } from '../wire/batch.ts'
import type { LogSegments } from './log-segments.ts'
import type { ProducerStates } from './producer-state.ts'
import type { LogSegment } from './segment.ts'

const BYTES_PER_TURN = 1024 * 1024

/** Takes a batch that is in the log into the state. Where it ends a transaction, the transaction index can be told. */
export function replayBatch(
  producers: ProducerStates,
  batch: RecordBatch,
  indexTransactions?: LogSegment,
): void {
  if (batch.hasProducerId) {
    const append = producers.prepare(batch.producerId, 'replication')
    const completed = append.append(batch, batch.baseOffset)
    producers.update(append)
    if (completed !== undefined) {
      const lastStableOffset = producers.lastStableOffsetAfter(completed)
      if (completed.isAborted) indexTransactions?.transactionIndex.append({ ...completed, lastStableOffset })
      producers.completeTransaction(completed)
    }
  }
  producers.mapEndOffset = batch.nextOffset
}

/** Brings the state from `mapEndOffset` to `endOffset`, with a snapshot at each segment on the way. */
export function* replayProducers(
  producers: ProducerStates,
  segments: LogSegments,
  logStartOffset: number,
  endOffset: number,
): Steps<void> {
  for (const segment of segments.from(producers.mapEndOffset)) {
    if (segment.baseOffset >= endOffset || producers.mapEndOffset >= endOffset) break
    const from = Math.max(segment.baseOffset, producers.mapEndOffset, logStartOffset)
    producers.mapEndOffset = from
    if (segment.baseOffset === from) producers.takeSnapshot()
    const found = segment.find(from)
    if (found === undefined) continue
    const scanner = segment.scan(found.position)
    let othersTurnAt = found.position + BYTES_PER_TURN
    for (let batch = scanner.next(); batch !== undefined; batch = scanner.next()) {
      if (batch.baseOffset >= endOffset) break
      replayBatch(producers, batch)
      if (scanner.position < othersTurnAt) continue
      othersTurnAt = scanner.position + BYTES_PER_TURN
      yield
    }
    segment.failOnFault(scanner)
  }
  producers.mapEndOffset = endOffset
}
