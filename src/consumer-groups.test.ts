import { afterEach, expect, test } from 'vitest'
import { MemoryFileSystem } from './logstore/memory-fs.ts'
import { StartError } from './start-error.ts'
import { startTestBroker } from './testing/test-broker.ts'
import { TestClient } from './testing/test-client.ts'
import { ErrorCode } from './wire/error-codes.ts'
import { createTopicsRequest, createTopicsResponse } from './wire/schemas/19-create-topics.ts'
import { createPartitionsRequest, createPartitionsResponse } from './wire/schemas/37-create-partitions.ts'
import {
  incrementalAlterConfigsRequest,
  incrementalAlterConfigsResponse,
} from './wire/schemas/44-incremental-alter-configs.ts'
import { updateFeaturesRequest, updateFeaturesResponse } from './wire/schemas/57-update-features.ts'
import {
  type ConsumerGroupHeartbeatRequestInput,
  consumerGroupHeartbeatRequest,
  consumerGroupHeartbeatResponse,
} from './wire/schemas/68-consumer-group-heartbeat.ts'
import {
  consumerGroupDescribeRequest,
  consumerGroupDescribeResponse,
} from './wire/schemas/69-consumer-group-describe.ts'

const running: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const closeable of running.splice(0).reverse()) await closeable.close()
})

async function start(overrides: Record<string, string> = {}, fs = new MemoryFileSystem()) {
  const broker = await startTestBroker(fs, { overrides })
  running.push(broker)
  const { host, port } = broker.listeners[0]!
  const client = await TestClient.connect(host, port)
  running.push({ close: async () => client.close() })
  return { broker, client, fs }
}

function beat(
  client: TestClient,
  memberEpoch: number,
  more: Partial<ConsumerGroupHeartbeatRequestInput> = {},
) {
  const joins = memberEpoch === 0
  return client.send(consumerGroupHeartbeatRequest, consumerGroupHeartbeatResponse, 1, {
    groupId: 'g',
    memberId: 'a',
    memberEpoch,
    rebalanceTimeoutMs: joins ? 60_000 : -1,
    subscribedTopicNames: joins ? ['t'] : null,
    topicPartitions: joins ? [] : null,
    ...more,
  })
}

async function describeGroup(client: TestClient) {
  const request = { groupIds: ['g'], includeAuthorizedOperations: false }
  const { groups } = await client.send(
    consumerGroupDescribeRequest,
    consumerGroupDescribeResponse,
    1,
    request,
  )
  return groups[0]!
}

function createTopic(client: TestClient, name: string, numPartitions: number) {
  return client.send(createTopicsRequest, createTopicsResponse, 5, {
    topics: [{ name, numPartitions, replicationFactor: 1, assignments: [], configs: [] }],
    timeoutMs: 1000,
  })
}

const partitionsOf = ({ assignment }: Awaited<ReturnType<typeof beat>>) =>
  assignment?.topicPartitions.map(({ partitions }) => partitions)

test('partitions that are added reach the group with its next heartbeat', async () => {
  const { client } = await start({ 'group.consumer.assignment.interval.ms': '0' })
  await createTopic(client, 't', 1)
  const joined = await beat(client, 0)
  expect(joined).toMatchObject({ errorCode: 0, heartbeatIntervalMs: 5000 })
  expect(partitionsOf(joined)).toEqual([[0]])
  await client.send(createPartitionsRequest, createPartitionsResponse, 3, {
    topics: [{ name: 't', count: 3, assignments: null }],
    timeoutMs: 1000,
    validateOnly: false,
  })
  expect(partitionsOf(await beat(client, joined.memberEpoch))).toEqual([[0, 1, 2]])
})

test('a group is the same after a restart', async () => {
  const first = await start()
  await createTopic(first.client, 't', 2)
  const { memberEpoch } = await beat(first.client, 0, { instanceId: 'i', rackId: 'r' })
  const before = await describeGroup(first.client)
  expect(before).toMatchObject({
    groupState: 'Stable',
    members: [{ memberEpoch, rackId: 'r', instanceId: 'i' }],
  })
  await first.broker.close()
  const second = await start({}, first.fs)
  expect(await describeGroup(second.client)).toEqual(before)
  expect(await beat(second.client, memberEpoch, { instanceId: 'i' })).toMatchObject({
    errorCode: 0,
    memberEpoch,
  })
})

test("a group's own heartbeat interval is given to its members, and changes while they are there", async () => {
  const { client } = await start({ 'group.consumer.min.heartbeat.interval.ms': '100' })
  const set = (value: string) =>
    client.send(incrementalAlterConfigsRequest, incrementalAlterConfigsResponse, 1, {
      resources: [
        {
          resourceType: 32,
          resourceName: 'g',
          configs: [{ name: 'consumer.heartbeat.interval.ms', configOperation: 0, value }],
        },
      ],
      validateOnly: false,
    })
  await set('200')
  const { memberEpoch, heartbeatIntervalMs } = await beat(client, 0)
  expect(heartbeatIntervalMs).toBe(200)
  await set('300')
  expect(await beat(client, memberEpoch)).toMatchObject({ errorCode: 0, heartbeatIntervalMs: 300 })
})

test('the protocol is not served where group.version is 0 or the broker is told to leave it', async () => {
  const { client } = await start()
  await client.send(updateFeaturesRequest, updateFeaturesResponse, 1, {
    featureUpdates: [{ feature: 'group.version', maxVersionLevel: 0, upgradeType: 2 }],
    timeoutMs: 1000,
    validateOnly: false,
  })
  expect(await beat(client, 0)).toMatchObject({ errorCode: ErrorCode.UNSUPPORTED_VERSION })
  expect(await describeGroup(client)).toMatchObject({ errorCode: ErrorCode.UNSUPPORTED_VERSION })
  const without = await start({ 'group.coordinator.rebalance.protocols': 'classic' })
  expect(await beat(without.client, 0)).toMatchObject({ errorCode: ErrorCode.UNSUPPORTED_VERSION })
})

test('an assignor that is not served stops the start; the names of Kafka’s classes are known', async () => {
  await expect(start({ 'group.consumer.assignors': 'uniform,com.example.Mine' })).rejects.toThrow(
    new StartError('group.consumer.assignors: com.example.Mine: only uniform and range are served'),
  )
  const { client } = await start({
    'group.consumer.assignors': 'org.apache.kafka.coordinator.group.assignor.RangeAssignor',
  })
  expect(await beat(client, 0, { serverAssignor: 'uniform' })).toMatchObject({
    errorCode: ErrorCode.UNSUPPORTED_ASSIGNOR,
  })
  expect(await beat(client, 0)).toMatchObject({ errorCode: 0 })
  expect(await describeGroup(client)).toMatchObject({ assignorName: 'range' })
})
