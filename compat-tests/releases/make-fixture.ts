/**
 * Makes the data directory of this release that every later one must open:
 *
 *   node compat-tests/releases/make-fixture.ts
 *
 * Run once per release that changes a format on disk. It refuses to overwrite: a fixture is never made again.
 */
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { CompressionTypes, Kafka, logLevel } from 'kafkajs'
import { startBroker } from '../../src/index.ts'

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
const dir = new URL(`./data-${version}`, import.meta.url).pathname
if (existsSync(dir)) throw new Error(`${dir} exists already`)

const broker = await startBroker({
  storage: { dir },
  config: { 'offsets.topic.num.partitions': 2, 'num.partitions': 2 },
})
const kafka = new Kafka({ clientId: 'fixture', brokers: [broker.bootstrapServers], logLevel: logLevel.ERROR })

const admin = kafka.admin()
await admin.connect()
await admin.createTopics({
  topics: [
    { topic: 'orders', numPartitions: 2 },
    { topic: 'settings', numPartitions: 1, configEntries: [{ name: 'cleanup.policy', value: 'compact' }] },
    { topic: 'deleted', numPartitions: 1 },
  ],
})
await admin.deleteTopics({ topics: ['deleted'] })

const producer = kafka.producer({ idempotent: true })
await producer.connect()
for (const compression of [CompressionTypes.None, CompressionTypes.GZIP]) {
  for (const partition of [0, 1]) {
    const messages = Array.from({ length: 5 }, (_, index) => ({
      partition,
      key: `key-${index}`,
      value: `order ${partition}/${index} ${compression}`,
      timestamp: String(1_700_000_000_000 + index),
      headers: { index: String(index) },
    }))
    await producer.send({ topic: 'orders', compression, messages })
  }
}
await producer.send({ topic: 'settings', messages: [{ key: 'colour', value: 'blue' }] })
await producer.disconnect()

await admin.setOffsets({
  groupId: 'billing',
  topic: 'orders',
  partitions: [
    { partition: 0, offset: '7' },
    { partition: 1, offset: '3' },
  ],
})
await admin.disconnect()
await broker.close()
rmSync(`${dir}/.lock`)
