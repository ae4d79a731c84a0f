import { encodeBatch } from '../../wire/records.ts'
import { produceRequest, produceResponse } from '../../wire/schemas/00-produce.ts'
import { TOMBSTONE_HEADER } from './keyed-values.ts'
import type { Link } from './link.ts'
import type { SimulatedPartition } from './scene.ts'

export interface BatchToSend {
  readonly values: readonly string[]
  /** Of each; none where there are none. */
  readonly keys?: readonly string[]
  /** Which of them are written as tombstones. */
  readonly tombstones?: ReadonlySet<string>
  readonly producerId?: number
  readonly producerEpoch?: number
  readonly baseSequence?: number
  readonly isTransactional?: boolean
  readonly compression?: 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd'
}

export interface Produced {
  readonly errorCode: number
  readonly baseOffset: number
}

export interface ProduceOptions {
  readonly transactionalId?: string | null
  /** Of the request, one of them. */
  readonly versions?: readonly number[]
}

const TIMEOUT_MS = 5000
/** Of the first that knows topics by their ids. */
const TOPIC_ID_VERSION = 13
const VERSIONS: readonly number[] = [9, 11, 12, TOPIC_ID_VERSION]

function input(
  partition: SimulatedPartition,
  batch: BatchToSend,
  acks: number,
  nowMs: number,
  transactionalId: string | null,
) {
  const { values, keys, tombstones, ...header } = batch
  const records = encodeBatch({
    ...header,
    baseTimestamp: nowMs,
    records: values.map((text, index) => {
      const named = keys?.[index]
      const key = named === undefined ? null : Buffer.from(named)
      const value = Buffer.from(text)
      return tombstones?.has(text) === true
        ? { key, value: null, headers: [{ key: TOMBSTONE_HEADER, value }] }
        : { key, value }
    }),
  })
  return {
    transactionalId,
    acks,
    timeoutMs: TIMEOUT_MS,
    topicData: [
      {
        name: partition.topic,
        topicId: partition.topicId,
        partitionData: [{ index: partition.index, records }],
      },
    ],
  }
}

/** Produces one batch and waits for the answer. Rejects with LinkBroken. */
export async function produceOnce(
  link: Link,
  partition: SimulatedPartition,
  batch: BatchToSend,
  acks: number,
  nowMs: number,
  { transactionalId = null, versions = VERSIONS }: ProduceOptions = {},
): Promise<Produced> {
  const version = link.random.pick(versions)
  const request = input(partition, batch, acks, nowMs, transactionalId)
  const answer = await link.ask(produceRequest, produceResponse, version, request)
  const { errorCode, baseOffset } = answer.responses[0]!.partitionResponses[0]!
  return { errorCode, baseOffset }
}

/** Produces one batch with acks=0. Rejects with LinkBroken. */
export async function produceUnasked(
  link: Link,
  partition: SimulatedPartition,
  batch: BatchToSend,
  nowMs: number,
): Promise<void> {
  await link.tell(produceRequest, TOPIC_ID_VERSION, input(partition, batch, 0, nowMs, null))
}
