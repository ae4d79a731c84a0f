/** Whether the transactional batches of a Produce request may be written: Kafka's `ReplicaManager.handleProduceAppend`. */
import type { HostedPartition } from '../cluster/replicas/hosted-partition.ts'
import { batchFaultAt, batchIsTransactional, batchProducerEpoch, batchProducerId } from '../wire/batch.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import type { Services } from './services.ts'
import { type Admission, admit, type Verdict } from './transaction-admission.ts'

const FIRST_VERSION_WITH_ABORTABLE = 11
const FIRST_VERSION_WITH_BUMP = 12

export interface BatchToAdmit {
  readonly partition: HostedPartition
  readonly records: Buffer
}

/** Undefined where none of the batches is transactional, or nobody has to be asked. */
export function admitBatches(
  version: number,
  transactionalId: string,
  batches: readonly BatchToAdmit[],
  services: Services,
): Promise<Verdict> | undefined {
  const transactional = batches.filter(
    ({ records }) => batchFaultAt(records, 0) === undefined && batchIsTransactional(records, 0),
  )
  const [first] = transactional
  if (first === undefined) return undefined
  const producerId = batchProducerId(first.records, 0)
  const producerEpoch = batchProducerEpoch(first.records, 0)
  const isOne = transactional.every(({ records }) => batchProducerId(records, 0) === producerId)
  // A transaction has one producer.
  if (!isOne) return Promise.resolve(() => ErrorCode.INVALID_PRODUCER_ID_MAPPING)
  const partitions = transactional.map(({ partition }) => partition)
  return admit({ transactionalId, producerId, producerEpoch }, partitions, admissionOf(version), services)
}

function admissionOf(version: number): Admission {
  if (version >= FIRST_VERSION_WITH_BUMP) return 'add'
  return version >= FIRST_VERSION_WITH_ABORTABLE ? 'verify' : 'verify, without TRANSACTION_ABORTABLE'
}
