import { describe, expect, it, test } from 'vitest'
import { inMemory } from '../base/file-slice.ts'
import { Slices } from '../base/slices.ts'
import type {
  FetchLimits,
  FetchPosition,
  PartitionFetch,
  PartitionFetched,
} from '../cluster/replicas/fetch-round.ts'
import type { HostedPartition } from '../cluster/replicas/hosted-partition.ts'
import { ManualClock } from '../testing/manual-clock.ts'
import { RecordBatch } from '../wire/batch.ts'
import type { CompressionType } from '../wire/compression.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import { messageFaultAt, readMessage } from '../wire/message-set.ts'
import { encodeBatch } from '../wire/records.ts'
import { messageFormatOf, readConverted } from './down-conversion.ts'
import type { RequestContext } from './handler.ts'
import type { Services } from './services.ts'

const START_MS = 1_700_000_000_000

/** Holds batches as they are stored, and counts how often it was read. */
class FakePartition {
  readonly batches: RecordBatch[] = []
  readonly config: { compressionType: CompressionType | 'producer' } = { compressionType: 'producer' }
  reads = 0

  get log() {
    return { config: this.config, highWatermark: this.endOffset }
  }

  get endOffset(): number {
    return this.batches.at(-1)?.nextOffset ?? 0
  }

  add(bytes: Buffer): this {
    bytes.writeInt32BE(this.endOffset, 4)
    this.batches.push(new RecordBatch(bytes))
    return this
  }

  values(...values: string[]): this {
    return this.add(encodeBatch({ records: values.map((value) => ({ value: Buffer.from(value) })) }))
  }

  marker(): this {
    return this.add(encodeBatch({ isControl: true, producerId: 1, producerEpoch: 0, records: [{}] }))
  }

  fetch(
    position: FetchPosition,
    _limits: FetchLimits,
    maxBytes: number,
    minOneMessage: boolean,
  ): PartitionFetched {
    this.reads++
    const buffers: Buffer[] = []
    let size = 0
    for (const batch of this.batches) {
      if (batch.lastOffset < position.fetchOffset) continue
      const fits = size + batch.sizeInBytes <= maxBytes
      if (!fits && !(minOneMessage && size === 0)) break
      buffers.push(batch.bytes)
      size += batch.sizeInBytes
    }
    return {
      errorCode: ErrorCode.NONE,
      highWatermark: this.endOffset,
      lastStableOffset: this.endOffset,
      logStartOffset: 0,
      divergingEpoch: undefined,
      abortedTransactions: null,
      records: buffers,
      size,
    }
  }

  watch(): void {}
  unwatch(): void {}
}

interface Asked {
  readonly version?: number
  readonly fetchOffset?: number
  readonly partitionMaxBytes?: number
  readonly maxBytes?: number
  readonly maxWaitMs?: number
  readonly clock?: ManualClock
}

function read(partitions: readonly FakePartition[], asked: Asked = {}) {
  const { version = 2, clock = new ManualClock(START_MS) } = asked
  const fetches = partitions.map(
    (partition): PartitionFetch => ({
      errorCode: ErrorCode.NONE as 0,
      // Of a replica that this broker holds, a fetch needs no more than the fake has.
      partition: partition as unknown as HostedPartition,
      target: {
        currentLeaderEpoch: -1,
        fetchOffset: asked.fetchOffset ?? 0,
        lastFetchedEpoch: -1,
        logStartOffset: -1,
        partitionMaxBytes: asked.partitionMaxBytes ?? 1_000_000,
      },
    }),
  )
  return readConverted(
    { apiVersion: version, onClose: () => () => {} } as unknown as RequestContext,
    fetches,
    messageFormatOf(version)!,
    { replicaId: -1, replicaEpoch: -1, maxBytes: asked.maxBytes ?? 0x7fffffff, readCommitted: false },
    { minBytes: 1, deadlineMs: clock.monotonicMs() + (asked.maxWaitMs ?? 0) },
    { clock, slices: new Slices(clock) } as unknown as Services,
  )
}

function offsets({ records }: PartitionFetched): number[] {
  const set = Buffer.concat(inMemory(records ?? []))
  const found: number[] = []
  for (let at = 0; messageFaultAt(set, at) === undefined; ) {
    const message = readMessage(set, at)
    found.push(message.offset)
    at += message.sizeInBytes
  }
  return found
}

function bytesOf(fetched: PartitionFetched): number {
  return (fetched.records ?? []).reduce((sum, { length }) => sum + length, 0)
}

test('each version is given the format that it takes', () => {
  expect([0, 1, 2, 3, 4, 18].map(messageFormatOf)).toEqual([0, 0, 1, 1, undefined, undefined])
})

