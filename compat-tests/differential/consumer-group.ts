import { api } from './apis.ts'
import type { Session } from './session.ts'

export interface Beat {
  readonly memberId?: string
  readonly memberEpoch?: number
  readonly instanceId?: string | null
  readonly rackId?: string | null
  readonly rebalanceTimeoutMs?: number
  readonly subscribedTopicNames?: string[] | null
  readonly subscribedTopicRegex?: string | null
  readonly serverAssignor?: string | null
  readonly topicPartitions?: { topicId: string; partitions: number[] }[] | null
}

/** All that a member of a consumer group sends when it joins; what is given replaces it. */
export function joining(groupId: string, beat: Beat = {}) {
  return {
    groupId,
    memberId: 'm',
    memberEpoch: 0,
    instanceId: null,
    rackId: null,
    rebalanceTimeoutMs: 60_000,
    subscribedTopicNames: [],
    subscribedTopicRegex: null,
    serverAssignor: null,
    topicPartitions: [],
    ...beat,
  }
}

/** What it sends when nothing has changed. */
export function beating(groupId: string, beat: Beat = {}) {
  return joining(groupId, {
    rebalanceTimeoutMs: -1,
    subscribedTopicNames: null,
    topicPartitions: null,
    ...beat,
  })
}

const GROUP_RESOURCE = 32
const SET = 0

/** Sets configs of a group and waits until the coordinator has them. */
export async function configureGroup(
  session: Session,
  groupId: string,
  configs: Readonly<Record<string, string>>,
): Promise<void> {
  const resource = { resourceType: GROUP_RESOURCE, resourceName: groupId }
  await session.quiet(api.incrementalAlterConfigs, 1, {
    resources: [
      {
        ...resource,
        configs: Object.entries(configs).map(([name, value]) => ({ name, value, configOperation: SET })),
      },
    ],
    validateOnly: false,
  })
  await session.until(
    api.describeConfigs,
    4,
    { resources: [{ ...resource, configurationKeys: Object.keys(configs) }] },
    ({ results }) => results[0]!.configs.every(({ name, value }) => configs[name] === value),
  )
}
