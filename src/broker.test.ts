import { afterEach, describe, expect, it } from 'vitest'
import { systemClock } from './base/clock.ts'
import type { Broker } from './broker.ts'
import { MemoryFileSystem } from './logstore/memory-fs.ts'
import { StartError } from './start-error.ts'
import { startTestBroker } from './testing/test-broker.ts'
import { TestClient } from './testing/test-client.ts'
import { ErrorCode } from './wire/error-codes.ts'
import { metadataRequest, metadataResponse } from './wire/schemas/03-metadata.ts'
import { joinGroupRequest, joinGroupResponse } from './wire/schemas/11-join-group.ts'
import { initProducerIdRequest, initProducerIdResponse } from './wire/schemas/22-init-producer-id.ts'

const running: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const closeable of running.splice(0).reverse()) await closeable.close()
})

async function start(fs = new MemoryFileSystem(), overrides: Record<string, string> = {}) {
  const broker = await startTestBroker(fs, { overrides })
  running.push(broker)
  return broker
}

async function connect(broker: Broker) {
  const { host, port } = broker.listeners[0]!
  const client = await TestClient.connect(host, port)
  running.push({ close: async () => client.close() })
  return client
}

function describeTopic(client: TestClient, name: string) {
  const input = { topics: [{ name }], allowAutoTopicCreation: true }
  return client.send(metadataRequest, metadataResponse, 9, input)
}

describe('a start', () => {
  it('advertises the port that the system chose', async () => {
    const broker = await start()
    const { brokers } = await describeTopic(await connect(broker), 't')
    expect(brokers).toMatchObject([{ nodeId: 1, host: '127.0.0.1', port: broker.listeners[0]!.port }])
  })

  it('keeps cluster and topics over a restart; a clean one keeps the leader epochs', async () => {
    const fs = new MemoryFileSystem()
    const first = await start(fs)
    const before = await describeTopic(await connect(first), 'kept')
    await first.close()
    const second = await start(fs)
    const after = await describeTopic(await connect(second), 'kept')
    expect(second.clusterId).toBe(first.clusterId)
    expect(after.topics).toEqual(before.topics)
  })

  it('gives every partition a new leader epoch when the stop was not clean', async () => {
    const fs = new MemoryFileSystem()
    const first = await start(fs)
    const before = await describeTopic(await connect(first), 'kept')
    await first.close()
    fs.removeFile('/data/.kafka_cleanshutdown')
    const after = await describeTopic(await connect(await start(fs)), 'kept')
    expect(after.topics[0]!.partitions[0]!.leaderEpoch).toBe(before.topics[0]!.partitions[0]!.leaderEpoch + 1)
  })

  it('refuses the data of another node in one line', async () => {
    const fs = new MemoryFileSystem()
    await (await start(fs)).close()
    const refused = start(fs, { 'node.id': '2' })
    await expect(refused).rejects.toThrow(StartError)
    await expect(refused).rejects.toThrow('/data: belongs to node 1, not to 2')
  })

  it('refuses data that is in use, and leaves its user alone', async () => {
    const fs = new MemoryFileSystem()
    const first = await start(fs)
    await expect(start(fs)).rejects.toThrow('in use by another process')
    expect((await describeTopic(await connect(first), 't')).topics[0]!.errorCode).toBe(ErrorCode.NONE)
  })

  it('refuses a port that is in use, and lets go of the data', async () => {
    const { port } = (await start()).listeners[0]!
    const fs = new MemoryFileSystem()
    await expect(start(fs, { listeners: `PLAINTEXT://127.0.0.1:${port}` })).rejects.toThrow(
      'the port is in use',
    )
    await start(fs)
  })
})

describe('a stop', () => {
  it('answers who waits in a rebalance, at once', async () => {
    const broker = await start(new MemoryFileSystem(), { 'group.initial.rebalance.delay.ms': '60000' })
    const client = await connect(broker)
    const parked = client.send(joinGroupRequest, joinGroupResponse, 3, {
      groupId: 'g',
      sessionTimeoutMs: 30_000,
      rebalanceTimeoutMs: 60_000,
      memberId: '',
      protocolType: 'consumer',
      protocols: [{ name: 'range', metadata: Buffer.alloc(0) }],
    })
    // A second connection's answer comes after the join was taken up.
    await describeTopic(await connect(broker), 't')
    const startedMs = systemClock.monotonicMs()
    const [answer] = await Promise.all([parked, broker.close()])
    expect(answer.errorCode).toBe(ErrorCode.NOT_COORDINATOR)
    expect(systemClock.monotonicMs() - startedMs).toBeLessThan(1500)
  })
})

describe('every API', () => {
  it('answers also where the throttle time is part of every version', async () => {
    const client = await connect(await start())
    for (const version of [0, 1, 4]) {
      const input = { transactionalId: null, transactionTimeoutMs: 1000 }
      const answer = await client.send(initProducerIdRequest, initProducerIdResponse, version, input)
      expect(answer).toMatchObject({ errorCode: ErrorCode.NONE, producerEpoch: 0, throttleTimeMs: 0 })
    }
  })
})
