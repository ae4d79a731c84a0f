import type { CompatClient } from './client.ts'
import { eventually } from './eventually.ts'

/**
 * Everything that the suites do with a client, once: so that it sends every request that it has a use for. The member
 * stays until it has sent a heartbeat.
 */
export async function tour(
  client: CompatClient,
  bootstrapServers: string,
  hasSentHeartbeat: () => boolean,
): Promise<void> {
  const topic = 'tour'
  const admin = await client.admin(bootstrapServers)
  await admin.createTopic(topic, 1)
  await admin.addPartitions(topic, 2)
  const producer = await client.producer({ bootstrapServers, idempotent: true, compression: 'gzip' })
  await producer.send(topic, [{ partition: 0, key: null, value: Buffer.from('one') }])
  await producer.close()
  let read = 0
  const member = await client.member({
    bootstrapServers,
    groupId: 'tourists',
    topic,
    autoCommit: false,
    onMessage: () => {
      read++
    },
  })
  await eventually('a message', () => read === 1)
  await member.commit(0, 1)
  await eventually('a heartbeat', hasSentHeartbeat)
  await member.leave()
  await client.readFrom(bootstrapServers, topic, { partition: 0, offset: 0 }, 1)
  await admin.topics()
  await admin.leaders(topic)
  await admin.topicConfig(topic, 'retention.ms')
  await admin.setTopicConfig?.(topic, 'retention.ms', '1000000')
  await admin.endOffsets(topic)
  await admin.offsetsAt(topic, 0)
  await admin.deleteRecords(topic, 0, 1)
  await admin.groups()
  await admin.group('tourists')
  await admin.committed('tourists', topic, 1)
  await admin.deleteGroup('tourists')
  await admin.deleteTopic(topic)
  await admin.close()
}
