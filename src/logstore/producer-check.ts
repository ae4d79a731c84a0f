import type { RecordBatch } from '../wire/batch.ts'
import type { AppendOrigin, CompletedTransaction, ProducerAppend } from './producer-append.ts'
import type { ProducerBatch } from './producer-entry.ts'
import type { ProducerStates } from './producer-state.ts'

/** What an append does to the producers, to be taken once it is written. */
export interface CheckedProducers {
  readonly appends: ReadonlyMap<number, ProducerAppend>
  readonly completed: readonly CompletedTransaction[]
  /** The batch was appended before, as this one: nothing is to be written. */
  readonly duplicate?: ProducerBatch
}

/**
 * Kafka's `analyzeAndValidateProducerState`. Changes nothing; throws AppendRefused. `logAppendTimeMs` is the time that
 * the batches are about to be given, where the topic's is not the producer's.
 */
export function checkProducers(
  producers: ProducerStates,
  batches: readonly RecordBatch[],
  baseOffsets: readonly number[],
  origin: AppendOrigin,
  logAppendTimeMs?: number,
): CheckedProducers {
  const appends = new Map<number, ProducerAppend>()
  const completed: CompletedTransaction[] = []
  for (const [index, batch] of batches.entries()) {
    const { producerId } = batch
    if (producerId < 0) continue
    if (origin === 'client') {
      const duplicate = producers.entries
        .get(producerId)
        ?.findDuplicate(batch.producerEpoch, batch.baseSequence, batch.lastSequence)
      if (duplicate !== undefined) return { appends, completed, duplicate }
    }
    let append = appends.get(producerId)
    if (append === undefined) {
      append = producers.prepare(producerId, origin)
      appends.set(producerId, append)
    }
    const ended = append.append(batch, baseOffsets[index]!, logAppendTimeMs ?? batch.maxTimestamp)
    if (ended !== undefined) completed.push(ended)
  }
  return { appends, completed }
}
