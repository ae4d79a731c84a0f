import type { MetadataImage } from '../../cluster/metadata/image.ts'
import { ErrorCode, KafkaError } from '../../wire/error-codes.ts'
import type { TopicPartitions } from '../assignor/assignor.ts'
import type { ConsumerGroup } from './consumer-group.ts'
import { type ConsumerMember, isReconciledTo, MemberState } from './member.ts'
import { NO_PARTITION_EPOCHS, type PartitionEpochs } from './partition-epochs.ts'

/** Partitions as a member reports them. */
export type OwnedPartitions = readonly {
  readonly topicId: string
  readonly partitions: readonly number[]
}[]

export interface Reconciliation {
  readonly group: ConsumerGroup
  readonly member: ConsumerMember
  /** What the member is to own, and from which epoch on. */
  readonly target: TopicPartitions
  readonly targetEpoch: number
  /** The member has just changed what it subscribes to. */
  readonly subscriptionChanged: boolean
  /** What the member says that it owns; null when it says nothing. */
  readonly owned: OwnedPartitions | null
  readonly image: MetadataImage
}

/**
 * The member's next step towards its target, or the member itself where there is none (Kafka's
 * `CurrentAssignmentBuilder`). It is given partitions only when nobody owns them any more, gives up what it must before
 * it gets anything new, and loses topics that it no longer subscribes to at once.
 */
export function reconcile(reconciliation: Reconciliation): ConsumerMember {
  const { member, targetEpoch, subscriptionChanged, owned } = reconciliation
  if (!subscriptionChanged && isReconciledTo(member, targetEpoch)) return member
  switch (member.state) {
    case MemberState.STABLE:
      if (member.memberEpoch !== targetEpoch) return moveTowardsTarget(reconciliation)
      return subscriptionChanged ? dropUnsubscribed(reconciliation) : member
    case MemberState.UNREVOKED_PARTITIONS:
      if (mayOwn(owned, member.pendingRevocation)) {
        return subscriptionChanged ? dropUnsubscribed(reconciliation) : member
      }
      return moveTowardsTarget(reconciliation)
    case MemberState.UNRELEASED_PARTITIONS:
      return moveTowardsTarget(reconciliation)
    case MemberState.UNKNOWN:
      if (owned === null || owned.length > 0) {
        throw new KafkaError(
          ErrorCode.FENCED_MEMBER_EPOCH,
          'The consumer group member is in a unknown state. The member must abandon all its partitions and rejoin.',
        )
      }
      return moveTowardsTarget(reconciliation)
    default:
      return member.state satisfies never
  }
}

/** Whether the member still owns one of these as far as it has told. */
function mayOwn(owned: OwnedPartitions | null, partitions: PartitionEpochs): boolean {
  if (owned === null) return true
  return owned.some(({ topicId, partitions: list }) => {
    const epochs = partitions.get(topicId)
    return epochs !== undefined && list.some((partition) => epochs.has(partition))
  })
}

/** Whether the member subscribes to a topic, which has to exist. */
function subscribes({ group, member, image }: Reconciliation): (topicId: string) => boolean {
  const topics = group.subscriptions.topicsOf(member)
  return (topicId) => {
    const name = image.topicsById.get(topicId)?.name
    return name !== undefined && topics.has(name)
  }
}

/** Within its epoch, the member has to give up topics that it no longer subscribes to. */
function dropUnsubscribed(reconciliation: Reconciliation): ConsumerMember {
  const { member, owned } = reconciliation
  const isSubscribed = subscribes(reconciliation)
  const assigned = new Map(member.assigned)
  const pendingRevocation = new Map(member.pendingRevocation)
  for (const [topicId, epochs] of member.assigned) {
    if (isSubscribed(topicId)) continue
    assigned.delete(topicId)
    pendingRevocation.set(topicId, new Map([...(pendingRevocation.get(topicId) ?? []), ...epochs]))
  }
  if (assigned.size === member.assigned.size) return member
  const next = { ...member, assigned, previousMemberEpoch: member.memberEpoch }
  return mayOwn(owned, pendingRevocation)
    ? { ...next, state: MemberState.UNREVOKED_PARTITIONS, pendingRevocation }
    : next
}

function moveTowardsTarget(reconciliation: Reconciliation): ConsumerMember {
  const { group, member, target, targetEpoch, owned } = reconciliation
  const isSubscribed = subscribes(reconciliation)
  const assigned = new Map<string, Map<number, number>>()
  const toRevoke = new Map<string, Map<number, number>>()
  const toAssign: (readonly [topicId: string, partition: number])[] = []
  let hasUnreleased = false

  for (const [topicId, epochs] of member.assigned) {
    const wanted = new Set(isSubscribed(topicId) ? target.get(topicId) : undefined)
    for (const [partition, epoch] of epochs) {
      put(wanted.has(partition) ? assigned : toRevoke, topicId, partition, epoch)
    }
  }
  for (const [topicId, partitions] of target) {
    if (!isSubscribed(topicId)) continue
    const kept = assigned.get(topicId)
    // A partition that the member itself has yet to give up belongs to nobody else.
    const ownPending = member.pendingRevocation.get(topicId)
    for (const partition of partitions) {
      if (kept?.has(partition) === true) continue
      if (group.isOwned(topicId, partition) && ownPending?.has(partition) !== true) hasUnreleased = true
      else toAssign.push([topicId, partition])
    }
  }

  if (toRevoke.size > 0 && mayOwn(owned, toRevoke)) {
    return {
      ...member,
      state: MemberState.UNREVOKED_PARTITIONS,
      previousMemberEpoch: member.memberEpoch,
      assigned,
      pendingRevocation: toRevoke,
    }
  }
  for (const [topicId, partition] of toAssign) put(assigned, topicId, partition, targetEpoch)
  return {
    ...member,
    state: hasUnreleased ? MemberState.UNRELEASED_PARTITIONS : MemberState.STABLE,
    memberEpoch: targetEpoch,
    previousMemberEpoch: member.memberEpoch,
    assigned,
    pendingRevocation: NO_PARTITION_EPOCHS,
  }
}

function put(
  into: Map<string, Map<number, number>>,
  topicId: string,
  partition: number,
  epoch: number,
): void {
  const epochs = into.get(topicId)
  if (epochs === undefined) into.set(topicId, new Map([[partition, epoch]]))
  else epochs.set(partition, epoch)
}
