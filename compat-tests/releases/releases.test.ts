/** Data directories that earlier releases have left must open, with all that is in them. */
import { cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Kafka, logLevel } from 'kafkajs'
import { afterEach, describe, expect, it } from 'vitest'
import { SUPPORTED_FEATURES } from '../../src/apis/features.ts'
import { type RunningBroker, startBroker } from '../../src/index.ts'
import { TestClient } from '../../src/testing/test-client.ts'
import { apiVersionsRequest, apiVersionsResponse } from '../../src/wire/schemas/18-api-versions.ts'

const here = new URL('.', import.meta.url).pathname
const fixtures = readdirSync(here).filter((name) => name.startsWith('data-'))

let broker: RunningBroker | undefined
const directories: string[] = []
afterEach(async () => {
  await broker?.close()
  broker = undefined
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true })
})

async function open(fixture: string): Promise<Kafka> {
  const dir = mkdtempSync(join(tmpdir(), 'sluice-release-'))
  directories.push(dir)
  cpSync(join(here, fixture), dir, { recursive: true })
  broker = await startBroker({ storage: { dir } })
  return new Kafka({ clientId: 'later', brokers: [broker.bootstrapServers], logLevel: logLevel.ERROR })
}

describe.each(fixtures)('%s', (fixture) => {
  it('has its topics, configs, records and committed offsets', async () => {
    const kafka = await open(fixture)
    const admin = kafka.admin()
    await admin.connect()
    expect((await admin.listTopics()).sort()).toEqual(['__consumer_offsets', 'orders', 'settings'])
    expect(await admin.fetchTopicOffsets('orders')).toMatchObject([
      { partition: 0, low: '0', high: '10' },
      { partition: 1, low: '0', high: '10' },
    ])
    expect(await admin.fetchTopicOffsetsByTimestamp('orders', 1_700_000_000_003)).toMatchObject([
      { partition: 0, offset: '3' },
      { partition: 1, offset: '3' },
    ])
    const [committed] = await admin.fetchOffsets({ groupId: 'billing', topics: ['orders'] })
    expect(committed!.partitions.map(({ offset }) => offset)).toEqual(['7', '3'])
    const { resources } = await admin.describeConfigs({
      includeSynonyms: false,
      resources: [{ type: 2, name: 'settings', configNames: ['cleanup.policy'] }],
    })
    expect(resources[0]!.configEntries[0]!.configValue).toBe('compact')
    await admin.disconnect()

    const consumer = kafka.consumer({ groupId: 'billing' })
    await consumer.connect()
    await consumer.subscribe({ topic: 'orders' })
    const values = await new Promise<string[]>((resolve, reject) => {
      const seen: string[] = []
      const eachMessage = async ({ message }: { message: { value: Buffer | null } }) => {
        seen.push(String(message.value))
        if (seen.length === 10) resolve(seen)
      }
      consumer.run({ eachMessage }).catch(reject)
    })
    await consumer.disconnect()
    expect(values.sort()).toEqual([
      'order 0/2 1',
      'order 0/3 1',
      'order 0/4 1',
      'order 1/0 1',
      'order 1/1 1',
      'order 1/2 1',
      'order 1/3 0',
      'order 1/3 1',
      'order 1/4 0',
      'order 1/4 1',
    ])
  })

  it('has the features finalized that this release serves', async () => {
    await open(fixture)
    const client = await TestClient.connect(broker!.host, broker!.port)
    const request = { clientSoftwareName: 'releases', clientSoftwareVersion: '1' }
    const answer = await client.send(apiVersionsRequest, apiVersionsResponse, 4, request)
    await client.close()
    const finalized = answer.finalizedFeatures.map(({ name, maxVersionLevel }) => [name, maxVersionLevel])
    const initial = SUPPORTED_FEATURES.map(({ name, initialLevel }) => [name, initialLevel])
    expect(Object.fromEntries(finalized)).toEqual(Object.fromEntries(initial))
    expect(answer.finalizedFeaturesEpoch).toBeGreaterThan(0)
  })

  it('takes records after those it has', async () => {
    const kafka = await open(fixture)
    const producer = kafka.producer({ idempotent: true })
    await producer.connect()
    const [sent] = await producer.send({ topic: 'orders', messages: [{ partition: 0, value: 'new' }] })
    expect(sent!.baseOffset).toBe('10')
    await producer.disconnect()
  })
})
