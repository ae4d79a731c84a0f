/**
 * What a producer may do with its transaction: each function decides on the transaction as it is, and gives an error
 * code, or the transaction as it would be. Kafka's `TransactionCoordinator`, in its order of checks.
 *
 * Whether the markers are still being written comes first, before the producer's id and epoch: it may have been told
 * those that it goes on with, which are the transaction's only when the markers are.
 */
import { NO_PRODUCER_EPOCH, NO_PRODUCER_ID } from '../wire/batch.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import type { TransactionCommand } from './commands.ts'
import {
  bumpsEpoch,
  completed,
  firstTransaction,
  initialized,
  isEpochExhausted,
  isPrepared,
  prepared,
  type Transaction,
  type TransactionPartitions,
  type TransactionResult,
  withPartitions,
} from './transaction.ts'

type CommandOf<T extends TransactionCommand['type']> = Extract<TransactionCommand, { type: T }>

export type Decision =
  /** With NONE: it is so already. `transaction` is what the answer tells of then. */
  | { readonly type: 'answer'; readonly errorCode: number }
  | { readonly type: 'needsProducerId' }
  /** To be asked again when the markers are written. `fencing`: the transaction that has to end before. */
  | { readonly type: 'wait'; readonly fencing?: Transaction }
  /** `answered` is what the producer is told its id and epoch are. */
  | { readonly type: 'write'; readonly transaction: Transaction; readonly answered: Transaction }

const NEEDS_PRODUCER_ID: Decision = { type: 'needsProducerId' }
const WAIT: Decision = { type: 'wait' }

function answer(errorCode: number): Decision {
  return { type: 'answer', errorCode }
}

function write(transaction: Transaction, answered: Transaction = transaction): Decision {
  return { type: 'write', transaction, answered }
}

/** `version` is the finalized version of the protocol, which says how a fence bumps. */
export function decideInit(
  transaction: Transaction | undefined,
  command: CommandOf<'initProducerId'>,
  version: number,
  nowMs: number,
): Decision {
  const { transactionalId, timeoutMs, newProducerId } = command
  if (transaction === undefined) {
    // Also where the producer names what it had: its transactional id has expired meanwhile.
    return newProducerId === undefined
      ? NEEDS_PRODUCER_ID
      : write(firstTransaction(transactionalId, newProducerId, timeoutMs, nowMs))
  }
  if (isPrepared(transaction)) return WAIT
  const isNamed = command.producerId !== NO_PRODUCER_ID
  if (isNamed && !isOwn(transaction, command)) return answer(ErrorCode.PRODUCER_FENCED)
  const { producerEpoch, lastProducerEpoch } = transaction
  const isExhausted = isEpochExhausted(producerEpoch)
  if (transaction.state === 'Ongoing') {
    if (isExhausted && newProducerId === undefined) return NEEDS_PRODUCER_ID
    return { type: 'wait', fencing: fenced(transaction, version, newProducerId ?? NO_PRODUCER_ID, nowMs) }
  }
  if (isExhausted && (!isNamed || command.producerEpoch === producerEpoch)) {
    if (newProducerId === undefined) return NEEDS_PRODUCER_ID
    const last = isNamed ? producerEpoch : NO_PRODUCER_EPOCH
    const rotated = { producerId: newProducerId, producerEpoch: 0, lastProducerEpoch: last }
    return write(initialized(transaction, rotated, timeoutMs, nowMs))
  }
  const { producerId } = transaction
  if (!isNamed) {
    const next = { producerId, producerEpoch: producerEpoch + 1, lastProducerEpoch: NO_PRODUCER_EPOCH }
    return write(initialized(transaction, next, timeoutMs, nowMs))
  }
  if (command.producerEpoch === producerEpoch) {
    const next = { producerId, producerEpoch: producerEpoch + 1, lastProducerEpoch: producerEpoch }
    return write(initialized(transaction, next, timeoutMs, nowMs))
  }
  // The answer to the first such request was lost. A successor would have set the last epoch to -1.
  if (command.producerEpoch === lastProducerEpoch || isRotatedFrom(transaction, command)) {
    return write(initialized(transaction, { producerId, producerEpoch, lastProducerEpoch }, timeoutMs, nowMs))
  }
  return answer(ErrorCode.PRODUCER_FENCED)
}

function isOwn(
  transaction: Transaction,
  producer: { readonly producerId: number; readonly producerEpoch: number },
): boolean {
  return producer.producerId === transaction.producerId || isRotatedFrom(transaction, producer)
}

/** The producer was given another id when its epochs were used up, and has not heard of that. */
function isRotatedFrom(
  { producerId, previousProducerId, producerEpoch }: Transaction,
  producer: { readonly producerId: number; readonly producerEpoch: number },
): boolean {
  return (
    previousProducerId !== producerId &&
    producer.producerId === previousProducerId &&
    isEpochExhausted(producer.producerEpoch) &&
    producerEpoch === 0
  )
}

