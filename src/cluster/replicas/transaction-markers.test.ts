import { expect, test } from 'vitest'
import type { PartitionLog } from '../../logstore/partition-log.ts'
import type { TransactionMarker } from '../transaction-marker.ts'
import { isOfAnEarlierTransaction } from './transaction-markers.ts'

/** A producer whose transaction is open in this epoch. */
const logWith = (openEpoch: number) => {
  const producers = { hasOngoingTransaction: (_producerId: number, epoch: number) => epoch === openEpoch }
  // Nothing else is asked.
  return { producers } as unknown as PartitionLog
}

const marker = (producerEpoch: number, transactionVersion?: number): TransactionMarker => ({
  producerId: 7,
  producerEpoch,
  coordinatorEpoch: 0,
  result: 'commit',
  ...(transactionVersion !== undefined && { transactionVersion }),
})

test.each([
  {
    what: 'a marker of version 2 in the epoch of the open transaction is late',
    epoch: 4,
    version: 2,
    late: true,
  },
  { what: 'one in the epoch above it ends it', epoch: 5, version: 2, late: false },
  { what: 'of the classic version both have the same epoch', epoch: 4, version: 0, late: false },
  { what: 'of an operator, who names no version, too', epoch: 4, version: undefined, late: false },
])('$what', ({ epoch, version, late }) => {
  expect(isOfAnEarlierTransaction(marker(epoch, version), logWith(4))).toBe(late)
})

test('a transaction that is open in the last epoch of all can be ended, since no marker can be above it', () => {
  expect(isOfAnEarlierTransaction(marker(32767, 2), logWith(32767))).toBe(false)
})

test('a partition that is not here has nothing open', () => {
  expect(isOfAnEarlierTransaction(marker(4, 2), undefined)).toBe(false)
})
