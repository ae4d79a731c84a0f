import type { TakePartitions } from '../cluster/controller.ts'
import type { RequestContext } from './handler.ts'
import type { Services } from './services.ts'

/**
 * Runs what makes or deletes partitions under the client's quota on that, and throttles the client for what it
 * changed. From `strictSince` on clients know THROTTLING_QUOTA_EXCEEDED and are refused; older ones are only throttled.
 */
export async function changingPartitions<T>(
  context: RequestContext,
  strictSince: number,
  { quotas, clock }: Services,
  change: (take: TakePartitions) => Promise<T>,
): Promise<T> {
  const allowance = quotas.mutations.allowance(context.quotaClient, context.apiVersion >= strictSince)
  const result = await change((topic, partitions) => allowance.take(topic, partitions, clock.monotonicMs()))
  context.throttle('controller_mutation', allowance.throttleMs(clock.monotonicMs()))
  return result
}
