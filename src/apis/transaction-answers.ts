/** What the handlers of transactional requests share. */
import type { TransactionPartitions } from '../transactions/transaction.ts'
import { ErrorCode } from '../wire/error-codes.ts'

/** Versions of the protocol: the classic one, and KIP-890's, in which every end bumps the epoch. */
export const CLASSIC = 0
export const EPOCH_BUMP = 2

/** The version of AddPartitionsToTxn, AddOffsetsToTxn and EndTxn from which on clients know PRODUCER_FENCED (KIP-588). */
const FIRST_VERSION_WITH_FENCED = 2

export function fencedAs(
  errorCode: number,
  version: number,
  firstVersion = FIRST_VERSION_WITH_FENCED,
): number {
  return errorCode === ErrorCode.PRODUCER_FENCED && version < firstVersion
    ? ErrorCode.INVALID_PRODUCER_EPOCH
    : errorCode
}

export function partitionsByTopic(
  topics: readonly { readonly name: string; readonly partitions: readonly number[] }[],
): TransactionPartitions {
  const byTopic = new Map<string, Set<number>>()
  for (const { name, partitions } of topics) {
    const known = byTopic.get(name) ?? new Set()
    for (const partition of partitions) known.add(partition)
    byTopic.set(name, known)
  }
  return byTopic
}
