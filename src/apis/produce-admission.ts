/** Whether the transactional batches of a Produce request may be written: Kafka's `ReplicaManager.handleProduceAppend`. */
import type { HostedPartition } from '../cluster/replicas/hosted-partition.ts'
import {
  batchBaseSequence,
  batchFaultAt,
  batchIsTransactional,
  batchProducerEpoch,
  batchProducerId,
  NO_PRODUCER_ID,
} from '../wire/batch.ts'
import { ErrorCode, KafkaError } from '../wire/error-codes.ts'
import type { Services } from './services.ts'
import { type Admission, admit } from './transaction-admission.ts'

const FIRST_VERSION_WITH_ABORTABLE = 11
const FIRST_VERSION_WITH_BUMP = 12

export interface BatchToAdmit {
  readonly partition: HostedPartition
  readonly records: Buffer
}

/** With Kafka's text, where it has one. */
export interface BatchRefusal {
  readonly errorCode: number
  readonly message: string | null
}

/** As things are at the call: to be asked right before the append. Throws KafkaError for what the log refuses. */
export type BatchVerdict = (partition: HostedPartition, records: Buffer) => BatchRefusal | undefined

const SEVERAL_PRODUCERS: BatchRefusal = {
  errorCode: ErrorCode.INVALID_PRODUCER_ID_MAPPING,
  message: 'Transactional records contained more than one producer ID',
}

const MESSAGES: ReadonlyMap<number, string> = new Map([
  [ErrorCode.INVALID_TXN_STATE, 'Partition was not added to the transaction'],
  [ErrorCode.NOT_ENOUGH_REPLICAS, 'Unable to verify the partition has been added to the transaction'],
])

const ENDED: BatchRefusal = {
  errorCode: ErrorCode.INVALID_TXN_STATE,
  message: MESSAGES.get(ErrorCode.INVALID_TXN_STATE) ?? null,
}

/** Undefined where none of the batches is transactional, or nobody has to be asked. */
export function admitBatches(
  version: number,
  transactionalId: string,
  batches: readonly BatchToAdmit[],
  services: Services,
): Promise<BatchVerdict> | undefined {
  const transactional = batches.filter(({ records }) => isTransactional(records))
  const [first] = transactional
  if (first === undefined) return undefined
  const producerId = batchProducerId(first.records, 0)
  const producerEpoch = batchProducerEpoch(first.records, 0)
  const isOne = transactional.every(
    ({ records }) =>
      batchProducerId(records, 0) === producerId && batchProducerEpoch(records, 0) === producerEpoch,
  )
  if (!isOne) return Promise.resolve(() => SEVERAL_PRODUCERS)
  const partitions = transactional.map(({ partition }) => partition)
  const admission = admissionOf(version)
  const asked = admit({ transactionalId, producerId, producerEpoch }, partitions, admission, services)
  return asked?.then((verdict) => (partition, records) => {
    if (!isTransactional(records)) return undefined
    const errorCode = verdict(partition)
    if (errorCode !== ErrorCode.NONE) return { errorCode, message: MESSAGES.get(errorCode) ?? null }
    if (admission === 'add') refuseUnknownSequence(partition, records)
    return undefined
  })
}

function isTransactional(records: Buffer): boolean {
  return (
    batchFaultAt(records, 0) === undefined &&
    batchProducerId(records, 0) > NO_PRODUCER_ID &&
    batchIsTransactional(records, 0)
  )
}

/** In version 2 of the protocol a producer begins at 0, or its first batches are lost (`ProducerAppendInfo`). */
function refuseUnknownSequence({ log }: HostedPartition, records: Buffer): void {
  const baseSequence = batchBaseSequence(records, 0)
  const producerId = batchProducerId(records, 0)
  if (baseSequence === 0 || log.producers.entries.has(producerId)) return
  throw new KafkaError(
    ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER,
    `Producer ${producerId} is not known and begins at sequence ${baseSequence}, not 0`,
  )
}

/** Refuses batches whose transaction has ended since this call: what comes then would hang. */
export function watchTransactions(batches: readonly BatchToAdmit[]): BatchVerdict {
  const markers = new Map<Buffer, number>()
  for (const { partition, records } of batches)
    if (isTransactional(records)) markers.set(records, markersSeen(partition, records))
  return (partition, records) =>
    markers.has(records) && markersSeen(partition, records) !== markers.get(records) ? ENDED : undefined
}

function markersSeen({ log }: HostedPartition, records: Buffer): number {
  return log.producers.markersOf(batchProducerId(records, 0))
}

function admissionOf(version: number): Admission {
  if (version >= FIRST_VERSION_WITH_BUMP) return 'add'
  return version >= FIRST_VERSION_WITH_ABORTABLE ? 'verify' : 'verify, without TRANSACTION_ABORTABLE'
}
