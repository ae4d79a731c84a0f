/** What `__transaction_state` holds. */
import { describe, expect, onTestFinished, test } from 'vitest'
import type { FileSystem } from './logstore/file-system.ts'
import { MemoryFileSystem } from './logstore/memory-fs.ts'
import { startTestBroker } from './testing/test-broker.ts'
import { TransactionalClient } from './testing/transactional-client.ts'
import { ErrorCode } from './wire/error-codes.ts'

const POLLED = { timeout: 20_000, interval: 10 }

async function start(fs: FileSystem, overrides: Record<string, string>) {
  const broker = await startTestBroker(fs, {
    overrides: {
      'offsets.topic.num.partitions': '1',
      'transaction.state.log.num.partitions': '1',
      ...overrides,
    },
  })
  onTestFinished(() => broker.close())
  const { host, port } = broker.listeners[0]!
  const client = await TransactionalClient.connect(host, port)
  onTestFinished(() => client.close())
  return { broker, client }
}

describe('the log of the transactions', () => {
  test('is compacted to the latest of each, which a restart finds', async () => {
    const disk = new MemoryFileSystem()
    const config = { 'log.cleaner.backoff.ms': '10', 'log.cleaner.min.cleanable.ratio': '0.01' }
    const before = await start(disk, config)
    const { client } = before
    await client.createTopic('t')
    // Each record begins a segment where it is later than the one before.
    await client.alterTopic('__transaction_state', 'segment.ms', '1')
    const idle = await client.begin('idle')
    const open = await client.begin('open')
    expect(await client.produce(open, 't', 'open')).toBe(ErrorCode.NONE)
    let busy = await client.begin('busy')
    for (let round = 0; round < 20; round++) {
      expect(await client.produce(busy, 't', `${round}`)).toBe(ErrorCode.NONE)
      busy = await client.end(busy, round % 2 === 0 ? 'commit' : 'abort')
    }
    // Of 64 records the latest of each is left, and the last segment, which is not cleaned.
    await expect
      .poll(async () => (await client.keysOf('__transaction_state')).length, POLLED)
      .toBeLessThan(30)
    await client.close()
    disk.kill()
    await before.broker.close()

    const after = await start(disk, config)
    const states = ['idle', 'open', 'busy'].map((id) => after.client.stateOf(id))
    expect(await Promise.all(states)).toEqual(['Empty', 'Ongoing', 'CompleteAbort'])
    after.client.goOnWith(client)
    for (const producer of [busy, open, idle]) {
      expect(await after.client.produce(producer, 't', 'last')).toBe(ErrorCode.NONE)
      await after.client.end(producer, 'commit')
    }
    const committed = Array.from({ length: 10 }, (_, index) => `${index * 2}`)
    expect((await after.client.read('t')).values).toEqual(['open', ...committed, 'last', 'last', 'last'])
  })

  test('has the smallest segments that a topic may have where smaller ones are asked for', async () => {
    const { client } = await start(new MemoryFileSystem(), {
      'transaction.state.log.segment.bytes': '1500',
      'offsets.topic.segment.bytes': '100',
    })
    await client.createTopic('t')
    const producer = await client.begin('orders')
    expect(await client.commitOffset(producer, 'readers', 't', 3n)).toBe(ErrorCode.NONE)
    await client.end(producer, 'commit')
    expect(await client.committedOffset('readers', 't')).toBe(3n)
  })
})
