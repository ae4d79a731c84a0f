/** Partitions that move from one log directory to another while they are used, and a broker that is killed meanwhile. */
import { afterEach, describe, expect, it } from 'vitest'
import { CHANGING_OPERATIONS, FaultyFileSystem, type InjectedFault } from './logstore/faulty-fs.ts'
import type { FileSystem } from './logstore/file-system.ts'
import { MemoryFileSystem } from './logstore/memory-fs.ts'
import { DirectoryClient } from './testing/directory-client.ts'
import { startTestBroker } from './testing/test-broker.ts'
import { ErrorCode } from './wire/error-codes.ts'
import { encodeBatch } from './wire/records.ts'

const FUTURE = /\.[0-9a-f]{32}-future/

const running: { close(): Promise<void> }[] = []
afterEach(stop)

async function start(fs: FileSystem, overrides: Record<string, string> = {}): Promise<DirectoryClient> {
  const broker = await startTestBroker(fs, {
    overrides: { 'log.dirs': '/d1,/d2', 'offsets.topic.num.partitions': '1', ...overrides },
  })
  running.push(broker)
  const { host, port } = broker.listeners[0]!
  const client = await DirectoryClient.connect(host, port)
  running.push(client)
  return client
}

async function stop(): Promise<void> {
  for (const closeable of running.splice(0).reverse()) await closeable.close()
}

async function otherThan(client: DirectoryClient, topic: string): Promise<string> {
  return (await client.placeOf(topic, 0)).path === '/d1' ? '/d2' : '/d1'
}

async function moved(client: DirectoryClient, topic: string, path: string): Promise<void> {
  await client.until(async () => (await client.placeOf(topic, 0)).path === path)
}

function namesOf(fs: FileSystem, topic: string): string[] {
  return ['/d1', '/d2'].flatMap((path) =>
    fs.readDirectory(path).flatMap((name) => (name.startsWith(`${topic}-`) ? [`${path}/${name}`] : [])),
  )
}

const valuesUpTo = (count: number) => Array.from({ length: count }, (_, index) => `${index}`)

