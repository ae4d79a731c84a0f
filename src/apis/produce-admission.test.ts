import { expect, test } from 'vitest'
import type { HostedPartition } from '../cluster/replicas/hosted-partition.ts'
import type { TransactionPartitions } from '../transactions/transaction.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import { type BatchInput, encodeBatch } from '../wire/records.ts'
import { admitBatches, watchTransactions } from './produce-admission.ts'
import type { Services } from './services.ts'

const PRODUCER = { producerId: 7, producerEpoch: 3 }

/** What a partition knows of the producer. */
class FakePartition {
  readonly topic = 't'
  readonly partition: number
  openEpoch: number | undefined
  markers = 0
  isKnown = true
  epoch = -1
  readonly log: unknown

  constructor(partition: number, openEpoch?: number) {
    this.partition = partition
    this.openEpoch = openEpoch
    this.log = {
      producers: {
        hasOngoingTransaction: (_producerId: number, epoch: number) => epoch === this.openEpoch,
        markersOf: () => this.markers,
        entries: {
          has: () => this.isKnown,
          get: () => ({ producerEpoch: this.epoch }),
        },
      },
    }
  }

  end(): void {
    this.openEpoch = undefined
    this.markers += 1
  }

  get hosted(): HostedPartition {
    // Admission looks at nothing else.
    return this as unknown as HostedPartition
  }
}

/** The coordinator's part, which remembers what it was asked. */
function coordinator(errorCode: number = ErrorCode.NONE) {
  const asked: TransactionPartitions[] = []
  const services = {
    configs: { broker: { transactionPartitionVerificationEnable: true } },
    transactions: {
      execute: async ({ partitions }: { partitions: TransactionPartitions }) => {
        asked.push(partitions)
        return { errorCode, missing: new Map() }
      },
    },
  }
  // Admission looks at nothing else.
  return { asked, services: services as unknown as Services }
}

const batch = (input: Partial<BatchInput> = {}) =>
  encodeBatch({
    records: [{ value: Buffer.from('v') }],
    ...PRODUCER,
    baseSequence: 0,
    isTransactional: true,
    ...input,
  })

test('a transaction that is open in every partition costs no question', () => {
  const { services, asked } = coordinator()
  const { hosted: partition } = new FakePartition(0, 3)
  expect(admitBatches(13, 'id', [{ partition, records: batch() }], services)).toBeUndefined()
  expect(asked).toEqual([])
})

test('a transaction that ends in one partition while another is asked about is not written to', async () => {
  const { services, asked } = coordinator()
  const [open, other] = [new FakePartition(0, 3), new FakePartition(1)]
  const records = batch()
  const admitted = admitBatches(
    11,
    'id',
    [
      { partition: open.hosted, records },
      { partition: other.hosted, records },
    ],
    services,
  )
  open.end()
  const verdict = (await admitted)!
  expect(asked).toEqual([new Map([['t', new Set([1])]])])
  expect(verdict(open.hosted, records)?.errorCode).toBe(ErrorCode.INVALID_TXN_STATE)
  expect(verdict(other.hosted, records)).toBeUndefined()
})

test('a marker that comes while the coordinator is asked refuses the batch', async () => {
  const { services } = coordinator()
  const partition = new FakePartition(0)
  const records = batch()
  const admitted = admitBatches(12, 'id', [{ partition: partition.hosted, records }], services)
  partition.end()
  expect((await admitted)!(partition.hosted, records)?.errorCode).toBe(ErrorCode.INVALID_TXN_STATE)
})