/** Abort on behalf of a successor, or because the time is over. */
export function fenced(
  transaction: Transaction,
  version: number,
  nextProducerId: number,
  nowMs: number,
): Transaction {
  const ending = { result: 'abort', clientVersion: version, fences: true, nextProducerId } as const
  return prepared(transaction, ending, nowMs)
}

export function decideAddPartitions(
  transaction: Transaction | undefined,
  command: CommandOf<'addPartitions'>,
  nowMs: number,
): Decision {
  if (transaction !== undefined && isPrepared(transaction)) return WAIT
  const refused = refuseProducer(transaction, command)
  if (transaction === undefined || refused !== undefined)
    return answer(refused ?? ErrorCode.INVALID_PRODUCER_ID_MAPPING)
  if (transaction.state === 'Ongoing' && missingPartitions(transaction, command.partitions).size === 0) {
    return answer(ErrorCode.NONE)
  }
  return write(withPartitions(transaction, command.partitions, command.clientVersion, nowMs))
}

/** Why a producer may not speak for this transaction at all. */
export function refuseProducer(
  transaction: Transaction | undefined,
  producer: { readonly producerId: number; readonly producerEpoch: number },
): number | undefined {
  if (transaction === undefined || transaction.producerId !== producer.producerId) {
    return ErrorCode.INVALID_PRODUCER_ID_MAPPING
  }
  return transaction.producerEpoch === producer.producerEpoch ? undefined : ErrorCode.PRODUCER_FENCED
}

/** Those of `wanted` that are not in the transaction. */
export function missingPartitions(
  { partitions }: Transaction,
  wanted: TransactionPartitions,
): TransactionPartitions {
  const missing = new Map<string, ReadonlySet<number>>()
  for (const [topic, indexes] of wanted) {
    const known = partitions.get(topic)
    const absent = [...indexes].filter((index) => known?.has(index) !== true)
    if (absent.length > 0) missing.set(topic, new Set(absent))
  }
  return missing
}

export function decideEnd(
  transaction: Transaction | undefined,
  command: CommandOf<'endTransaction'>,
  nowMs: number,
): Decision {
  if (transaction === undefined) return answer(ErrorCode.INVALID_PRODUCER_ID_MAPPING)
  return bumpsEpoch(command.clientVersion)
    ? decideEndWithBump(transaction, command, nowMs)
    : decideClassicEnd(transaction, command, nowMs)
}

/** KIP-890: a repeated request is known by the epoch before the bump. */
function decideEndWithBump(
  transaction: Transaction,
  command: CommandOf<'endTransaction'>,
  nowMs: number,
): Decision {
  if (isPrepared(transaction)) return WAIT
  const { state, producerEpoch } = transaction
  const { result, clientVersion, newProducerId } = command
  const isRetryOfRotation = isRotatedFrom(transaction, command)
  const isRetry = command.producerEpoch + 1 === producerEpoch || isRetryOfRotation
  const isCurrent = command.producerEpoch === producerEpoch
  if (transaction.producerId !== command.producerId && !isRetryOfRotation) {
    return answer(ErrorCode.INVALID_PRODUCER_ID_MAPPING)
  }
  const isComplete = state === 'CompleteCommit' || state === 'CompleteAbort'
  if (!isCurrent && !(isComplete && isRetry)) return answer(ErrorCode.PRODUCER_FENCED)
  if (isRetry) {
    return answer(result === resultOf(transaction) ? ErrorCode.NONE : ErrorCode.INVALID_TXN_STATE)
  }
  // Nothing to commit; an abort may come from a producer that doesn't know whether its first record arrived.
  if (state !== 'Ongoing' && result === 'commit') return answer(ErrorCode.INVALID_TXN_STATE)
  if (isEpochExhausted(producerEpoch) && newProducerId === undefined) return NEEDS_PRODUCER_ID
  const nextProducerId = isEpochExhausted(producerEpoch) ? newProducerId! : NO_PRODUCER_ID
  const next = prepared(transaction, { result, clientVersion, fences: false, nextProducerId }, nowMs)
  return write(next, completed(next, nowMs))
}

function decideClassicEnd(
  transaction: Transaction,
  command: CommandOf<'endTransaction'>,
  nowMs: number,
): Decision {
  const refused = refuseProducer(transaction, command)
  if (refused !== undefined) return answer(refused)
  const { result, clientVersion } = command
  if (transaction.state === 'Ongoing') {
    const ending = { result, clientVersion, fences: false, nextProducerId: NO_PRODUCER_ID }
    return write(prepared(transaction, ending, nowMs))
  }
  if (result !== resultOf(transaction)) return answer(ErrorCode.INVALID_TXN_STATE)
  return isPrepared(transaction) ? WAIT : answer(ErrorCode.NONE)
}

function resultOf({ state }: Transaction): TransactionResult | undefined {
  switch (state) {
    case 'PrepareCommit':
    case 'CompleteCommit':
      return 'commit'
    case 'PrepareAbort':
    case 'CompleteAbort':
      return 'abort'
    case 'Empty':
    case 'Ongoing':
      return undefined
    default:
      return state satisfies never
  }
}
