import { api, versionsOf } from '../apis.ts'
import { type Beat, beating, configureGroup, joining } from '../consumer-group.ts'
import type { Scenario } from '../scenario.ts'
import type { Session } from '../session.ts'
import { subscription } from '../subscription.ts'

const TOPIC = 'consumer-groups'

export const consumerGroups: Scenario = {
  name: 'consumer-groups',
  async run(session) {
    const topicId = await session.makeTopic(TOPIC, 4)
    await session.groupIsServed('consumer-a')
    for (const version of versionsOf(api.consumerGroupHeartbeat)) {
      await invalid(session, version)
      await life(session, version, topicId)
      await epochs(session, version, topicId)
      await staticMembers(session, version, topicId)
    }
    await patterns(session)
    await administration(session, topicId)
  },
}

const named = (groupId: string) => ({ groupIds: [groupId], includeAuthorizedOperations: false })

/** Asks with a heartbeat; `step` carries the version. */
function asker(session: Session, version: number) {
  return (step: string, request: ReturnType<typeof joining>) =>
    session.ask(`${step} v${version}`, api.consumerGroupHeartbeat, version, request)
}

async function served(session: Session, groupId: string): Promise<void> {
  await session.groupIsServed(groupId)
  await configureGroup(session, groupId, { 'consumer.assignment.interval.ms': '0' })
}

async function invalid(session: Session, version: number): Promise<void> {
  const groupId = `consumer-invalid-v${version}`
  await session.groupIsServed(groupId)
  const ask = asker(session, version)
  const joins = (step: string, beat: Beat, group = groupId) => ask(step, joining(group, beat))
  await joins('join without a group id', {}, '')
  await joins('join a blank group id', {}, ' ')
  if (version > 0) await joins('join without a member id', { memberId: '' })
  await joins('join with a blank member id', { memberId: ' ' })
  await joins('join with an empty instance id', { instanceId: '' })
  await joins('join with an empty rack id', { rackId: '' })
  await joins('join without a rebalance timeout', { rebalanceTimeoutMs: -1 })
  await joins('join without partitions', { topicPartitions: null })
  await joins('join with partitions', {
    topicPartitions: [{ topicId: 'xxxxxxxxxxxxxxxxxxxxxw', partitions: [0] }],
  })
  await joins('join without a subscription', { subscribedTopicNames: null })
  await joins('join with an unknown assignor', { serverAssignor: 'mine' })
  await joins('join with an empty assignor', { serverAssignor: '' })
  await ask('heartbeat without a member id', beating(groupId, { memberId: '', memberEpoch: 1 }))
  await ask('leave without a member id', beating(groupId, { memberId: '', memberEpoch: -1 }))
  await ask('epoch -2 without an instance id', beating(groupId, { memberEpoch: -2 }))
  await ask('epoch -3', beating(groupId, { memberEpoch: -3 }))
  await ask('heartbeat to a missing group', beating(groupId, { memberEpoch: 1 }))
  await ask('leave a missing group', beating(groupId, { memberEpoch: -1 }))
  await ask('leave a missing group for a while', beating(groupId, { memberEpoch: -2, instanceId: 'i' }))
  if (version > 0) {
    await joins('join with a bad pattern', { subscribedTopicNames: null, subscribedTopicRegex: 'a(b' })
    await joins('join with a look-ahead', { subscribedTopicNames: null, subscribedTopicRegex: '(?=a)' })
    await joins('join with a repetition without end', {
      subscribedTopicNames: null,
      subscribedTopicRegex: '*',
    })
  }
  await session.ask(`describe what was refused v${version}`, api.consumerGroupDescribe, 1, named(groupId))
}

