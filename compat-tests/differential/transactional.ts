import { api } from './apis.ts'
import { batch } from './records.ts'
import type { Session } from './session.ts'

export interface Producer {
  readonly transactionalId: string
  readonly producerId: number
  readonly producerEpoch: number
}

export const TIMEOUT_MS = 60_000
/** A producer id that no producer has. */
export const STRANGER = 987_654_321

const COORDINATOR_LOAD_IN_PROGRESS = 14
const COORDINATOR_NOT_AVAILABLE = 15
const NOT_COORDINATOR = 16
const NOT_ENOUGH_REPLICAS = 19
const CONCURRENT_TRANSACTIONS = 51

/** What Kafka answers for a moment, until a partition of `__transaction_state` is loaded or markers are written. */
const PASSING: ReadonlySet<number> = new Set([
  COORDINATOR_LOAD_IN_PROGRESS,
  COORDINATOR_NOT_AVAILABLE,
  NOT_COORDINATOR,
  NOT_ENOUGH_REPLICAS,
  CONCURRENT_TRANSACTIONS,
])

export const hasSettled = ({ errorCode }: { readonly errorCode: number }): boolean => !PASSING.has(errorCode)

export function initInput(
  transactionalId: string | null,
  rest: { producerId?: number; producerEpoch?: number; transactionTimeoutMs?: number } = {},
) {
  return { transactionalId, transactionTimeoutMs: TIMEOUT_MS, ...rest }
}

/** Waits until there is a transaction coordinator. Producer ids of transactions are never 0 after this. */
export async function transactionsAreServed(session: Session): Promise<void> {
  await session.until(
    api.findCoordinator,
    4,
    { keyType: 1, coordinatorKeys: ['any'] },
    ({ coordinators }) => coordinators[0]!.errorCode === 0,
  )
  await session.quiet(api.initProducerId, 5, initInput(null))
}

/** A producer with this transactional id, from now on the only one. */
export async function begin(session: Session, transactionalId: string): Promise<Producer> {
  const { errorCode, producerId, producerEpoch } = await session.until(
    api.initProducerId,
    5,
    initInput(transactionalId),
    hasSettled,
  )
  if (errorCode !== 0) throw new Error(`${transactionalId} has no producer: ${errorCode}`)
  return { transactionalId, producerId, producerEpoch }
}

export interface Partitions {
  readonly name: string
  readonly partitions: number[]
}

/** The request in the form that the version has. */
export function addInput(
  { transactionalId, producerId, producerEpoch }: Producer,
  topics: Partitions[],
  verifyOnly = false,
) {
  return {
    transactions: [{ transactionalId, producerId, producerEpoch, verifyOnly, topics }],
    v3AndBelowTransactionalId: transactionalId,
    v3AndBelowProducerId: producerId,
    v3AndBelowProducerEpoch: producerEpoch,
    v3AndBelowTopics: topics,
  }
}

/** Adds partitions in the classic way. */
export async function add(session: Session, producer: Producer, topic: string, ...partitions: number[]) {
  const { resultsByTopicV3AndBelow } = await session.until(
    api.addPartitionsToTxn,
    3,
    addInput(producer, [{ name: topic, partitions }]),
    ({ resultsByTopicV3AndBelow: [first] }) =>
      hasSettled({ errorCode: first!.resultsByPartition[0]!.partitionErrorCode }),
  )
  const errorCode = resultsByTopicV3AndBelow[0]!.resultsByPartition[0]!.partitionErrorCode
  if (errorCode !== 0) throw new Error(`partitions of ${producer.transactionalId} not added: ${errorCode}`)
}

/** Ends the transaction, and waits for its markers; the producer as it goes on. */
export async function end(
  session: Session,
  producer: Producer,
  committed: boolean,
  version: number,
): Promise<Producer> {
  const answer = await session.until(api.endTxn, version, { ...producer, committed }, hasSettled)
  if (answer.errorCode !== 0) throw new Error(`${producer.transactionalId} not ended: ${answer.errorCode}`)
  await completed(session, producer.transactionalId)
  const { producerId, producerEpoch } = answer
  return version < 5 ? producer : { ...producer, producerId, producerEpoch }
}

/** Kafka answers when the end is decided: waits until the markers are written. */
export async function completed(session: Session, transactionalId: string): Promise<void> {
  await session.until(
    api.describeTransactions,
    0,
    { transactionalIds: [transactionalId] },
    ({ transactionStates: [transaction] }) => !transaction!.transactionState.startsWith('Prepare'),
  )
}

export async function describe(session: Session, step: string, transactionalId: string): Promise<void> {
  await session.askUntil(
    step,
    api.describeTransactions,
    0,
    { transactionalIds: [transactionalId] },
    ({ transactionStates: [transaction] }) => !transaction!.transactionState.startsWith('Prepare'),
  )
}

/** A batch of the producer's transaction. */
export function transactional(
  { producerId, producerEpoch }: Producer,
  baseSequence: number,
  values: readonly string[] = ['v'],
): Buffer {
  return batch(values, {
    producerId,
    producerEpoch,
    baseSequence,
    isTransactional: true,
    // Near the time of the markers: Kafka would roll the segment before them, and a fetch ends with a segment.
    baseTimestamp: pastMilliseconds(values.length),
  })
}

/**
 * The first of so many milliseconds, which are over: a batch's records are one apart. All that is there is older, and all
 * that comes, markers too, is later, however fast the broker is.
 */
function pastMilliseconds(count: number): number {
  const begin = Date.now()
  while (Date.now() <= begin + count);
  return begin + 1
}
