/**
 * One round over the partitions of a fetch request, within the limits of the request, and the wait for more: Kafka's
 * `ReplicaManager.readFromLog` and `DelayedFetch`.
 */
import type { Clock } from '../../base/clock.ts'
import type { Bytes } from '../../base/file-slice.ts'
import type { HostedPartition, PartitionWatcher } from './hosted-partition.ts'

export interface FetchPosition {
  readonly currentLeaderEpoch: number
  readonly fetchOffset: number
  readonly lastFetchedEpoch: number
  /** Where the client's own log starts, of a follower; -1 for none. */
  readonly logStartOffset: number
  readonly partitionMaxBytes: number
}

/** A partition to read, or the error that answers for it. */
export type PartitionFetch =
  | { readonly errorCode: 0; readonly partition: HostedPartition; readonly target: FetchPosition }
  | { readonly errorCode: number; readonly partition?: undefined; readonly target: FetchPosition }

export interface PartitionFetched {
  readonly errorCode: number
  readonly highWatermark: number
  readonly lastStableOffset: number
  readonly logStartOffset: number
  /** Where the log of the client parts from ours (KIP-595). */
  readonly divergingEpoch: { readonly epoch: number; readonly endOffset: number } | undefined
  /** Null unless the client reads committed records only. */
  readonly abortedTransactions:
    | readonly { readonly producerId: number; readonly firstOffset: number }[]
    | null
  readonly records: readonly Bytes[] | null
  /** Bytes in `records`. */
  readonly size: number
}

export interface FetchLimits {
  /** -1 for a consumer. */
  readonly replicaId: number
  /** Epoch of the follower's registration; -1 where the request has none. */
  readonly replicaEpoch: number
  readonly maxBytes: number
  readonly readCommitted: boolean
  /** As long as there is room, the first batch of every partition is read whole, not that of the first one alone. */
  readonly everyPartition?: boolean
  /** What is read is sent and not looked at. */
  readonly isToSend?: boolean
}

/** In order; a promise where something has to be read from disk. */
export function fetchRound(
  fetches: readonly PartitionFetch[],
  limits: FetchLimits,
): PartitionFetched[] | Promise<PartitionFetched[]> {
  return continueRound(fetches, limits, [], limits.maxBytes, true)
}

function continueRound(
  fetches: readonly PartitionFetch[],
  limits: FetchLimits,
  results: PartitionFetched[],
  bytesLeft: number,
  minOneMessage: boolean,
): PartitionFetched[] | Promise<PartitionFetched[]> {
  let left = bytesLeft
  let first = minOneMessage
  for (let index = results.length; index < fetches.length; index++) {
    const fetch = fetches[index]!
    const result =
      fetch.partition === undefined
        ? failedFetch(fetch.errorCode)
        : fetch.partition.fetch(
            fetch.target,
            limits,
            Math.min(left, fetch.target.partitionMaxBytes),
            first || (limits.everyPartition === true && left > 0),
          )
    if (result instanceof Promise) {
      return result.then((read) => {
        results.push(read)
        return continueRound(
          fetches,
          limits,
          results,
          Math.max(0, left - read.size),
          first && read.size === 0,
        )
      })
    }
    results.push(result)
    if (result.size > 0) first = false
    left = Math.max(0, left - result.size)
  }
  return results
}

/** Nobody is sent what was read: files would stay open until the memory is collected. */
export function releaseFiles(fetched: readonly Pick<PartitionFetched, 'records'>[]): void {
  for (const { records } of fetched) {
    for (const part of records ?? []) if (!Buffer.isBuffer(part)) part.release()
  }
}

export function failedFetch(errorCode: number): PartitionFetched {
  return {
    errorCode,
    highWatermark: -1,
    lastStableOffset: -1,
    logStartOffset: -1,
    divergingEpoch: undefined,
    abortedTransactions: null,
    records: null,
    size: 0,
  }
}

/**
 * Resolves to true when there may be `minBytes` to read or a partition has changed otherwise, to false when `maxWaitMs`
 * have passed without either or the client has gone. `fetched` is what the last round found.
 */
export function waitForBytes(
  fetches: readonly PartitionFetch[],
  fetched: readonly PartitionFetched[],
  minBytes: number,
  maxWaitMs: number,
  clock: Clock,
  client: { onClose(callback: () => void): () => void },
): Promise<boolean> {
  // What came while a later partition of the round was read from disk has told nobody.
  const missed = fetches.some(
    ({ partition }, index) =>
      partition !== undefined && partition.log.highWatermark !== fetched[index]!.highWatermark,
  )
  if (missed) return Promise.resolve(true)
  return new Promise((resolve) => {
    let bytes = 0
    for (const { size } of fetched) bytes += size
    let anything = bytes > 0
    const end = (changed: boolean) => {
      timer.cancel()
      forgetClient()
      for (const { partition } of fetches) partition?.unwatch(watcher)
      resolve(changed)
    }
    const watcher: PartitionWatcher = {
      readable: (addedBytes) => {
        anything = true
        bytes += addedBytes
        if (bytes >= minBytes) end(true)
      },
      changed: () => end(true),
    }
    const timer = clock.setTimer(maxWaitMs, () => end(anything))
    const forgetClient = client.onClose(() => end(false))
    for (const { partition } of fetches) partition?.watch(watcher)
  })
}