test('batches become messages from the offset that was asked for', async () => {
  const [fetched] = await read([new FakePartition().values('a', 'b').values('c', 'd')], { fetchOffset: 1 })
  expect(offsets(fetched!)).toEqual([1, 2, 3])
  expect(fetched!.size).toBe(bytesOf(fetched!))
})

test('a fetch reads on behind control records, which have no message', async () => {
  const [fetched] = await read([new FakePartition().marker().marker().values('a')], {
    partitionMaxBytes: 100,
  })
  expect(offsets(fetched!)).toEqual([2])
})

test('a fetch that finds control records alone waits as one that finds nothing', async () => {
  const clock = new ManualClock(START_MS)
  const partition = new FakePartition().marker().marker()
  let answered = false
  const answer = read([partition], { maxWaitMs: 500, clock }).then((fetched) => {
    answered = true
    return fetched
  })
  for (let turn = 0; turn < 20; turn++) await Promise.resolve()
  expect(answered).toBe(false)
  const readsBefore = partition.reads
  expect(readsBefore).toBeLessThanOrEqual(3)
  clock.advance(500)
  const [fetched] = await answer
  expect(fetched).toMatchObject({ errorCode: ErrorCode.NONE, size: 0 })
  expect(partition.reads).toBeLessThanOrEqual(readsBefore + 1)
})

describe('a batch above the limit', () => {
  const large = () =>
    new FakePartition().values('a'.repeat(100), 'b'.repeat(100), 'c'.repeat(100)).values('d')

  it.each([0, 1, 2])(
    'gives Fetch v%i the messages that fit, and no more bytes than the limit',
    async (version) => {
      const [fetched] = await read([large()], { version, partitionMaxBytes: 300 })
      expect(offsets(fetched!)).toEqual([0, 1])
      expect(bytesOf(fetched!)).toBeLessThanOrEqual(300)
    },
  )

  it.each([0, 1, 2])('gives Fetch v%i the beginning of a message that does not fit', async (version) => {
    const [fetched] = await read([large()], { version, partitionMaxBytes: 50 })
    expect(offsets(fetched!)).toEqual([])
    expect(bytesOf(fetched!)).toBe(50)
  })

  it('gives Fetch v3 all of its messages', async () => {
    const [fetched] = await read([large()], { version: 3, partitionMaxBytes: 50 })
    expect(offsets(fetched!)).toEqual([0, 1, 2])
  })

  it('is read for every partition of a Fetch v2, and for the first one of a Fetch v3', async () => {
    const first = await read([large(), large()], { version: 2, partitionMaxBytes: 200 })
    expect(first.map(offsets)).toEqual([[0], [0]])
    const second = await read([large(), large()], { version: 3, partitionMaxBytes: 200 })
    expect(second.map(offsets)).toEqual([[0, 1, 2], []])
  })
})

test('all partitions together stay within the limit of the request', async () => {
  const filled = () => new FakePartition().values('a'.repeat(200)).values('b'.repeat(200))
  const fetched = await read([filled(), filled(), filled()], { version: 3, maxBytes: 600 })
  expect(fetched.reduce((sum, partition) => sum + bytesOf(partition), 0)).toBeLessThanOrEqual(600)
  expect(fetched.map(offsets)[0]).toEqual([0, 1])
})

describe('what cannot be converted', () => {
  const zstd = () => encodeBatch({ compression: 'zstd', records: [{ value: Buffer.from('z') }] })
  const broken = () => {
    const bytes = encodeBatch({ compression: 'gzip', records: [{ value: Buffer.from('z') }] })
    bytes.fill(0, 61)
    return bytes
  }
  const cases: [string, () => Buffer, number][] = [
    ['zstd', zstd, ErrorCode.UNSUPPORTED_COMPRESSION_TYPE],
    ['a batch that does not decompress', broken, ErrorCode.CORRUPT_MESSAGE],
  ]

  it.each(cases)('%s ends the answer behind what can', async (_what, bytes) => {
    const [fetched] = await read([new FakePartition().values('a').add(bytes()).values('b')])
    expect(fetched).toMatchObject({ errorCode: ErrorCode.NONE })
    expect(offsets(fetched!)).toEqual([0])
  })

  it.each(cases)('%s is the partition’s error where it comes first', async (_what, bytes, errorCode) => {
    const fetched = await read([new FakePartition().add(bytes()), new FakePartition().values('a')])
    expect(fetched.map((partition) => partition.errorCode)).toEqual([errorCode, ErrorCode.NONE])
    expect(offsets(fetched[1]!)).toEqual([0])
  })

  it('a topic that is configured for zstd is refused before it is read', async () => {
    const partition = new FakePartition().values('a')
    partition.config.compressionType = 'zstd'
    const [fetched] = await read([partition])
    expect(fetched).toMatchObject({ errorCode: ErrorCode.UNSUPPORTED_COMPRESSION_TYPE })
    expect(partition.reads).toBe(0)
  })
})
