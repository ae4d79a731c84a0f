import { expect, test } from 'vitest'
import { WireError } from '../wire/wire-error.ts'
import type { RequestContext } from './commands.ts'
import { groupSerde } from './records.ts'
import { DEFAULT_OPTIONS, Harness } from './testdata/harness.ts'
import { readKafkaRecords } from './testdata/kafka-records.ts'
import { subscription } from './testdata/scenario-command.ts'

/** What Kafka 4.3.1 wrote for the group of `livesAsInKafka`: the records in order. */
const kafkaRecords = readKafkaRecords('kafka-records.jsonl')

test.each(kafkaRecords.map((record, i) => ({ i, record })))(
  'record $i of Kafka comes back byte by byte',
  ({ record }) => {
    const read = groupSerde.deserialize(record)
    expect(read).toBeDefined()
    expect(groupSerde.serialize(read!)).toEqual(record)
  },
)

test("a group's life leaves the records that Kafka writes for it", () => {
  const times = kafkaRecords.map((record) => {
    const read = groupSerde.deserialize(record)!
    if (read.value === null) return 0
    if (read.type === 'offsetCommit') return read.value.commitTimestamp
    return read.type === 'groupMetadata' ? read.value.currentStateTimestamp : 0
  })
  const topicId = 'ct7eweBBSi2TIes3_RHuHg'
  const groupId = 'records-of-a-group'
  const member = {
    groupId,
    memberId: 'instance-764e3039-10fa-4f23-8f9a-3f60912ef17c',
    groupInstanceId: 'instance',
  }
  const context = (version: number): RequestContext => ({
    version,
    clientId: 'client',
    clientHost: '/127.0.0.1',
  })
  const ignored = () => {}
  const harness = new Harness(DEFAULT_OPTIONS, { record: ignored, reply: ignored, timer: ignored }, times[0]!)

  harness.execute({
    type: 'joinGroup',
    request: {
      ...member,
      memberId: '',
      sessionTimeoutMs: 10_000,
      rebalanceTimeoutMs: 60_000,
      protocolType: 'consumer',
      protocols: [{ name: 'range', metadata: subscription(['t', 'u']) }],
      reason: null,
    },
    context: context(9),
    uuid: member.memberId.slice('instance-'.length),
  })
  harness.nowMs = times[1]!
  harness.advance(0)
  harness.execute({
    type: 'syncGroup',
    request: {
      ...member,
      generationId: 1,
      protocolType: 'consumer',
      protocolName: 'range',
      assignments: [{ memberId: member.memberId, assignment: Buffer.from('assignment') }],
    },
    context: context(5),
  })
  for (const [i, version] of [2, 2, 7, 9, 10].entries()) {
    harness.nowMs = times[i + 2]!
    harness.execute({
      type: 'offsetCommit',
      ...member,
      generationIdOrMemberEpoch: 1,
      retentionTimeMs: i === 0 ? 600_000 : -1,
      partitions: [
        {
          topic: 't',
          topicId,
          partition: version % 3,
          offset: BigInt(version) * 1000n,
          leaderEpoch: version >= 6 ? 3 : -1,
          metadata: version === 7 ? null : `by version ${version}`,
        },
      ],
      context: context(version),
    })
  }
  harness.nowMs = times[7]!
  harness.execute({
    type: 'leaveGroup',
    request: { groupId, memberId: '', members: [{ ...member, reason: null }] },
    context: context(5),
  })
  harness.execute({
    type: 'offsetDelete',
    request: { groupId, topics: [{ name: 't', partitions: [{ partitionIndex: 0 }] }] },
  })
  harness.execute({ type: 'deleteGroups', groupIds: [groupId] })

  expect(harness.log.map((record) => groupSerde.serialize(record))).toEqual(kafkaRecords)
})

test('an offset commit in the key of old brokers is an offset commit', () => {
  const record = kafkaRecords[3]!
  const key = Buffer.from(record.key)
  key.writeInt16BE(0)
  expect(groupSerde.deserialize({ key, value: record.value })).toEqual(groupSerde.deserialize(record))
})

test('a record of an unknown kind is none of ours, not an error', () => {
  const key = Buffer.from(kafkaRecords[0]!.key)
  key.writeInt16BE(99)
  expect(groupSerde.deserialize({ key, value: Buffer.from([0, 0]) })).toBeUndefined()
})

test('a record cut short is an error and not half a record', () => {
  const { key, value } = kafkaRecords[1]!
  expect(() => groupSerde.deserialize({ key, value: value!.subarray(0, value!.length - 1) })).toThrow(
    WireError,
  )
  expect(() => groupSerde.deserialize({ key: key.subarray(0, key.length - 1), value })).toThrow(WireError)
})