describe('a partition that is moved', () => {
  it('is used all the time, and is then in the other directory alone', async () => {
    const fs = new MemoryFileSystem()
    const client = await start(fs)
    await client.create('t', 1, { 'file.delete.delay.ms': '0', 'segment.bytes': '1048576' })
    const padding = 'x'.repeat(200_000)
    let count = 0
    for (; count < 30; count++) await client.produce('t', 0, `${padding}${count}`)
    const target = await otherThan(client, 't')
    const { size } = await client.placeOf('t', 0)
    // So that the move takes longer than a few requests.
    const rate = 'replica.alter.log.dirs.io.max.bytes.per.second'
    expect(await client.setBrokerConfig(rate, '30000000')).toBe(ErrorCode.NONE)
    const begun = performance.now()
    expect(await client.alter('t', 0, target)).toBe(ErrorCode.NONE)
    const lags = new Set<number>()
    for (;;) {
      const places = (await client.places()).filter(({ topic }) => topic === 't')
      const future = places.find(({ isFuture }) => isFuture)
      if (future === undefined) break
      expect(future.path).toBe(target)
      lags.add(future.lag)
      expect(await client.produce('t', 0, `${count++}`)).toBe(ErrorCode.NONE)
      expect((await client.fetch('t', 0, count - 1)).records).not.toHaveLength(0)
    }
    expect(performance.now() - begun).toBeGreaterThan(100)
    expect(lags.size).toBeGreaterThan(1)
    const place = await client.placeOf('t', 0)
    expect(place).toMatchObject({ path: target, lag: 0 })
    expect(place.size).toBeGreaterThan(size)
    expect((await client.values('t', 0)).map((value) => value.replace(padding, ''))).toEqual(
      valuesUpTo(count),
    )
    expect((await client.partition('t', 0)).leaderEpoch).toBe(0)
    await client.until(async () => namesOf(fs, 't').length === 1)
    expect(namesOf(fs, 't')).toEqual([`${target}/t-0`])
    await stop()
    const again = await start(fs)
    expect((await again.placeOf('t', 0)).path).toBe(target)
    expect(await again.values('t', 0)).toHaveLength(count)
  })

  it('gets to an end under steady appends, also without a cache', async () => {
    const client = await start(new MemoryFileSystem(), { 'sluice.tail.cache.bytes': '0' })
    await client.create('t', 1)
    await client.produce('t', 0, '0')
    const target = await otherThan(client, 't')
    const other = await DirectoryClient.connect('127.0.0.1', client.client.socket.remotePort!)
    running.push(other)
    let count = 1
    let done = false
    const producing = (async () => {
      while (!done) {
        expect(await other.produce('t', 0, `${count}`)).toBe(ErrorCode.NONE)
        count++
      }
    })()
    await client.alter('t', 0, target)
    await moved(client, 't', target)
    done = true
    await producing
    expect(await client.values('t', 0)).toEqual(valuesUpTo(count))
  })

  it('knows again all of the last batches of its producers', async () => {
    const client = await start(new MemoryFileSystem())
    await client.create('t', 1)
    const batch = (sequence: number) =>
      encodeBatch({
        baseTimestamp: Date.now(),
        producerId: 1,
        producerEpoch: 0,
        baseSequence: sequence,
        records: [{ value: Buffer.from(`${sequence}`) }],
      })
    for (const sequence of [0, 1, 2, 3]) await client.produceBatch('t', 0, batch(sequence))
    const target = await otherThan(client, 't')
    await client.alter('t', 0, target)
    await moved(client, 't', target)
    for (const sequence of [0, 3, 4])
      expect(await client.produceBatch('t', 0, batch(sequence))).toBe(ErrorCode.NONE)
    expect(await client.produceBatch('t', 0, batch(9))).toBe(ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER)
    expect(await client.values('t', 0)).toEqual(['0', '1', '2', '3', '4'])
  })

  it('can be one of __consumer_offsets, whose groups go on', async () => {
    const client = await start(new MemoryFileSystem())
    await client.create('t', 1)
    expect(await client.commit('g', 't', 1n)).toBe(ErrorCode.NONE)
    const target = await otherThan(client, '__consumer_offsets')
    await client.alter('__consumer_offsets', 0, target)
    for (let offset = 2n; (await client.placeOf('__consumer_offsets', 0)).path !== target; offset++) {
      expect(await client.commit('g', 't', offset)).toBe(ErrorCode.NONE)
      expect(await client.committedOffset('g', 't')).toEqual({ errorCode: ErrorCode.NONE, offset })
    }
    expect(await client.commit('g', 't', 1000n)).toBe(ErrorCode.NONE)
    expect((await client.committedOffset('g', 't')).offset).toBe(1000n)
  })

  it('begins where its log does, and not before', async () => {
    const client = await start(new MemoryFileSystem())
    await client.create('t', 1)
    for (const value of valuesUpTo(5)) await client.produce('t', 0, value)
    await client.deleteRecords('t', 0, 3)
    const target = await otherThan(client, 't')
    await client.alter('t', 0, target)
    await moved(client, 't', target)
    expect((await client.fetch('t', 0, 2)).errorCode).toBe(ErrorCode.OFFSET_OUT_OF_RANGE)
    expect((await client.fetch('t', 0, 3)).logStartOffset).toBe(3)
  })
})

