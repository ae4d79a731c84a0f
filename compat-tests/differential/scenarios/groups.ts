import { api, versionsOf } from '../apis.ts'
import type { Scenario } from '../scenario.ts'
import type { Session } from '../session.ts'
import { subscription } from '../subscription.ts'

const SESSION_MS = 30_000
const text = (content: string): Buffer => Buffer.from(content)

interface Join {
  readonly memberId?: string
  readonly groupInstanceId?: string | null
  readonly protocolType?: string
  readonly protocols?: readonly string[]
  readonly sessionTimeoutMs?: number
  readonly metadata?: string
}

function joinInput(groupId: string, { protocols = ['range'], metadata = 'm', ...rest }: Join = {}) {
  return {
    groupId,
    sessionTimeoutMs: SESSION_MS,
    rebalanceTimeoutMs: SESSION_MS,
    memberId: '',
    groupInstanceId: null,
    protocolType: 'consumer',
    protocols: protocols.map((name) => ({ name, metadata: subscription([], `${metadata} ${name}`) })),
    ...rest,
  }
}

function syncInput(
  groupId: string,
  generationId: number,
  memberId: string,
  assigned: Record<string, string> = {},
) {
  return {
    groupId,
    generationId,
    memberId,
    groupInstanceId: null as string | null,
    protocolType: 'consumer' as string | null,
    protocolName: 'range' as string | null,
    assignments: Object.entries(assigned).map(([member, assignment]) => ({
      memberId: member,
      assignment: text(assignment),
    })),
  }
}

export const groups: Scenario = {
  name: 'groups',
  async run(session) {
    for (const groupId of ['groups-a', 'groups-b', 'groups-c']) await session.groupIsServed(groupId)
    await joins(session)
    await lives(session)
    await rebalances(session)
    await staticMembers(session)
    await administration(session)
  },
}

/** A member id that the coordinator has given. */
async function join(session: Session, version: number, groupId: string, options: Join = {}) {
  const first = await session.quiet(api.joinGroup, version, joinInput(groupId, options))
  if (first.errorCode !== 79) return first
  return session.quiet(api.joinGroup, version, joinInput(groupId, { ...options, memberId: first.memberId }))
}

async function stable(session: Session, groupId: string) {
  const { memberId, generationId } = await join(session, 9, groupId)
  await session.quiet(api.syncGroup, 5, syncInput(groupId, generationId, memberId, { [memberId]: 'all' }))
  return { memberId, generationId }
}

async function joins(session: Session): Promise<void> {
  for (const version of versionsOf(api.joinGroup)) {
    const ask = (step: string, groupId: string, options: Join = {}) =>
      session.ask(`${step} v${version}`, api.joinGroup, version, joinInput(groupId, options))
    const groupId = `groups-join-v${version}`
    const first = await ask('the first join', groupId)
    if (version >= 4) await ask('the join with the id that was given', groupId, { memberId: first.memberId })
    await ask('an unknown member id', groupId, { memberId: 'stranger' })
    await ask('an empty group id', '')
    await ask('a session timeout that is too short', groupId, { sessionTimeoutMs: 5999 })
    await ask('a session timeout that is too long', groupId, { sessionTimeoutMs: 1_800_001 })
    await ask('a negative session timeout', groupId, { sessionTimeoutMs: -1 })
    await ask('no protocols', `${groupId}-none`, { protocols: [] })
    await ask('no protocol type', `${groupId}-none`, { protocolType: '' })
    await ask('another protocol type', groupId, { protocolType: 'connect' })
    await ask('no protocol in common', groupId, { protocols: ['roundrobin'] })
    await ask('an unknown member of a new group', `${groupId}-none`, { memberId: 'stranger' })
  }
}

