import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type RunningBroker, startBroker } from '../../src/index.ts'
import type { CompatAdmin } from '../support/client.ts'
import { clients } from '../support/clients.ts'
import { eventually } from '../support/eventually.ts'

let broker: RunningBroker
beforeAll(async () => {
  broker = await startBroker({ config: { 'offsets.topic.num.partitions': 2 } })
})
afterAll(() => broker.close())

let names = 0

describe.each(clients)('$name', (client) => {
  let admin: CompatAdmin
  let topic: string
  beforeAll(async () => {
    admin = await client.admin(broker.bootstrapServers)
  })
  afterAll(() => admin.close())

  const fill = async (count: number) => {
    const producer = await client.producer({ bootstrapServers: broker.bootstrapServers })
    const value = Buffer.from('some value')
    for (let at = 0; at < count; at++) await producer.send(topic, [{ partition: 0, key: null, value }])
    await producer.close()
  }
  const newTopic = async (partitions: number, configs: Readonly<Record<string, string>> = {}) => {
    topic = `admin-${names++}`
    await admin.createTopic(topic, partitions, configs)
  }

  test('a topic is made with its partitions and configuration, listed, and gone when deleted', async () => {
    await newTopic(3, { 'retention.ms': '12345' })
    expect(await admin.topics()).toContain(topic)
    expect(await admin.leaders(topic)).toEqual([1, 1, 1])
    expect(await admin.topicConfig(topic, 'retention.ms')).toEqual({ value: '12345', isDefault: false })
    expect(await admin.topicConfig(topic, 'cleanup.policy')).toEqual({ value: 'delete', isDefault: true })
    await admin.deleteTopic(topic)
    expect(await admin.topics()).not.toContain(topic)
  })

  test('a topic that exists is not made again, and a missing one cannot be deleted', async () => {
    await newTopic(2)
    // kafkajs takes a topic that exists for success.
    const again = admin.createTopic(topic, 5)
    if (client.name === 'kafkajs') await again
    else await expect(again).rejects.toThrow()
    expect(await admin.leaders(topic)).toHaveLength(2)
    await expect(admin.deleteTopic('never-made')).rejects.toThrow()
  })

  test('partitions are added to a topic, never taken away', async () => {
    await newTopic(1)
    await admin.addPartitions(topic, 4)
    expect(await admin.leaders(topic)).toEqual([1, 1, 1, 1])
    await expect(admin.addPartitions(topic, 2)).rejects.toThrow()
  })

  test('offsets are found by end and by time, and records before an offset are deleted', async () => {
    await newTopic(2)
    await fill(5)
    expect(await admin.endOffsets(topic)).toEqual([5, 0])
    expect(await admin.offsetsAt(topic, 0)).toEqual([0, 0])
    expect(await admin.offsetsAt(topic, Date.now() + 3_600_000)).toEqual([5, 0])
    await admin.deleteRecords(topic, 0, 3)
    const [first] = await client.readFrom(broker.bootstrapServers, topic, { partition: 0, offset: 3 }, 1)
    expect(first?.offset).toBe(3)
    expect(await admin.offsetsAt(topic, 0)).toEqual([3, 0])
  })

  test('a changed topic configuration is shown and takes effect at once', async () => {
    await newTopic(1)
    await admin.setTopicConfig(topic, 'max.message.bytes', '200')
    expect(await admin.topicConfig(topic, 'max.message.bytes')).toEqual({ value: '200', isDefault: false })
    await fill(1)
    const producer = await client.producer({ bootstrapServers: broker.bootstrapServers, acks: -1 })
    const large = { partition: 0, key: null, value: Buffer.alloc(1000) }
    await expect(producer.send(topic, [large])).rejects.toThrow()
    await producer.close()
    await expect(admin.setTopicConfig(topic, 'max.message.bytes', 'many')).rejects.toThrow()
  })

  test('a group is listed, described while it has members and after, and deleted', async () => {
    await newTopic(1)
    await fill(3)
    const groupId = `${topic}-group`
    let read = 0
    const member = await client.member({
      bootstrapServers: broker.bootstrapServers,
      groupId,
      topic,
      autoCommit: false,
      onMessage: () => {
        read++
      },
    })
    await eventually('three messages', () => read === 3)
    await member.commit(0, 2)
    expect(await admin.groups()).toContain(groupId)
    expect((await admin.group(groupId)).members).toBe(1)
    await expect(admin.deleteGroup(groupId)).rejects.toThrow()
    await member.leave()
    expect((await admin.group(groupId)).members).toBe(0)
    expect(await admin.committed(groupId, topic, 1)).toEqual([2])
    await admin.deleteGroup(groupId)
    expect(await admin.groups()).not.toContain(groupId)
  })
})
