import { expect, test } from 'vitest'
import type { ConsumerGroupHeartbeatRequest } from '../../wire/schemas/68-consumer-group-heartbeat.ts'
import { type GroupRecord, groupSerde } from '../records.ts'
import { DEFAULT_OPTIONS, Harness } from '../testdata/harness.ts'
import { readKafkaRecords } from '../testdata/kafka-records.ts'
import { topicOf } from '../testdata/scenario-command.ts'

/** What Kafka 4.3.1 wrote for the group of the second test: the records in order. */
const kafkaRecords = readKafkaRecords('kafka-consumer-records.jsonl')
const read = kafkaRecords.map((record) => groupSerde.deserialize(record)!)

test.each(kafkaRecords.map((record, i) => ({ i, record })))(
  'record $i of a consumer group of Kafka comes back byte by byte',
  ({ record, i }) => {
    expect(read[i]).toBeDefined()
    expect(groupSerde.serialize(read[i]!)).toEqual(record)
  },
)

test("a consumer group's life leaves the records that Kafka writes for it", () => {
  const groupId = 'records-of-consumers2'
  const topicId = topicIdIn(read[2]!)
  const ignored = () => {}
  const harness = new Harness(DEFAULT_OPTIONS, { record: ignored, reply: ignored, timer: ignored })
  harness.changeTopics([{ ...topicOf('records:4'), id: topicId }])
  const assignedAt = read.flatMap((record) =>
    record.type === 'consumerGroupTargetAssignmentMetadata' && record.value !== null
      ? [record.value.assignmentTimestamp]
      : [],
  )
  const owned = (...partitions: number[]) => [{ topicId, partitions }]
  const beat = (memberId: string, memberEpoch: number, more: Partial<ConsumerGroupHeartbeatRequest> = {}) => {
    const joins = memberEpoch === 0
    if (joins || more.subscribedTopicRegex !== undefined) harness.nowMs = assignedAt.shift() ?? harness.nowMs
    harness.execute({
      type: 'consumerGroupHeartbeat',
      request: {
        groupId,
        memberId,
        memberEpoch,
        instanceId: null,
        rackId: null,
        rebalanceTimeoutMs: joins ? 60_000 : -1,
        subscribedTopicNames: joins ? ['records'] : null,
        subscribedTopicRegex: null,
        serverAssignor: null,
        topicPartitions: joins ? [] : null,
        ...more,
      },
      context: { version: 1, clientId: 'differential', clientHost: '/127.0.0.1' },
      uuid: '',
    })
  }

  beat('a', 0, { subscribedTopicNames: ['records', 'missing'], rackId: 'rack', serverAssignor: 'range' })
  beat('b', 0, { instanceId: 'i' })
  beat('a', 2, { topicPartitions: owned(0, 1, 2, 3) })
  beat('a', 2, { topicPartitions: owned(2, 3) })
  beat('b', 3, { instanceId: 'i', topicPartitions: [] })
  beat('b', -2, { instanceId: 'i' })
  const [third] = assignedAt.splice(0, 1)
  beat('c', 0, { instanceId: 'i' })
  beat('c', 3, { instanceId: 'i', topicPartitions: owned(0, 1) })
  assignedAt.unshift(third!)
  const resolved = read.find((record) => record.type === 'consumerGroupRegularExpression')!.value!
  harness.image = { ...harness.image, version: resolved.version }
  beat('a', 3, { subscribedTopicNames: [], subscribedTopicRegex: 'rec.*', topicPartitions: owned(2, 3) })
  harness.nowMs = resolved.timestamp
  harness.advance(0)
  beat('c', -1, { instanceId: 'i' })
  beat('a', -1)
  harness.execute({ type: 'deleteGroups', groupIds: [groupId] })

  expect(harness.log.map((record) => groupSerde.serialize(record))).toEqual(kafkaRecords)
})

function topicIdIn(record: GroupRecord): string {
  if (record.type !== 'consumerGroupTargetAssignmentMember') throw new Error(`no target but ${record.type}`)
  return record.value!.topicPartitions[0]!.topicId
}
