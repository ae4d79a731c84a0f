/** Reads what a Fetch asks for, and waits until there is enough of it. */
import {
  type FetchLimits,
  fetchRound,
  type PartitionFetch,
  type PartitionFetched,
  releaseFiles,
  waitForBytes,
} from '../cluster/replicas/fetch-round.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import type { RequestContext } from './handler.ts'
import type { Services } from './services.ts'

export interface FetchWait {
  readonly minBytes: number
  /** By the monotonic clock. */
  readonly deadlineMs: number
}

export async function readWithin(
  context: RequestContext,
  fetches: readonly PartitionFetch[],
  limits: FetchLimits,
  { minBytes, deadlineMs }: FetchWait,
  { clock }: Services,
): Promise<readonly PartitionFetched[]> {
  for (;;) {
    const round = fetchRound(fetches, limits)
    if (round instanceof Promise) context.time?.pause()
    const fetched = round instanceof Promise ? await round : round
    context.time?.resume()
    if (fetches.length === 0 || isEnough(fetched, minBytes)) return fetched
    const leftMs = deadlineMs - clock.monotonicMs()
    if (leftMs <= 0) return fetched
    context.time?.pause()
    if (!(await waitForBytes(fetches, fetched, minBytes, leftMs, clock, context))) return fetched
    releaseFiles(fetched)
  }
}

function isEnough(fetched: readonly PartitionFetched[], minBytes: number): boolean {
  let bytes = 0
  for (const partition of fetched) {
    if (partition.errorCode !== ErrorCode.NONE || partition.divergingEpoch !== undefined) return true
    bytes += partition.size
  }
  return bytes >= minBytes
}