async function life(session: Session, version: number, topicId: string): Promise<void> {
  const groupId = `consumer-life-v${version}`
  await served(session, groupId)
  const ask = asker(session, version)
  const describe = (step: string) =>
    session.ask(`${step} v${version}`, api.consumerGroupDescribe, 1, named(groupId))
  const a = (beat: Beat) => beating(groupId, { memberId: 'a', ...beat })
  const b = (beat: Beat) => beating(groupId, { memberId: 'b', ...beat })
  const owned = (...partitions: number[]) => [{ topicId, partitions }]

  const first = await ask(
    'a joins',
    joining(groupId, {
      memberId: 'a',
      subscribedTopicNames: [TOPIC, 'consumer-missing'],
      rackId: 'rack',
      serverAssignor: 'range',
    }),
  )
  await describe('a is described')
  let epoch = first.memberEpoch
  await ask('a says what it owns', a({ memberEpoch: epoch, topicPartitions: owned(0, 1, 2, 3) }))
  await ask('a says nothing', a({ memberEpoch: epoch }))
  await ask('a says all again', {
    ...a({ memberEpoch: epoch, topicPartitions: owned(0, 1, 2, 3) }),
    rebalanceTimeoutMs: 60_000,
    subscribedTopicNames: [TOPIC, 'consumer-missing'],
  })
  await ask('a joins again', joining(groupId, { memberId: 'a', subscribedTopicNames: [TOPIC] }))
  await describe('a has dropped a topic')
  epoch = first.memberEpoch + 1

  const second = await ask('b joins', joining(groupId, { memberId: 'b', subscribedTopicNames: [TOPIC] }))
  await describe('b waits')
  await ask('a is told to give up', a({ memberEpoch: epoch, topicPartitions: owned(0, 1, 2, 3) }))
  await describe('a gives up')
  await ask('b waits still', b({ memberEpoch: second.memberEpoch, topicPartitions: [] }))
  await ask('a says nothing of what it owns', a({ memberEpoch: epoch }))
  const moved = await ask('a has given up', a({ memberEpoch: epoch, topicPartitions: owned(0, 1) }))
  await describe('a has moved')
  await ask('b is given its part', b({ memberEpoch: second.memberEpoch, topicPartitions: [] }))
  await describe('both are stable')

  await ask('b subscribes to nothing', {
    ...b({ memberEpoch: second.memberEpoch, topicPartitions: owned(2, 3) }),
    subscribedTopicNames: [],
  })
  await describe('b has to give up all')
  await ask('b votes', b({ memberEpoch: moved.memberEpoch, topicPartitions: [], serverAssignor: 'uniform' }))
  await describe('b has voted')
  await ask('b leaves', b({ memberEpoch: -1 }))
  await ask('b leaves again', b({ memberEpoch: -1 }))
  await ask('b is heard of after it left', b({ memberEpoch: 5 }))
  await ask('a gets all again', a({ memberEpoch: moved.memberEpoch, topicPartitions: owned(0, 1) }))
  await describe('a alone')
  await ask('a leaves', a({ memberEpoch: -1 }))
  await describe('nobody is left')
  await ask('a joins the empty group', joining(groupId, { memberId: 'a', subscribedTopicNames: [TOPIC] }))
  await ask('a leaves the group empty', a({ memberEpoch: -1 }))
  if (version === 0) {
    const { memberId } = await ask('a member without an id joins', joining(groupId, { memberId: '' }))
    await ask('it leaves', beating(groupId, { memberId: memberId ?? '', memberEpoch: -1 }))
  }
}

async function epochs(session: Session, version: number, topicId: string): Promise<void> {
  const groupId = `consumer-epochs-v${version}`
  await served(session, groupId)
  const ask = asker(session, version)
  await ask('m joins for epochs', joining(groupId, { subscribedTopicNames: [TOPIC] }))
  await ask('a future epoch', beating(groupId, { memberEpoch: 9 }))
  await ask('an unknown member', beating(groupId, { memberId: 'x', memberEpoch: 2 }))
  await ask('an unknown member leaves', beating(groupId, { memberId: 'x', memberEpoch: -1 }))
  await ask('the epoch before with nothing owned', beating(groupId, { memberEpoch: 1, topicPartitions: [] }))
  await ask('epoch 1 that says nothing', beating(groupId, { memberEpoch: 1 }))
  await ask('an unknown instance', beating(groupId, { memberEpoch: 2, instanceId: 'x' }))
  const { memberEpoch } = await ask('m changes its topics', {
    ...beating(groupId, { memberEpoch: 2, topicPartitions: [{ topicId, partitions: [0, 1, 2, 3] }] }),
    subscribedTopicNames: [TOPIC, 'consumer-missing'],
  })
  await ask('the previous epoch with its partitions', {
    ...beating(groupId, { memberEpoch: memberEpoch - 1 }),
    topicPartitions: [{ topicId, partitions: [0, 1] }],
  })
  await ask('the previous epoch with other partitions', {
    ...beating(groupId, { memberEpoch: memberEpoch - 1 }),
    topicPartitions: [{ topicId, partitions: [0, 9] }],
  })
  await ask('the previous epoch that says nothing', beating(groupId, { memberEpoch: memberEpoch - 1 }))
}