test('a producer of an epoch before the one that a partition knows is fenced there, and nobody is asked', async () => {
  const { services, asked } = coordinator(ErrorCode.INVALID_PRODUCER_ID_MAPPING)
  const [fencing, other] = [new FakePartition(0), new FakePartition(1)]
  fencing.epoch = 4
  const [first, second] = [batch(), batch()]
  const alone = await admitBatches(12, 'id', [{ partition: fencing.hosted, records: first }], services)
  expect(alone!(fencing.hosted, first)?.errorCode).toBe(ErrorCode.INVALID_PRODUCER_EPOCH)
  expect(asked).toEqual([])
  const both = await admitBatches(
    12,
    'id',
    [
      { partition: fencing.hosted, records: first },
      { partition: other.hosted, records: second },
    ],
    services,
  )
  expect(asked).toEqual([new Map([['t', new Set([1])]])])
  expect(both!(fencing.hosted, first)?.errorCode).toBe(ErrorCode.INVALID_PRODUCER_EPOCH)
  expect(both!(other.hosted, second)?.errorCode).toBe(ErrorCode.INVALID_PRODUCER_ID_MAPPING)
})

test.each([
  { of: 'another epoch', other: { producerEpoch: 4 } },
  { of: 'another producer', other: { producerId: 8 } },
])('a batch of $of beside it refuses them all', async ({ other }) => {
  const { services, asked } = coordinator()
  const [first, second] = [new FakePartition(0, 3), new FakePartition(1, 3)]
  const [own, foreign] = [batch(), batch(other)]
  const verdict = (await admitBatches(
    13,
    'id',
    [
      { partition: first.hosted, records: own },
      { partition: second.hosted, records: foreign },
    ],
    services,
  ))!
  expect(verdict(first.hosted, own)?.errorCode).toBe(ErrorCode.INVALID_PRODUCER_ID_MAPPING)
  expect(verdict(second.hosted, foreign)?.errorCode).toBe(ErrorCode.INVALID_PRODUCER_ID_MAPPING)
  expect(asked).toEqual([])
})

test('a batch of nobody is in no transaction, whatever it says', () => {
  const { services } = coordinator(ErrorCode.INVALID_PRODUCER_ID_MAPPING)
  const { hosted: partition } = new FakePartition(0)
  const records = batch({ producerId: -1, producerEpoch: -1, baseSequence: -1 })
  expect(admitBatches(13, 'id', [{ partition, records }], services)).toBeUndefined()
})

test('a batch outside of any transaction is not asked about, and is the log to judge', async () => {
  const { services, asked } = coordinator(ErrorCode.INVALID_PRODUCER_ID_MAPPING)
  const [inside, outside] = [new FakePartition(0), new FakePartition(1)]
  const [records, plain] = [batch(), batch({ isTransactional: false })]
  const verdict = (await admitBatches(
    13,
    'id',
    [
      { partition: inside.hosted, records },
      { partition: outside.hosted, records: plain },
    ],
    services,
  ))!
  expect(asked).toEqual([new Map([['t', new Set([0])]])])
  expect(verdict(outside.hosted, plain)).toBeUndefined()
  expect(verdict(inside.hosted, records)?.errorCode).toBe(ErrorCode.INVALID_PRODUCER_ID_MAPPING)
})

test.each([11, 12])(
  'a producer that a partition does not know begins at 0 from v12 on: v%d',
  async (version) => {
    const { services } = coordinator()
    const partition = new FakePartition(0)
    partition.isKnown = false
    const records = batch({ baseSequence: 5 })
    const verdict = (await admitBatches(version, 'id', [{ partition: partition.hosted, records }], services))!
    const ask = () => verdict(partition.hosted, records)
    if (version < 12) expect(ask()).toBeUndefined()
    else expect(ask).toThrow(/begins at sequence 5/)
  },
)

test('a batch that others had their turn before is refused once its transaction has ended, and no other', () => {
  const [ended, open] = [new FakePartition(0, 3), new FakePartition(1, 3)]
  const [first, second, plain] = [batch(), batch(), batch({ isTransactional: false })]
  const verdict = watchTransactions([
    { partition: ended.hosted, records: first },
    { partition: open.hosted, records: second },
    { partition: ended.hosted, records: plain },
  ])
  expect(verdict(ended.hosted, first)).toBeUndefined()
  ended.end()
  expect(verdict(ended.hosted, first)?.errorCode).toBe(ErrorCode.INVALID_TXN_STATE)
  expect(verdict(open.hosted, second)).toBeUndefined()
  expect(verdict(ended.hosted, plain)).toBeUndefined()
})
