import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type RunningBroker, startBroker } from '../../src/index.ts'
import type { GroupMember, MemberOptions } from '../support/client.ts'
import { clients } from '../support/clients.ts'
import { startDyingMember } from '../support/dying-member.ts'
import { eventually } from '../support/eventually.ts'

const PARTITIONS = 6
let broker: RunningBroker
beforeAll(async () => {
  broker = await startBroker({
    config: { 'offsets.topic.num.partitions': 4, 'group.min.session.timeout.ms': 500 },
  })
})
afterAll(() => broker.close())

let groups = 0

describe.each(clients)('$name', (client) => {
  /** A topic of six partitions and what the members of a group on it hold and have read. */
  async function newGroup() {
    const groupId = `group-${groups++}`
    const topic = `${groupId}-topic`
    const admin = await client.admin(broker.bootstrapServers)
    await admin.createTopic(topic, PARTITIONS)
    await admin.close()
    const producer = await client.producer({ bootstrapServers: broker.bootstrapServers })
    const assigned = new Map<string, readonly number[]>()
    const seen: { member: string; value: string }[] = []
    const options = (member: string, more: Partial<MemberOptions> = {}): MemberOptions => ({
      bootstrapServers: broker.bootstrapServers,
      clientId: member,
      groupId,
      topic,
      onAssignment: (partitions) => assigned.set(member, partitions),
      onMessage: ({ value }) => seen.push({ member, value: value.toString() }),
      ...more,
    })
    return {
      groupId,
      topic,
      assigned,
      seen,
      options,
      join: (member: string, more: Partial<MemberOptions> = {}) => client.member(options(member, more)),
      /** Until every partition belongs to exactly one of these members, each of which has the same share. */
      shared: (...members: string[]) =>
        eventually(
          () => `partitions shared among ${members}: ${JSON.stringify([...assigned])}`,
          () => {
            const shares = members.map((member) => assigned.get(member) ?? [])
            const all = shares.flat().sort()
            return (
              all.join() === Array.from({ length: PARTITIONS }, (_, partition) => partition).join() &&
              shares.every(({ length }) => length === PARTITIONS / members.length)
            )
          },
        ),
      /** A message to every partition, and until they all were read. */
      async exchange(label: string) {
        await producer.send(
          topic,
          Array.from({ length: PARTITIONS }, (_, partition) => ({
            partition,
            key: null,
            value: Buffer.from(`${label} ${partition}`),
          })),
        )
        await eventually(
          () => `every message of ${label}: ${JSON.stringify(seen)}`,
          () => seen.filter(({ value }) => value.startsWith(`${label} `)).length >= PARTITIONS,
        )
        return seen.filter(({ value }) => value.startsWith(`${label} `)).map(({ value }) => value)
      },
      close: () => producer.close(),
    }
  }

  const oncePerPartition = (label: string) =>
    Array.from({ length: PARTITIONS }, (_, partition) => `${label} ${partition}`)

  test('a group of three shares the partitions again when a member joins, leaves and dies', async () => {
    const group = await newGroup()
    const first = await group.join('first')
    await group.shared('first')
    expect((await group.exchange('one member')).sort()).toEqual(oncePerPartition('one member'))

    const second = await group.join('second')
    await group.shared('first', 'second')
    const dying = startDyingMember(
      client.name,
      {
        bootstrapServers: broker.bootstrapServers,
        clientId: 'dying',
        groupId: group.groupId,
        topic: group.topic,
        sessionTimeoutMs: 1000,
      },
      (partitions) => group.assigned.set('dying', partitions),
    )
    await group.shared('first', 'second', 'dying')

    await dying.die()
    group.assigned.delete('dying')
    await group.shared('first', 'second')
    expect(new Set(await group.exchange('after a death'))).toEqual(new Set(oncePerPartition('after a death')))

    await second.leave()
    group.assigned.delete('second')
    await group.shared('first')
    // A client may have a fetch from before the rebalance under way and deliver what it brings beside what it reads
    // anew: at least once is what a group promises. Nobody but the one member may read it.
    expect(new Set(await group.exchange('after a leave'))).toEqual(new Set(oncePerPartition('after a leave')))
    const readers = group.seen
      .filter(({ value }) => value.startsWith('after a leave '))
      .map(({ member }) => member)
    expect(new Set(readers)).toEqual(new Set(['first']))
    await first.leave()
    await group.close()
  })

  test('a member that comes later goes on at the committed offsets', async () => {
    const group = await newGroup()
    const first = await group.join('first', { autoCommit: false })
    await group.exchange('before')
    await first.commit(0, 1)
    await first.commit(3, 1)
    await first.leave()
    group.seen.length = 0

    const second = await group.join('second', { autoCommit: false })
    await eventually(
      () => `four messages: ${JSON.stringify(group.seen)}`,
      () => group.seen.length >= 4,
    )
    const after = await group.exchange('after')
    expect(after.sort()).toEqual(oncePerPartition('after'))
    const again = group.seen.map(({ value }) => value).filter((value) => value.startsWith('before'))
    expect(again.sort()).toEqual(['before 1', 'before 2', 'before 4', 'before 5'])
    await second.leave()
    await group.close()
  })

  test('offsets that the library commits by itself are where its reading ended', async () => {
    const group = await newGroup()
    const member: GroupMember = await group.join('only')
    await group.exchange('first')
    await group.exchange('second')
    await member.leave()
    const admin = await client.admin(broker.bootstrapServers)
    expect(await admin.committed(group.groupId, group.topic, PARTITIONS)).toEqual(
      new Array(PARTITIONS).fill(2),
    )
    await admin.close()
    await group.close()
  })
})