async function staticMembers(session: Session, version: number, topicId: string): Promise<void> {
  const groupId = `consumer-static-v${version}`
  await served(session, groupId)
  const ask = asker(session, version)
  const describe = (step: string) =>
    session.ask(`${step} v${version}`, api.consumerGroupDescribe, 1, named(groupId))
  const join = (memberId: string, instanceId: string) =>
    joining(groupId, { memberId, instanceId, subscribedTopicNames: [TOPIC] })
  const is = (memberId: string, instanceId: string, memberEpoch: number) =>
    beating(groupId, { memberId, instanceId, memberEpoch })
  const { memberEpoch } = await ask('i joins', join('a', 'i'))
  await ask('another takes the instance id', join('b', 'i'))
  await ask('another is heard of under the instance id', is('b', 'i', memberEpoch))
  await ask('another leaves under the instance id', is('b', 'i', -1))
  await ask('another leaves for a while under the instance id', is('b', 'i', -2))
  await ask('i leaves for a while', is('a', 'i', -2))
  await describe('i is away')
  await ask('i is heard of while away', is('a', 'i', memberEpoch))
  await ask('k joins', join('k', 'k'))
  await ask('i comes back', join('c', 'i'))
  await describe('i is back')
  await ask('the old member is heard of', is('a', 'i', memberEpoch))
  await ask('i gives up', {
    ...is('c', 'i', memberEpoch),
    topicPartitions: [{ topicId, partitions: [0, 1] }],
  })
  await ask('i leaves for good', is('c', 'i', -1))
  await ask('k leaves for good', is('k', 'k', -1))
  await describe('nobody static is left')
}

/** Resolved apart from the heartbeat, so that what comes of it is waited for. */
async function patterns(session: Session): Promise<void> {
  const groupId = 'consumer-patterns'
  await served(session, groupId)
  const describe = (step: string) => session.ask(step, api.consumerGroupDescribe, 1, named(groupId))
  const until = async (memberEpoch: number, partitions: number) => {
    let epoch = memberEpoch
    await session.until(
      api.consumerGroupHeartbeat,
      1,
      // The epoch moves on with each answer.
      Object.defineProperty(beating(groupId), 'memberEpoch', { get: () => epoch, enumerable: true }),
      (answer) => {
        epoch = answer.memberEpoch
        const count = answer.assignment?.topicPartitions.reduce(
          (sum, topic) => sum + topic.partitions.length,
          0,
        )
        return count === partitions
      },
    )
    return epoch
  }
  const { memberEpoch } = await session.ask(
    'a pattern',
    api.consumerGroupHeartbeat,
    1,
    joining(groupId, { subscribedTopicNames: null, subscribedTopicRegex: 'consumer-group.' }),
  )
  await until(memberEpoch, 4)
  await describe('the pattern matches')
}