async function lives(session: Session): Promise<void> {
  for (const version of versionsOf(api.syncGroup)) {
    const groupId = `groups-sync-v${version}`
    const { memberId, generationId } = await join(session, 9, groupId)
    const ask = (step: string, input: ReturnType<typeof syncInput>) =>
      session.ask(`${step} v${version}`, api.syncGroup, version, input)
    await ask('sync of an unknown member', syncInput(groupId, generationId, 'stranger'))
    await ask('sync of an empty member', syncInput(groupId, generationId, ''))
    await ask('sync of an old generation', syncInput(groupId, generationId - 1, memberId))
    await ask('sync of a missing group', syncInput('groups-missing', 1, memberId))
    await ask('sync of an empty group id', syncInput('', 1, memberId))
    if (version >= 5) {
      await ask('sync of another protocol', {
        ...syncInput(groupId, generationId, memberId),
        protocolName: 'other',
      })
      await ask('sync of another type', {
        ...syncInput(groupId, generationId, memberId),
        protocolType: 'other',
      })
      await ask('sync of no protocol', { ...syncInput(groupId, generationId, memberId), protocolName: null })
    }
    await ask(
      'sync of the leader',
      syncInput(groupId, generationId, memberId, { [memberId]: 'mine', other: 'x' }),
    )
    await ask('sync again', syncInput(groupId, generationId, memberId))
    await ask('sync of an instance', { ...syncInput(groupId, generationId, memberId), groupInstanceId: null })
  }
  for (const version of versionsOf(api.heartbeat)) {
    const groupId = `groups-heartbeat-v${version}`
    const member = await stable(session, groupId)
    const ask = (
      step: string,
      group: string,
      generationId: number,
      memberId: string,
      groupInstanceId: string | null = null,
    ) =>
      session.ask(`${step} v${version}`, api.heartbeat, version, {
        groupId: group,
        generationId,
        memberId,
        groupInstanceId,
      })
    await ask('heartbeat', groupId, member.generationId, member.memberId)
    await ask('heartbeat of an old generation', groupId, member.generationId - 1, member.memberId)
    await ask('heartbeat of a future generation', groupId, member.generationId + 1, member.memberId)
    await ask('heartbeat of an unknown member', groupId, member.generationId, 'stranger')
    await ask('heartbeat of an empty member', groupId, member.generationId, '')
    await ask('heartbeat of a missing group', 'groups-missing', 1, member.memberId)
    await ask('heartbeat of an empty group id', '', 1, member.memberId)
    if (version >= 3)
      await ask('heartbeat of an unknown instance', groupId, member.generationId, member.memberId, 'i')
  }
  for (const version of versionsOf(api.leaveGroup)) {
    const groupId = `groups-leave-v${version}`
    const { memberId } = await stable(session, groupId)
    const ask = (
      step: string,
      group: string,
      members: readonly { memberId: string; groupInstanceId?: string | null }[],
    ) =>
      session.ask(`${step} v${version}`, api.leaveGroup, version, {
        groupId: group,
        memberId: members[0]?.memberId ?? '',
        members: [...members],
      })
    await ask('leave of an unknown member', groupId, [{ memberId: 'stranger' }])
    await ask('leave of an empty member', groupId, [{ memberId: '' }])
    await ask('leave of a missing group', 'groups-missing', [{ memberId }])
    await ask('leave of an empty group id', '', [{ memberId }])
    if (version >= 3) {
      await ask('leave of an unknown instance', groupId, [{ memberId: '', groupInstanceId: 'i' }])
      await ask('leave of nobody', groupId, [])
      await ask('leave of one and a stranger', groupId, [{ memberId }, { memberId: 'stranger' }])
    } else await ask('leave', groupId, [{ memberId }])
    await ask('leave again', groupId, [{ memberId }])
  }
}

