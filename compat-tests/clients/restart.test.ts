import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { BrokerProcess } from '../support/broker-process.ts'
import { clients } from '../support/clients.ts'
import { eventually } from '../support/eventually.ts'

const dir = mkdtempSync(join(tmpdir(), 'sluice-restart-'))
afterAll(() => rmSync(dir, { recursive: true }))

const config = { 'offsets.topic.num.partitions': 4, 'group.min.session.timeout.ms': 500 }

describe.each(clients)('$name', (client) => {
  test.each([
    ['a clean stop', 'SIGTERM'],
    ['a kill', 'SIGKILL'],
  ] as const)('producer and group go on by themselves after %s of the broker', async (_, signal) => {
    const data = join(dir, `${client.name.replace('/', '-')}-${signal}`)
    const topic = 'orders'
    let broker = await BrokerProcess.start({ dir: data, config })
    const { port, bootstrapServers } = broker
    const producer = await client.producer({ bootstrapServers, idempotent: true })
    const send = (value: string) =>
      producer.send(topic, [{ partition: 0, key: null, value: Buffer.from(value) }])
    const read: string[] = []
    const arrived = (value: string) =>
      eventually(
        () => `${value} to arrive: ${read}`,
        () => read.includes(value),
      )
    await send('before')
    const member = await client.member({
      bootstrapServers,
      groupId: 'workers',
      topic,
      autoCommit: false,
      onMessage: ({ value }) => read.push(value.toString()),
    })
    await arrived('before')
    await member.commit(0, 1)

    await broker.stop(signal)
    broker = await BrokerProcess.start({ dir: data, port, config })
    await eventually('the producer to send again', () =>
      send('after').then(
        () => true,
        () => false,
      ),
    )
    await arrived('after')
    await member.commit(0, 2)
    await member.leave()

    await broker.stop(signal)
    broker = await BrokerProcess.start({ dir: data, port, config })
    const admin = await client.admin(bootstrapServers)
    expect(await admin.committed('workers', topic, 1)).toEqual([2])
    expect(await admin.endOffsets(topic)).toEqual([2])
    await admin.close()
    await producer.close()
    expect(new Set(read)).toEqual(new Set(['before', 'after']))
    await broker.stop()
  })
})
