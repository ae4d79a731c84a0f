// A topic is compacted by the thread that the package brings along, which is a file of its own.
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import kafkajs from 'kafkajs'

const configEntries = Object.entries({
  'cleanup.policy': 'compact',
  'segment.ms': '1',
  'min.cleanable.dirty.ratio': '0',
}).map(([name, value]) => ({ name, value }))

export async function compaction(bootstrapServers, dir) {
  const kafka = new kafkajs.Kafka({ brokers: [bootstrapServers], logLevel: kafkajs.logLevel.ERROR })
  const admin = kafka.admin()
  await admin.connect()
  await admin.createTopics({ topics: [{ topic: 'compacted', numPartitions: 1, configEntries }] })
  await admin.disconnect()
  const producer = kafka.producer()
  await producer.connect()
  for (let n = 0; n < 5; n++) {
    const timestamp = String(1_000_000 + n * 1000)
    await producer.send({ topic: 'compacted', messages: [{ key: 'k', value: String(n), timestamp }] })
  }
  await producer.disconnect()
  const checkpoint = join(dir, 'cleaner-offset-checkpoint')
  const isClean = () => existsSync(checkpoint) && /^compacted 0 4$/m.test(readFileSync(checkpoint, 'utf8'))
  for (const deadline = Date.now() + 20_000; !isClean(); await pause(20))
    assert.ok(Date.now() < deadline, 'the topic is not compacted')
}
