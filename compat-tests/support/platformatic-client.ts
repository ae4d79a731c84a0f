import { Admin, Consumer, type Message, type MessageToProduce, Producer } from '@platformatic/kafka'
import type {
  CompatAdmin,
  CompatClient,
  CompatProducer,
  GroupMember,
  MemberOptions,
  ProducerOptions,
  ReceivedMessage,
} from './client.ts'

const TOPIC_RESOURCE = 2
const SET_OPERATION = 0

function base(bootstrapServers: string, clientId = 'platformatic') {
  return { clientId, bootstrapBrokers: [bootstrapServers], retries: 40, retryDelay: 50 }
}

function received(message: Message<Buffer, Buffer, Buffer, Buffer>): ReceivedMessage {
  const headers = [...message.headers].map(([name, value]) => [name.toString(), value.toString()])
  return {
    partition: message.partition,
    offset: Number(message.offset),
    // A null key comes as undefined or as no bytes.
    key: message.key == null || message.key.length === 0 ? null : message.key.toString(),
    value: message.value,
    headers: Object.fromEntries(headers),
  }
}

async function producer(options: ProducerOptions): Promise<CompatProducer> {
  const { idempotent = false, acks = -1, compression = 'none' } = options
  const client = new Producer({
    ...base(options.bootstrapServers, options.clientId),
    idempotent,
    acks,
    compression,
    autocreateTopics: true,
  })
  return {
    async send(topic, messages) {
      await client.send({
        messages: messages.map(({ partition, key, value, headers }) => {
          const message: MessageToProduce<Buffer, Buffer, Buffer, Buffer> = { topic, value }
          if (partition !== undefined) message.partition = partition
          if (key !== null) message.key = Buffer.from(key)
          if (headers !== undefined)
            message.headers = new Map(
              Object.entries(headers).map(([name, text]) => [Buffer.from(name), Buffer.from(text)]),
            )
          return message
        }),
      })
    },
    close: () => client.close(),
  }
}

async function member(options: MemberOptions): Promise<GroupMember> {
  const { groupId, topic, autoCommit = true, sessionTimeoutMs = 6000, onMessage, onAssignment } = options
  const consumer = new Consumer({
    ...base(options.bootstrapServers, options.clientId),
    groupId,
    sessionTimeout: sessionTimeoutMs,
    rebalanceTimeout: Math.max(5000, sessionTimeoutMs),
    heartbeatInterval: 100,
    maxWaitTime: 100,
    autocreateTopics: true,
  })
  consumer.on('consumer:group:join', ({ assignments }) => {
    onAssignment?.(assignments?.find((assignment) => assignment.topic === topic)?.partitions ?? [])
  })
  const stream = await consumer.consume({
    topics: [topic],
    mode: 'committed',
    fallbackMode: 'earliest',
    autocommit: autoCommit,
  })
  let failure: Error | undefined
  stream.on('error', (error) => {
    failure = error
  })
  stream.on('data', (message) => onMessage?.(received(message)))
  return {
    commit: (partition, offset) =>
      consumer.commit({ offsets: [{ topic, partition, offset: BigInt(offset), leaderEpoch: -1 }] }),
    async leave() {
      await stream.close()
      await consumer.close(true)
      if (failure !== undefined) throw failure
    },
  }
}

async function readFrom(
  bootstrapServers: string,
  topic: string,
  start: { readonly partition: number; readonly offset: number },
  count: number,
): Promise<ReceivedMessage[]> {
  const consumer = new Consumer({
    ...base(bootstrapServers),
    groupId: `reader-of-${topic}`,
    maxWaitTime: 100,
  })
  const admin = new Admin(base(bootstrapServers))
  const metadata = await admin.metadata({ topics: [topic] })
  await admin.close()
  const partitions = metadata.topics.get(topic)!.partitionsCount
  const stream = await consumer.consume({
    topics: [topic],
    mode: 'manual',
    offsets: Array.from({ length: partitions }, (_, partition) => ({
      topic,
      partition,
      offset: BigInt(partition === start.partition ? start.offset : 0),
    })),
    autocommit: false,
  })
  const messages: ReceivedMessage[] = []
  for await (const message of stream) {
    if (message.partition !== start.partition) continue
    messages.push(received(message))
    if (messages.length === count) break
  }
  await stream.close()
  await consumer.close(true)
  return messages
}