async function rebalances(session: Session): Promise<void> {
  const topic = 'groups-topic'
  await session.makeTopic(topic)
  const groupId = 'groups-rebalance'
  const other = await session.another()
  const first = await stable(session, groupId)
  const named = await other.quiet(api.joinGroup, 9, joinInput(groupId))
  const second = other.ask(
    'the second joins',
    api.joinGroup,
    9,
    joinInput(groupId, { memberId: named.memberId, metadata: 'second' }),
  )
  await session.until(
    api.heartbeat,
    4,
    { groupId, generationId: first.generationId, memberId: first.memberId },
    ({ errorCode }) => errorCode !== 0,
  )
  await session.ask('the first’s heartbeat', api.heartbeat, 4, { groupId, ...first })
  await session.ask('a commit while members join', api.offsetCommit, 9, {
    groupId,
    generationIdOrMemberEpoch: first.generationId,
    memberId: first.memberId,
    topics: [
      { name: topic, partitions: [{ partitionIndex: 0, committedOffset: 1n, committedMetadata: '' }] },
    ],
  })
  await session.ask(
    'a sync while members join',
    api.syncGroup,
    5,
    syncInput(groupId, first.generationId, first.memberId),
  )
  const describe = (step: string) =>
    session.ask(step, api.describeGroups, 5, { groups: [groupId], includeAuthorizedOperations: false })
  await describe('described while members join')
  await session.ask('the group deleted while members join', api.deleteGroups, 2, { groupsNames: [groupId] })
  const again = await session.ask(
    'the first joins again',
    api.joinGroup,
    9,
    joinInput(groupId, { memberId: first.memberId }),
  )
  const joined = await second
  const generationId = again.generationId
  await describe('described before the assignment')
  await session.ask('a heartbeat before the assignment', api.heartbeat, 4, {
    groupId,
    generationId,
    memberId: first.memberId,
  })
  for (const [step, generation] of [
    ['a commit before the assignment', generationId],
    ['a commit of the old generation', first.generationId],
  ] as const) {
    await session.ask(step, api.offsetCommit, 9, {
      groupId,
      generationIdOrMemberEpoch: generation,
      memberId: first.memberId,
      topics: [
        { name: topic, partitions: [{ partitionIndex: 0, committedOffset: 1n, committedMetadata: '' }] },
      ],
    })
  }
  await session.ask('a heartbeat of the old generation', api.heartbeat, 4, { groupId, ...first })
  const waiting = other.ask(
    'the second’s assignment',
    api.syncGroup,
    5,
    syncInput(groupId, generationId, joined.memberId),
  )
  await session.ask(
    'the first’s assignment',
    api.syncGroup,
    5,
    syncInput(groupId, generationId, first.memberId, { [first.memberId]: 'one', [joined.memberId]: 'two' }),
  )
  await waiting
  await describe('described when stable')
  await other.ask(
    'a join without a change',
    api.joinGroup,
    9,
    joinInput(groupId, { memberId: joined.memberId, metadata: 'second' }),
  )
  await other.ask('the second leaves', api.leaveGroup, 5, {
    groupId,
    members: [{ memberId: joined.memberId }],
  })
  await session.ask('a heartbeat after that', api.heartbeat, 4, {
    groupId,
    generationId,
    memberId: first.memberId,
  })
  await session.ask('the first alone', api.joinGroup, 9, joinInput(groupId, { memberId: first.memberId }))
}