describe('a move under way', () => {
  /** Its copy waits for the device. */
  async function held(disk = new MemoryFileSystem(), configs: Record<string, string> = {}) {
    const fs = new FaultyFileSystem(disk)
    const client = await start(fs)
    await client.create('t', 1, { 'file.delete.delay.ms': '0', ...configs })
    for (const value of valuesUpTo(3)) await client.produce('t', 0, value)
    const source = (await client.placeOf('t', 0)).path
    const target = await otherThan(client, 't')
    const { promise: until, resolve: release } = Promise.withResolvers<void>()
    const fault = fs.inject({ operations: ['sync'], path: FUTURE, until })
    expect(await client.alter('t', 0, target)).toBe(ErrorCode.NONE)
    await client.until(async () => fault.calls > 0)
    return { fs, client, source, target, release }
  }

  it('is given up when the partition is to stay where it is', async () => {
    const { fs, client, source, release } = await held()
    expect(await client.alter('t', 0, source)).toBe(ErrorCode.NONE)
    release()
    await client.until(async () => namesOf(fs, 't').length === 1)
    expect(namesOf(fs, 't')).toEqual([`${source}/t-0`])
    expect(await client.values('t', 0)).toEqual(valuesUpTo(3))
  })

  it('goes on when it is asked for again', async () => {
    const { client, target, release } = await held()
    expect(await client.alter('t', 0, target)).toBe(ErrorCode.NONE)
    release()
    await moved(client, 't', target)
    expect(await client.values('t', 0)).toEqual(valuesUpTo(3))
  })

  it('ends with the topic', async () => {
    const { fs, client, release } = await held()
    expect(await client.delete('t')).toBe(ErrorCode.NONE)
    release()
    await client.until(async () => namesOf(fs, 't').length === 0)
    await client.create('t', 1)
    expect(await client.values('t', 0)).toEqual([])
  })

  it('goes on after a clean stop', async () => {
    const { fs, source, target, release } = await held()
    release()
    await stop()
    const client = await start(fs)
    await moved(client, 't', target)
    expect(await client.values('t', 0)).toEqual(valuesUpTo(3))
    await client.until(async () => !fs.readDirectory(source).includes('t-0'))
  })

  it('has on the device what was acknowledged from there, when the power fails as it has ended', async () => {
    const disk = new MemoryFileSystem()
    const { client, target, release } = await held(disk, { 'flush.messages': '1' })
    expect(await client.produce('t', 0, '3')).toBe(ErrorCode.NONE)
    release()
    await moved(client, 't', target)
    disk.crash()
    await stop()
    const again = await start(disk)
    expect(await again.values('t', 0)).toEqual(valuesUpTo(4))
  })

  it('is no more when the disk that it goes to fails, and the partition stays', async () => {
    const { fs, client, source, target, release } = await held()
    const victim = target === '/d1' ? undefined : target
    if (victim !== undefined) {
      fs.inject({ operations: ['sync'], path: FUTURE, code: 'EIO' })
      release()
      await client.until(async () => (await client.describe()).some(({ errorCode }) => errorCode !== 0))
      expect((await client.placeOf('t', 0)).path).toBe(source)
      expect(await client.produce('t', 0, '3')).toBe(ErrorCode.NONE)
      expect(await client.values('t', 0)).toEqual(valuesUpTo(4))
    } else release()
  })
})

describe('a move for which the disk has no room', () => {
  it.each(['asked for again', 'interrupted by a stop'])('stands still until it is %s', async (how) => {
    const fs = new FaultyFileSystem(new MemoryFileSystem())
    const client = await start(fs)
    await client.create('t', 1, { 'file.delete.delay.ms': '0' })
    for (const value of valuesUpTo(3)) await client.produce('t', 0, value)
    const target = await otherThan(client, 't')
    const full = fs.inject({ operations: ['write'], path: /-future\/.*\.log$/, code: 'ENOSPC' })
    await client.alter('t', 0, target)
    await client.until(async () => full.calls > 0)
    expect(await client.produce('t', 0, '3')).toBe(ErrorCode.NONE)
    expect((await client.describe()).map(({ errorCode }) => errorCode)).toEqual([0, 0])
    full.remove()
    let next = client
    if (how === 'asked for again') await client.alter('t', 0, target)
    else {
      await stop()
      next = await start(fs)
    }
    await moved(next, 't', target)
    await next.until(async () => namesOf(fs, 't').length === 1)
    expect(namesOf(fs, 't')).toEqual([`${target}/t-0`])
    expect(await next.values('t', 0)).toEqual(valuesUpTo(4))
  })
})

