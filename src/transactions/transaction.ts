/**
 * What the coordinator knows of one transactional id, and how it moves: Kafka's `TransactionMetadata`. Values are never
 * changed; each function gives the next one.
 *
 * - Empty: a producer has its id, and no transaction yet.
 * - Ongoing: partitions were added. Ends by the producer, by its successor or by the timeout.
 * - PrepareCommit, PrepareAbort: decided, and in the log: from here on the outcome never changes. Markers are being
 *   written to the partitions.
 * - CompleteCommit, CompleteAbort: every partition has its marker. The next transaction may begin.
 *
 * In version 2 of the protocol (KIP-890) each end bumps the epoch, so that what is late of one transaction can't get into
 * the next. The marker has the bumped epoch.
 */
import { invariant } from '../base/invariant.ts'
import { NO_PRODUCER_EPOCH, NO_PRODUCER_ID } from '../wire/batch.ts'

/** By Kafka's `TransactionState.id`. Two more that Kafka has, Dead and PrepareEpochFence, are never in the log. */
export const TRANSACTION_STATES = [
  'Empty',
  'Ongoing',
  'PrepareCommit',
  'PrepareAbort',
  'CompleteCommit',
  'CompleteAbort',
] as const

export type TransactionState = (typeof TRANSACTION_STATES)[number]

export type TransactionResult = 'commit' | 'abort'

/** Partitions by topic. */
export type TransactionPartitions = ReadonlyMap<string, ReadonlySet<number>>

export interface Transaction {
  readonly transactionalId: string
  readonly producerId: number
  /** Of the value before this one; -1 for none. */
  readonly previousProducerId: number
  /** The id that the producer goes on with once the transaction is complete, where its epochs are used up; else -1. */
  readonly nextProducerId: number
  readonly producerEpoch: number
  /**
   * The epoch before the last bump that the producer itself asked for, by which a repeated request is known; -1 where
   * there is none. Kafka's log has no place for it: after a replay it is -1.
   */
  readonly lastProducerEpoch: number
  readonly timeoutMs: number
  readonly state: TransactionState
  readonly partitions: TransactionPartitions
  /** When the first partition was added; -1 while Empty. */
  readonly startTimeMs: number
  readonly lastUpdateTimeMs: number
  /** Version of the protocol that the producer spoke last: 0 and 1 are the classic one. */
  readonly clientVersion: number
}

export const NO_PARTITIONS: TransactionPartitions = new Map()
const MAX_EPOCH = 32767
/** `TransactionVersion.supportsEpochBump`. */
const FIRST_VERSION_WITH_BUMP = 2

export function bumpsEpoch(clientVersion: number): boolean {
  return clientVersion >= FIRST_VERSION_WITH_BUMP
}

/** The last epoch is kept for fencing. */
export function isEpochExhausted(producerEpoch: number): boolean {
  return producerEpoch >= MAX_EPOCH - 1
}

export function isPrepared({ state }: Transaction): boolean {
  return state === 'PrepareCommit' || state === 'PrepareAbort'
}

/** A transactional id's first producer. */
export function firstTransaction(
  transactionalId: string,
  producerId: number,
  timeoutMs: number,
  nowMs: number,
): Transaction {
  return {
    transactionalId,
    producerId,
    previousProducerId: NO_PRODUCER_ID,
    nextProducerId: NO_PRODUCER_ID,
    producerEpoch: 0,
    lastProducerEpoch: NO_PRODUCER_EPOCH,
    timeoutMs,
    state: 'Empty',
    partitions: NO_PARTITIONS,
    startTimeMs: -1,
    lastUpdateTimeMs: nowMs,
    clientVersion: 0,
  }
}

/** A producer with this transactional id begins, or begins again, under an id and epoch. */
export function initialized(
  transaction: Transaction,
  producer: Pick<Transaction, 'producerId' | 'producerEpoch' | 'lastProducerEpoch'>,
  timeoutMs: number,
  nowMs: number,
): Transaction {
  return {
    ...transaction,
    ...producer,
    previousProducerId: transaction.producerId,
    timeoutMs,
    state: 'Empty',
    partitions: NO_PARTITIONS,
    startTimeMs: -1,
    lastUpdateTimeMs: nowMs,
  }
}

export function withPartitions(
  transaction: Transaction,
  added: TransactionPartitions,
  clientVersion: number,
  nowMs: number,
): Transaction {
  const isNew = transaction.state !== 'Ongoing'
  const partitions = new Map(isNew ? NO_PARTITIONS : transaction.partitions)
  for (const [topic, indexes] of added) {
    partitions.set(topic, new Set([...(partitions.get(topic) ?? []), ...indexes]))
  }
  return {
    ...transaction,
    previousProducerId: transaction.producerId,
    state: 'Ongoing',
    partitions,
    startTimeMs: isNew ? nowMs : transaction.startTimeMs,
    lastUpdateTimeMs: nowMs,
    clientVersion,
  }
}

export interface Ending {
  readonly result: TransactionResult
  readonly clientVersion: number
  /** The producer is gone or about to be: also in the classic protocol nothing that it sends may be taken any more. */
  readonly fences: boolean
  /** Where the epochs are used up; else -1. */
  readonly nextProducerId: number
}

/** The outcome is decided. */
export function prepared(transaction: Transaction, ending: Ending, nowMs: number): Transaction {
  const { producerEpoch } = transaction
  const bumps = bumpsEpoch(ending.clientVersion)
  invariant(bumps || ending.fences || ending.nextProducerId === NO_PRODUCER_ID, 'only a bump uses up epochs')
  return {
    ...transaction,
    previousProducerId: transaction.producerId,
    nextProducerId: ending.nextProducerId,
    // Fencing in version 2 is the bump that every end makes, and no second one.
    producerEpoch: bumps || ending.fences ? Math.min(producerEpoch + 1, MAX_EPOCH) : producerEpoch,
    lastProducerEpoch: bumps
      ? producerEpoch
      : ending.fences
        ? NO_PRODUCER_EPOCH
        : transaction.lastProducerEpoch,
    state: ending.result === 'commit' ? 'PrepareCommit' : 'PrepareAbort',
    // Version 2 may abort what never began.
    startTimeMs: transaction.state === 'Ongoing' ? transaction.startTimeMs : nowMs,
    lastUpdateTimeMs: nowMs,
    clientVersion: ending.clientVersion,
  }
}

/** Every partition has its marker. */
export function completed(transaction: Transaction, nowMs: number): Transaction {
  invariant(isPrepared(transaction), 'only what is decided can be completed')
  const isRotated = transaction.nextProducerId !== NO_PRODUCER_ID
  return {
    ...transaction,
    previousProducerId: transaction.producerId,
    producerId: isRotated ? transaction.nextProducerId : transaction.producerId,
    producerEpoch: isRotated ? 0 : transaction.producerEpoch,
    nextProducerId: NO_PRODUCER_ID,
    state: transaction.state === 'PrepareCommit' ? 'CompleteCommit' : 'CompleteAbort',
    partitions: NO_PARTITIONS,
    lastUpdateTimeMs: nowMs,
  }
}