async function admin(bootstrapServers: string): Promise<CompatAdmin> {
  // A refusal is to show at once.
  const client = new Admin({ ...base(bootstrapServers), retries: 2 })
  const offsets = async (topic: string, timestamp: bigint): Promise<number[]> => {
    const metadata = await client.metadata({ topics: [topic], forceUpdate: true })
    const partitions = Array.from(
      { length: metadata.topics.get(topic)!.partitionsCount },
      (_, partitionIndex) => ({ partitionIndex, timestamp }),
    )
    const [listed] = await client.listOffsets({ topics: [{ name: topic, partitions }] })
    return listed!.partitions
      .sort((a, b) => a.partitionIndex - b.partitionIndex)
      .map(({ offset }) => Number(offset))
  }
  const endOffsets = (topic: string) => offsets(topic, -1n)
  return {
    async createTopic(topic, partitions, configs = {}) {
      await client.createTopics({
        topics: [{ topic, partitions, replicas: 1 }],
        configs: Object.entries(configs).map(([name, value]) => ({ name, value })),
      })
    },
    deleteTopic: (topic) => client.deleteTopics({ topics: [topic] }),
    addPartitions: (name, count) => client.createPartitions({ topics: [{ name, count }] }),
    topics: () => client.listTopics(),
    async leaders(topic) {
      const metadata = await client.metadata({ topics: [topic], forceUpdate: true })
      return metadata.topics.get(topic)!.partitions.map(({ leader }) => leader)
    },
    async topicConfig(topic, key) {
      const [described] = await client.describeConfigs({
        includeSynonyms: true,
        resources: [{ resourceType: TOPIC_RESOURCE, resourceName: topic, configurationKeys: [key] }],
      })
      const { value, configSource } = described!.configs[0]!
      // 5 is DEFAULT_CONFIG.
      return { value: value ?? null, isDefault: configSource === 5 }
    },
    setTopicConfig: (topic, name, value) =>
      client.incrementalAlterConfigs({
        resources: [
          {
            resourceType: TOPIC_RESOURCE,
            resourceName: topic,
            configs: [{ name, configOperation: SET_OPERATION, value }],
          },
        ],
      }),
    endOffsets,
    async offsetsAt(topic, timestampMs) {
      const found = await offsets(topic, BigInt(timestampMs))
      const ends = await endOffsets(topic)
      return found.map((offset, partition) => (offset === -1 ? ends[partition]! : offset))
    },
    async deleteRecords(topic, partition, beforeOffset) {
      await client.deleteRecords({
        topics: [{ name: topic, partitions: [{ partition, offset: BigInt(beforeOffset) }] }],
      })
    },
    groups: async () => [...(await client.listGroups()).keys()],
    async group(groupId) {
      const group = (await client.describeGroups({ groups: [groupId] })).get(groupId)!
      return { state: group.state, members: group.members.size }
    },
    async committed(groupId, topic, partitions) {
      const [group] = await client.listConsumerGroupOffsets({
        groups: [
          {
            groupId,
            topics: [{ name: topic, partitionIndexes: Array.from({ length: partitions }, (_, i) => i) }],
          },
        ],
      })
      return group!.topics[0]!.partitions.sort((a, b) => a.partitionIndex - b.partitionIndex).map(
        ({ committedOffset }) => Number(committedOffset),
      )
    },
    deleteGroup: (groupId) => client.deleteGroups({ groups: [groupId] }),
    close: () => client.close(),
  }
}

export const platformaticClient: CompatClient = {
  name: '@platformatic/kafka',
  producer,
  member,
  readFrom,
  admin,
}
