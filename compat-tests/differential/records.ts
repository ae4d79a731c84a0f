import { updateBatchCrc } from '../../src/wire/batch.ts'
import { type BatchInput, encodeBatch } from '../../src/wire/records.ts'
import { api } from './apis.ts'
import type { Session } from './session.ts'

/** The time of the records: long ago, the same at every run. */
export const TIME_MS = 1_700_000_000_000

/** A batch with a value per record, each a millisecond after the one before. */
export function batch(values: readonly string[], input: Partial<BatchInput> = {}): Buffer {
  return encodeBatch({
    baseTimestamp: TIME_MS,
    records: values.map((value, index) => ({
      key: Buffer.from('k'),
      value: Buffer.from(value),
      timestampDelta: index,
    })),
    ...input,
  })
}

/** The batch with its bytes changed and the CRC made right again. */
export function altered(original: Buffer, change: (bytes: Buffer) => void): Buffer {
  const copy = Buffer.from(original)
  change(copy)
  updateBatchCrc(copy, 0)
  return copy
}

export interface Target {
  readonly topic: string
  readonly topicId: string
  readonly partition?: number
}

export function produceInput(
  target: Target,
  records: Buffer | null,
  acks = -1,
  transactionalId: string | null = null,
) {
  return {
    transactionalId,
    acks,
    timeoutMs: 10_000,
    topicData: [
      {
        name: target.topic,
        topicId: target.topicId,
        partitionData: [{ index: target.partition ?? 0, records }],
      },
    ],
  }
}

/** Appends without noting the answer; fails when it is refused. */
export async function append(session: Session, target: Target, records: Buffer): Promise<void> {
  const answer = await session.quiet(api.produce, 13, produceInput(target, records))
  const { errorCode, errorMessage } = answer.responses[0]!.partitionResponses[0]!
  if (errorCode !== 0) throw new Error(`append refused: ${errorCode} ${errorMessage}`)
}
