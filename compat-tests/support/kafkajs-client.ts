import kafkajs, { type Kafka, type KafkaMessage } from 'kafkajs'
import type {
  CompatAdmin,
  CompatClient,
  CompatProducer,
  Compression,
  GroupMember,
  MemberOptions,
  ProducerOptions,
  ReceivedMessage,
} from './client.ts'
import { registerCodecs } from './kafkajs-codecs.ts'

const { CompressionTypes, ConfigResourceTypes, logLevel } = kafkajs

const compressionTypes: Readonly<Record<Compression, number>> = {
  none: CompressionTypes.None,
  gzip: CompressionTypes.GZIP,
  snappy: CompressionTypes.Snappy,
  lz4: CompressionTypes.LZ4,
  zstd: CompressionTypes.ZSTD,
}

function kafka(bootstrapServers: string, clientId = 'kafkajs'): Kafka {
  registerCodecs()
  return new kafkajs.Kafka({
    clientId,
    brokers: [bootstrapServers],
    logLevel: logLevel.NOTHING,
    // A second by default, which a busy machine may take.
    connectionTimeout: 10_000,
    retry: { initialRetryTime: 50, maxRetryTime: 500, retries: 20 },
  })
}

function received(partition: number, message: KafkaMessage): ReceivedMessage {
  const headers = Object.entries(message.headers ?? {}).map(([name, value]) => [name, String(value)])
  return {
    partition,
    offset: Number(message.offset),
    key: message.key === null ? null : message.key.toString(),
    value: message.value!,
    headers: Object.fromEntries(headers),
  }
}

async function producer(options: ProducerOptions): Promise<CompatProducer> {
  const { idempotent = false, acks = -1, compression = 'none' } = options
  const client = kafka(options.bootstrapServers, options.clientId).producer({
    idempotent,
    createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
  })
  await client.connect()
  return {
    async send(topic, messages) {
      await client.send({
        topic,
        acks,
        compression: compressionTypes[compression],
        messages: messages.map((message) => ({ ...message })),
      })
    },
    close: () => client.disconnect(),
  }
}

async function member(options: MemberOptions): Promise<GroupMember> {
  const { groupId, topic, autoCommit = true, sessionTimeoutMs = 6000, onMessage, onAssignment } = options
  const consumer = kafka(options.bootstrapServers, options.clientId).consumer({
    groupId,
    sessionTimeout: sessionTimeoutMs,
    rebalanceTimeout: 5000,
    heartbeatInterval: 100,
    maxWaitTimeInMs: 100,
    retry: { initialRetryTime: 50, maxRetryTime: 500, retries: 20 },
  })
  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
    onAssignment?.(payload.memberAssignment[topic] ?? [])
  })
  await consumer.connect()
  await consumer.subscribe({ topics: [topic], fromBeginning: true })
  await consumer.run({
    autoCommit,
    eachMessage: async ({ partition, message }) => onMessage?.(received(partition, message)),
  })
  return {
    commit: (partition, offset) => consumer.commitOffsets([{ topic, partition, offset: String(offset) }]),
    leave: () => consumer.disconnect(),
  }
}

async function readFrom(
  bootstrapServers: string,
  topic: string,
  start: { readonly partition: number; readonly offset: number },
  count: number,
): Promise<ReceivedMessage[]> {
  const consumer = kafka(bootstrapServers).consumer({ groupId: `reader-of-${topic}`, maxWaitTimeInMs: 100 })
  const { promise: done, resolve } = Promise.withResolvers<void>()
  const messages: ReceivedMessage[] = []
  await consumer.connect()
  await consumer.subscribe({ topics: [topic] })
  await consumer.run({
    autoCommit: false,
    eachMessage: async ({ partition, message }) => {
      if (partition !== start.partition || messages.length === count) return
      messages.push(received(partition, message))
      if (messages.length === count) resolve()
    },
  })
  consumer.seek({ topic, partition: start.partition, offset: String(start.offset) })
  await done
  await consumer.disconnect()
  return messages
}

async function admin(bootstrapServers: string): Promise<CompatAdmin> {
  // A refusal is to show at once.
  const client = kafka(bootstrapServers).admin({ retry: { initialRetryTime: 50, retries: 2 } })
  await client.connect()
  return {
    async createTopic(topic, numPartitions, configs = {}) {
      const configEntries = Object.entries(configs).map(([name, value]) => ({ name, value }))
      await client.createTopics({ topics: [{ topic, numPartitions, configEntries }] })
    },
    deleteTopic: (topic) => client.deleteTopics({ topics: [topic] }),
    async addPartitions(topic, count) {
      await client.createPartitions({ topicPartitions: [{ topic, count }] })
    },
    topics: () => client.listTopics(),
    async leaders(topic) {
      const { topics } = await client.fetchTopicMetadata({ topics: [topic] })
      return topics[0]!.partitions.sort((a, b) => a.partitionId - b.partitionId).map(({ leader }) => leader)
    },
    async topicConfig(topic, key) {
      const { resources } = await client.describeConfigs({
        includeSynonyms: true,
        resources: [{ type: ConfigResourceTypes.TOPIC, name: topic, configNames: [key] }],
      })
      const { configValue, isDefault } = resources[0]!.configEntries[0]!
      return { value: configValue, isDefault }
    },
    async setTopicConfig(topic, key, value) {
      await client.alterConfigs({
        validateOnly: false,
        resources: [{ type: ConfigResourceTypes.TOPIC, name: topic, configEntries: [{ name: key, value }] }],
      })
    },
    endOffsets: async (topic) => byPartition(await client.fetchTopicOffsets(topic)),
    offsetsAt: async (topic, timestampMs) =>
      byPartition(await client.fetchTopicOffsetsByTimestamp(topic, timestampMs)),
    deleteRecords: (topic, partition, beforeOffset) =>
      client.deleteTopicRecords({ topic, partitions: [{ partition, offset: String(beforeOffset) }] }),
    groups: async () => (await client.listGroups()).groups.map(({ groupId }) => groupId),
    async group(groupId) {
      const { groups } = await client.describeGroups([groupId])
      return { state: groups[0]!.state, members: groups[0]!.members.length }
    },
    async committed(groupId, topic) {
      const offsets = await client.fetchOffsets({ groupId, topics: [topic] })
      return byPartition(offsets[0]!.partitions)
    },
    async deleteGroup(groupId) {
      await client.deleteGroups([groupId])
    },
    close: () => client.disconnect(),
  }
}

function byPartition(entries: readonly { readonly partition: number; readonly offset: string }[]): number[] {
  return [...entries].sort((a, b) => a.partition - b.partition).map(({ offset }) => Number(offset))
}

export const kafkajsClient: CompatClient = { name: 'kafkajs', producer, member, readFrom, admin }
