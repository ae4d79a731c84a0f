import { expect, test } from 'vitest'
import type { LogConfig } from '../../logstore/log-config.ts'
import { MemoryFileSystem } from '../../logstore/memory-fs.ts'
import { batchOf, logFixture } from '../../testing/log-fixture.ts'
import { ErrorCode } from '../../wire/error-codes.ts'
import type { PartitionImage } from '../metadata/image.ts'
import { Partition } from '../partition.ts'
import { encodeMarker } from '../transaction-marker.ts'
import { HostedPartition } from './hosted-partition.ts'

const BROKER = 1
const image: PartitionImage = {
  partition: 0,
  replicas: [BROKER],
  isr: [BROKER],
  leader: BROKER,
  leaderEpoch: 0,
  partitionEpoch: 0,
}
const client = { origin: 'client', acksAll: true } as const

/** A leader whose producers wait for the device. */
function flushedPartition() {
  return hostedPartition({ flushMessages: 1 })
}

/** A leader. */
function hostedPartition(config: Partial<LogConfig>) {
  const fixture = logFixture(new MemoryFileSystem())
  const log = fixture.open({}, config)
  const state = new Partition({
    partition: 0,
    brokerId: BROKER,
    replicaLagTimeMaxMs: () => 1000,
    minInsyncReplicas: () => 1,
    mayJoinIsr: () => true,
  })
  const partition = new HostedPartition(
    { topic: 'topic', topicId: 'AAAAAAAAAAAAAAAAAAAAAQ', partition: 0 },
    log,
    state,
    fixture.clock,
  )
  partition.apply(image)
  return { ...fixture, log, partition }
}

test.each([
  ['the same', 0],
  ['a new', 1],
])(
  'the high watermark stays below what is not on the device when an image of %s leader epoch comes, and then moves',
  async (_, leaderEpoch) => {
    const { log, partition } = flushedPartition()
    await partition.append(batchOf(['a', 'b']), client).flushed
    expect(log.highWatermark).toBe(2)
    const first = partition.append(batchOf(['c']), client)
    const second = partition.append(batchOf(['d']), client)
    partition.apply({ ...image, leaderEpoch, partitionEpoch: 1 })
    expect([log.highWatermark, log.durableOffset, partition.isSettled(2)]).toEqual([2, 2, false])
    expect(log.leaderEpochs.latestEpoch).toBe(leaderEpoch)
    await Promise.all([first.flushed, second.flushed])
    expect([log.highWatermark, log.durableOffset, partition.isSettled(3)]).toEqual([4, 4, true])
    partition.append(batchOf(['e']), client)
    partition.apply({ ...image, leaderEpoch, partitionEpoch: 2 })
    expect(log.highWatermark).toBe(4)
  },
)

test('an append that waits for the device waits for that of the copy that takes the place of its log', async () => {
  const { log, partition, open } = flushedPartition()
  const copy = open({ directory: '/other/topic-0' }, { flushMessages: 1 })
  const { flushed } = partition.append(batchOf(['a']), client)
  const { buffers } = log.readNow(0, 1000)
  copy.appendAsFollower(Buffer.concat(buffers))
  log.abandon()
  partition.replaceLog(copy)
  expect([copy.highWatermark, copy.durableOffset]).toEqual([0, 0])
  await flushed
  expect([copy.highWatermark, copy.durableOffset, partition.isSettled(0)]).toEqual([1, 1, true])
})

test('records that are read while their segment goes are not taken for committed', async () => {
  const { log, partition, clock } = hostedPartition({ segmentBytes: 300, retentionBytes: 1 })
  const producer = { producerId: 7, producerEpoch: 0 }
  partition.append(
    batchOf(['x'.repeat(100)], { ...producer, baseSequence: 0, isTransactional: true }),
    client,
  )
  const marker = { ...producer, coordinatorEpoch: 0, result: 'abort' as const }
  partition.append(encodeMarker(marker, clock.now()), { origin: 'coordinator', acksAll: true })
  partition.append(batchOf(['y'.repeat(100)]), client)
  const limits = { replicaId: -1, replicaEpoch: -1, maxBytes: 1000, readCommitted: true }
  const position = { currentLeaderEpoch: -1, fetchOffset: 0, lastFetchedEpoch: -1, logStartOffset: -1 }
  const fetch = () => partition.fetch({ ...position, partitionMaxBytes: 1000 }, limits, 1000, true)
  const aborted = [{ producerId: 7, firstOffset: 0 }]
  expect(await fetch()).toMatchObject({ abortedTransactions: aborted, errorCode: ErrorCode.NONE })
  const underWay = fetch()
  expect(log.deleteOldSegments(clock.now())).toBeGreaterThan(0)
  expect(await underWay).toMatchObject({ records: null, errorCode: ErrorCode.OFFSET_OUT_OF_RANGE })
})
