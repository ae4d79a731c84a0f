import { expect, test } from 'vitest'
import { FileSlice } from '../base/file-slice.ts'
import { failedFetch, type PartitionFetch, type PartitionFetched } from '../cluster/replicas/fetch-round.ts'
import type { HostedPartition, PartitionWatcher } from '../cluster/replicas/hosted-partition.ts'
import { ManualClock } from '../testing/manual-clock.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import { readWithin } from './fetch-reads.ts'
import type { RequestContext } from './handler.ts'
import type { Services } from './services.ts'

class CountedSlice extends FileSlice {
  readonly length = 10
  releases = 0
  sendTo(): number {
    return 0
  }
  async read(): Promise<void> {}
  release(): void {
    this.releases++
  }
}

test('what was read and is read again with more holds no file open', async () => {
  const slices: CountedSlice[] = []
  let watcher: PartitionWatcher | undefined
  const partition = {
    log: { highWatermark: -1 },
    fetch(): PartitionFetched {
      slices.push(new CountedSlice())
      return { ...failedFetch(ErrorCode.NONE), records: [...slices], size: 10 * slices.length }
    },
    watch: (wakes: PartitionWatcher) => {
      watcher = wakes
    },
    unwatch: () => {},
  } as unknown as HostedPartition
  const target = {
    currentLeaderEpoch: -1,
    fetchOffset: 0,
    lastFetchedEpoch: -1,
    logStartOffset: -1,
    partitionMaxBytes: 1000,
  }
  const fetches: PartitionFetch[] = [{ errorCode: 0, partition, target }]
  const clock = new ManualClock(0)
  const reading = readWithin(
    { onClose: () => () => {} } as unknown as RequestContext,
    fetches,
    { replicaId: -1, replicaEpoch: -1, maxBytes: 1000, readCommitted: false },
    { minBytes: 20, deadlineMs: clock.monotonicMs() + 1000 },
    { clock } as unknown as Services,
  )
  expect(slices.map(({ releases }) => releases)).toEqual([0])
  watcher?.readable(10)
  expect((await reading)[0]!.size).toBe(20)
  expect(slices.map(({ releases }) => releases)).toEqual([1, 0])
})
