import { type GroupAssignment, type GroupSpec, partitionAssignor, type SubscribedTopics } from './assignor.ts'
import { HeterogeneousAssignment } from './uniform-heterogeneous.ts'
import { assignHomogeneous } from './uniform-homogeneous.ts'

/** Spreads partitions evenly and moves few of them (Kafka's `UniformAssignor`). */
export const uniformAssignor = partitionAssignor('uniform', assignInSteps)

function assignInSteps(group: GroupSpec, topics: SubscribedTopics): Generator<undefined, GroupAssignment> {
  return group.subscriptionType === 'homogeneous'
    ? assignHomogeneous(group, topics)
    : new HeterogeneousAssignment(group, topics).assign()
}