async function administration(session: Session, topicId: string): Promise<void> {
  const groupId = 'consumer-admin'
  await served(session, groupId)
  await session.quiet(api.offsetCommit, 9, {
    groupId,
    generationIdOrMemberEpoch: -1,
    memberId: '',
    topics: [
      { name: TOPIC, partitions: [{ partitionIndex: 0, committedOffset: 0n, committedMetadata: '' }] },
    ],
  })
  const join = joining(groupId, { subscribedTopicNames: [TOPIC] })
  await session.ask('a group that held offsets', api.consumerGroupHeartbeat, 1, join)
  const classic = 'consumer-classic'
  await session.groupIsServed(classic)
  const joinInput = {
    groupId: classic,
    sessionTimeoutMs: 30_000,
    rebalanceTimeoutMs: 30_000,
    memberId: '',
    protocolType: 'connect',
    protocols: [{ name: 'range', metadata: subscription([], '') }],
  }
  const joined = await session.quiet(api.joinGroup, 3, joinInput)
  await session.quiet(api.syncGroup, 3, {
    groupId: classic,
    generationId: joined.generationId,
    memberId: joined.memberId,
    assignments: [],
  })
  for (const version of versionsOf(api.consumerGroupDescribe)) {
    const ask = (step: string, groupIds: string[], includeAuthorizedOperations = false) =>
      session.ask(`${step} v${version}`, api.consumerGroupDescribe, version, {
        groupIds,
        includeAuthorizedOperations,
      })
    await ask('describe a group', [groupId])
    await ask('describe a missing group', ['consumer-none'])
    await ask('describe a classic group', [classic])
    await ask('describe an empty group id', [''])
    await ask('describe several', [groupId, 'consumer-none', classic])
    await ask('describe none', [])
    await ask('describe with operations', [groupId, 'consumer-none'], true)
  }
  for (const version of versionsOf(api.describeGroups)) {
    await session.ask(`a consumer group as a classic one v${version}`, api.describeGroups, version, {
      groups: [groupId],
    })
  }
  for (const typesFilter of [['consumer'], ['classic'], ['Consumer', 'classic'], []]) {
    for (const statesFilter of [[], ['stable'], ['Reconciling', 'Assigning']]) {
      await session.ask(
        `list ${typesFilter.join()} in ${statesFilter.join()}`,
        api.listGroups,
        5,
        { typesFilter, statesFilter },
        (answer) => ({
          ...answer,
          groups: answer.groups.filter((group) =>
            [groupId, classic, 'consumer-life-v1'].includes(group.groupId),
          ),
        }),
      )
    }
  }
  await session.ask('delete a consumer group with members', api.deleteGroups, 2, { groupsNames: [groupId] })
  await session.ask('delete offsets of a subscribed topic', api.offsetDelete, 0, {
    groupId,
    topics: [{ name: TOPIC, partitions: [{ partitionIndex: 0 }] }],
  })
  for (const version of versionsOf(api.heartbeat)) {
    await session.ask(`a classic heartbeat to a consumer group v${version}`, api.heartbeat, version, {
      groupId,
      generationId: 2,
      memberId: 'x',
    })
  }
  await session.ask('a classic sync to a consumer group', api.syncGroup, 5, {
    groupId,
    generationId: 2,
    memberId: 'x',
    protocolType: 'consumer',
    protocolName: 'range',
    assignments: [],
  })
  for (const [step, protocolType] of [['of another type', 'connect']] as const) {
    await session.ask(`a classic join ${step} to a consumer group`, api.joinGroup, 9, {
      ...joinInput,
      groupId,
      protocolType,
    })
  }
  await session.ask('a consumer joins a classic group of another type', api.consumerGroupHeartbeat, 1, {
    ...join,
    groupId: classic,
  })
  await session.ask('heartbeat to a classic group', api.consumerGroupHeartbeat, 1, {
    ...beating(classic, { memberEpoch: 1 }),
  })
  await session.ask('leave a classic group', api.consumerGroupHeartbeat, 1, {
    ...beating(classic, { memberEpoch: -1 }),
  })
  await session.ask('remove an unknown member', api.leaveGroup, 5, {
    groupId,
    members: [{ memberId: 'x' }, { memberId: '', groupInstanceId: 'x' }],
  })
  await session.ask('remove a member', api.leaveGroup, 5, { groupId, members: [{ memberId: 'm' }] })
  await session.ask('describe the group after that', api.consumerGroupDescribe, 1, named(groupId))
  await session.ask('delete offsets of an empty group', api.offsetDelete, 0, {
    groupId,
    topics: [{ name: TOPIC, partitions: [{ partitionIndex: 0 }] }],
  })
  await session.ask('delete a consumer group', api.deleteGroups, 2, { groupsNames: [groupId] })
  await session.ask('describe it when it is gone', api.consumerGroupDescribe, 1, named(groupId))
  await session.ask('an empty classic group is taken over', api.consumerGroupHeartbeat, 1, {
    ...join,
    topicPartitions: [],
  })
  await session.quiet(api.consumerGroupHeartbeat, 1, beating(groupId, { memberEpoch: -1 }))
  await session.ask(
    'an empty consumer group is taken over',
    api.joinGroup,
    3,
    { ...joinInput, groupId },
    ({ errorCode, generationId, protocolName }) => ({ errorCode, generationId, protocolName }),
  )
  await session.ask('describe what was taken over', api.consumerGroupDescribe, 1, named(groupId))
  await session.quiet(api.leaveGroup, 5, { groupId: classic, members: [{ memberId: joined.memberId }] })
  await session.ask('join a classic group that became empty', api.consumerGroupHeartbeat, 1, {
    ...join,
    groupId: classic,
  })
  await session.ask('its topics by id', api.consumerGroupHeartbeat, 1, {
    ...beating(classic, { memberEpoch: 2 }),
    topicPartitions: [{ topicId, partitions: [0, 1, 2, 3] }],
  })
}