describe('a copy that cannot be begun', () => {
  it('refuses the move, and leaves nothing behind', async () => {
    const fs = new FaultyFileSystem(new MemoryFileSystem())
    const client = await start(fs)
    await client.create('t', 1)
    await client.produce('t', 0, '0')
    const full = fs.inject({ operations: ['write'], path: /-future\/partition\.metadata/, code: 'ENOSPC' })
    const target = await otherThan(client, 't')
    expect(await client.alter('t', 0, target)).toBe(ErrorCode.KAFKA_STORAGE_ERROR)
    expect(full.calls).toBe(1)
    expect(namesOf(fs, 't')).toHaveLength(1)
    expect(await client.values('t', 0)).toEqual(['0'])
  })
})

describe('a partition that there is not yet', () => {
  it('is put where it was wanted once it is made', async () => {
    const client = await start(new MemoryFileSystem(), { 'offsets.topic.num.partitions': '4' })
    for (const path of ['/d1', '/d2']) {
      const topic = `wanted-in-${path.slice(1)}`
      for (const partition of [0, 1, 2])
        expect(await client.alter(topic, partition, path)).toBe(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
      await client.create(topic, 3)
      for (const partition of [0, 1, 2]) expect((await client.placeOf(topic, partition)).path).toBe(path)
    }
  })
})

describe('a broker that is killed at any change to the disk while a partition moves', () => {
  async function run(fs: FileSystem, faults: { begin(): void }) {
    const acknowledged: string[] = []
    const client = await start(fs)
    await client.create('t', 1, { 'file.delete.delay.ms': '0' })
    faults.begin()
    const produce = async (value: string) => {
      if ((await client.produce('t', 0, value)) === ErrorCode.NONE) acknowledged.push(value)
    }
    for (const value of ['0', '1']) await produce(value)
    const places = (await client.places()).filter(({ topic }) => topic === 't')
    const target = places[0]?.path === '/d1' ? '/d2' : '/d1'
    if ((await client.alter('t', 0, target)) === ErrorCode.NONE) {
      await produce('2')
      // As many turns as the move takes where nothing fails.
      for (let turn = 0; turn < 20; turn++) await client.places()
    }
    await produce('3')
    return acknowledged
  }

  it('has every record that it acknowledged, in one directory', async () => {
    const counting = new FaultyFileSystem(new MemoryFileSystem())
    let all: InjectedFault | undefined
    const count = () => {
      all = counting.inject({ operations: CHANGING_OPERATIONS })
    }
    expect(await run(counting, { begin: count })).toEqual(['0', '1', '2', '3'])
    const calls = all?.calls ?? 0
    await stop()
    expect(calls).toBeGreaterThan(20)
    const places = new Set<string>()
    for (let after = 0; after < calls; after++) {
      const disk = new MemoryFileSystem()
      const fs = new FaultyFileSystem(disk)
      const standStill = () => fs.inject({ operations: CHANGING_OPERATIONS, code: 'EIO', after })
      const acknowledged = await run(fs, { begin: standStill })
      disk.kill()
      await stop()
      const client = await start(disk)
      const values = await client.values('t', 0)
      expect(values.slice(0, acknowledged.length), `after ${after}`).toEqual(acknowledged)
      await client.until(async () => (await client.places()).every(({ isFuture }) => !isFuture))
      expect(await client.produce('t', 0, 'later'), `after ${after}`).toBe(ErrorCode.NONE)
      expect(await client.values('t', 0), `after ${after}`).toEqual([...values, 'later'])
      places.add((await client.placeOf('t', 0)).path)
      await stop()
    }
    // Before and after it had moved.
    expect(places).toEqual(new Set(['/d1', '/d2']))
  })
})