async function staticMembers(session: Session): Promise<void> {
  for (const version of [5, 6, 7, 8, 9]) {
    const groupId = `groups-static-v${version}`
    const ask = (step: string, options: Join) =>
      session.ask(`${step} v${version}`, api.joinGroup, version, joinInput(groupId, options))
    const one = await ask('an instance joins', { groupInstanceId: 'one' })
    await session.quiet(api.syncGroup, 5, {
      ...syncInput(groupId, one.generationId, one.memberId, { [one.memberId]: 'all' }),
      groupInstanceId: 'one',
    })
    await ask('an unknown id for the instance', { groupInstanceId: 'one', memberId: 'stranger' })
    const again = await ask('the instance comes again', { groupInstanceId: 'one' })
    await session.ask(`the instance’s old id v${version}`, api.heartbeat, 4, {
      groupId,
      generationId: one.generationId,
      memberId: one.memberId,
      groupInstanceId: 'one',
    })
    await ask('the instance’s old id joins', { groupInstanceId: 'one', memberId: one.memberId })
    await session.ask(`the instance’s new id v${version}`, api.heartbeat, 4, {
      groupId,
      generationId: again.generationId,
      memberId: again.memberId,
      groupInstanceId: 'one',
    })
    await session.ask(`the instance syncs v${version}`, api.syncGroup, 5, {
      ...syncInput(groupId, again.generationId, again.memberId),
      groupInstanceId: 'one',
    })
    await session.ask(`the old id commits v${version}`, api.offsetCommit, 9, {
      groupId,
      generationIdOrMemberEpoch: one.generationId,
      memberId: one.memberId,
      groupInstanceId: 'one',
      topics: [
        {
          name: 'groups-topic',
          partitions: [{ partitionIndex: 0, committedOffset: 1n, committedMetadata: '' }],
        },
      ],
    })
    await session.ask(`described with the instance v${version}`, api.describeGroups, 5, {
      groups: [groupId],
      includeAuthorizedOperations: false,
    })
    await session.ask(`the old id leaves v${version}`, api.leaveGroup, 5, {
      groupId,
      members: [{ memberId: one.memberId, groupInstanceId: 'one' }],
    })
    await session.ask(`the instance is removed v${version}`, api.leaveGroup, 5, {
      groupId,
      members: [{ memberId: '', groupInstanceId: 'one' }],
    })
  }
}

async function administration(session: Session): Promise<void> {
  const { memberId, generationId } = await stable(session, 'groups-admin')
  for (const version of versionsOf(api.describeGroups)) {
    const ask = (step: string, names: string[], includeAuthorizedOperations = false) =>
      session.ask(`${step} v${version}`, api.describeGroups, version, {
        groups: names,
        includeAuthorizedOperations,
      })
    await ask('describe a group', ['groups-admin'])
    await ask('describe a missing group', ['groups-missing'])
    await ask('describe an empty group id', [''])
    await ask('describe a group twice', ['groups-admin', 'groups-admin'])
    await ask('describe several', ['groups-admin', 'groups-missing'])
    await ask('describe none', [])
    if (version >= 3) await ask('describe with operations', ['groups-admin', 'groups-missing'], true)
  }
  for (const version of versionsOf(api.listGroups)) {
    const ask = (step: string, statesFilter: string[] = [], typesFilter: string[] = []) =>
      session.ask(
        `${step} v${version}`,
        api.listGroups,
        version,
        { statesFilter, typesFilter },
        (answer) => ({
          ...answer,
          groups: answer.groups.filter(({ groupId }) => /^groups-(admin|static-v9|rebalance)/.test(groupId)),
        }),
      )
    await ask('list')
    if (version >= 4) {
      for (const state of [
        'Stable',
        'stable',
        'Empty',
        'PreparingRebalance',
        'CompletingRebalance',
        'Dead',
        'nonsense',
      ]) {
        await ask(`list ${state}`, [state])
      }
      await ask('list two states', ['Stable', 'Empty'])
    }
    if (version >= 5) {
      for (const type of ['classic', 'Classic', 'consumer', 'nonsense'])
        await ask(`list type ${type}`, [], [type])
      await ask('list type and state', ['Stable'], ['classic'])
    }
  }
  for (const version of versionsOf(api.deleteGroups)) {
    const ask = (step: string, groupsNames: string[]) =>
      session.ask(`${step} v${version}`, api.deleteGroups, version, { groupsNames })
    const groupId = `groups-delete-v${version}`
    const member = await stable(session, groupId)
    await ask('delete a group with members', [groupId])
    await session.quiet(api.leaveGroup, 5, { groupId, members: [{ memberId: member.memberId }] })
    await ask('delete a group', [groupId])
    await ask('delete it again', [groupId])
    await ask('delete a missing group', ['groups-missing'])
    await ask('delete an empty group id', [''])
    await ask('delete several', ['groups-missing', 'groups-admin'])
    await ask('delete none', [])
    await ask('delete a missing group twice', ['groups-missing', 'groups-missing'])
  }
  await session.quiet(api.heartbeat, 4, { groupId: 'groups-admin', generationId, memberId })
}
