import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { BrokerProcess } from '../support/broker-process.ts'
import { clients } from '../support/clients.ts'
import { makeDataDirectory, removeDataDirectory } from '../support/data-directory.ts'
import { eventually } from '../support/eventually.ts'
import { LoadCheck } from '../support/load-check.ts'

const config = { 'offsets.topic.num.partitions': 2, 'sluice.log.level': 'debug' }
let dir: string
let running: BrokerProcess | undefined
beforeEach(() => {
  dir = makeDataDirectory('stop')
})
afterEach(async () => {
  await running?.kill()
  running = undefined
  removeDataDirectory(dir)
})

const marker = () => existsSync(join(dir, '.kafka_cleanshutdown'))

test('SIGTERM under load ends with exit code 0 and leaves nothing to recover, again and again', async () => {
  running = await BrokerProcess.start({ dir, config })
  const load = new LoadCheck(() => running && { host: '127.0.0.1', port: running.port })
  await load.start()
  for (let stops = 0; stops < 5; stops++) {
    await load.progress(500)
    const stopped: BrokerProcess = running
    const exit = stopped.stop('SIGTERM')
    expect(await exit).toEqual({ code: 0, signal: null })
    running = undefined
    expect(stopped.stderr).toBe('')
    expect(stopped.log.filter(({ level }) => level === 'error' || level === 'warn')).toEqual([])
    expect(marker()).toBe(true)
    running = await BrokerProcess.start({ dir, config })
    expect(marker()).toBe(false)
    expect(running.log.filter(({ level }) => level === 'warn' || level === 'error')).toEqual([])
  }
  await load.progress(100)
  await load.stop()
  expect((await load.inspect()).slice(0, 10)).toEqual([])
  expect(load.member.rejoins).toBe(0)
})

test('SIGINT ends it as SIGTERM does', async () => {
  running = await BrokerProcess.start({ dir, config })
  expect(await running.stop('SIGINT')).toEqual({ code: 0, signal: null })
  expect(marker()).toBe(true)
})

describe.each(clients)('$name', (client) => {
  test('rides over a clean stop and start in the middle of sending without an error to the application', async () => {
    running = await BrokerProcess.start({ dir, config })
    const { port, bootstrapServers } = running
    const producer = await client.producer({ bootstrapServers, idempotent: true })
    const values: string[] = []
    const sending = Promise.withResolvers<void>()
    let stopping = false
    const send = async () => {
      while (!stopping) {
        const value = `value-${values.length}`
        await producer.send('orders', [{ partition: 0, key: null, value: Buffer.from(value) }])
        values.push(value)
      }
    }
    send().then(sending.resolve, sending.reject)
    await eventually('some messages', () => values.length > 20)
    expect(await running.stop('SIGTERM')).toEqual({ code: 0, signal: null })
    running = await BrokerProcess.start({ dir, port, config })
    const before = values.length
    await eventually('messages after the restart', () => values.length > before + 20)
    stopping = true
    await sending.promise
    await producer.close()
    const read = await client.readFrom(bootstrapServers, 'orders', { partition: 0, offset: 0 }, values.length)
    expect(read.map(({ value }) => value.toString())).toEqual(values)
  })
})
