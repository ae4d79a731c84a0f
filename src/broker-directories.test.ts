/** A broker with several log directories, one of which fails, is taken out, or is moved to. */
import { afterEach, describe, expect, it } from 'vitest'
import { ConfigError, loadConfig } from './config/load.ts'
import { FaultyFileSystem } from './logstore/faulty-fs.ts'
import type { FileSystem } from './logstore/file-system.ts'
import { MemoryFileSystem } from './logstore/memory-fs.ts'
import { StartError } from './start-error.ts'
import { DirectoryClient } from './testing/directory-client.ts'
import { startTestBroker } from './testing/test-broker.ts'
import { ErrorCode } from './wire/error-codes.ts'

const DIRS = ['/d1', '/d2', '/d3']
const running: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const closeable of running.splice(0).reverse()) await closeable.close()
})

async function start(fs: FileSystem, overrides: Record<string, string> = {}) {
  const broker = await startTestBroker(fs, {
    overrides: {
      'log.dirs': DIRS.join(),
      'offsets.topic.num.partitions': '3',
      'log.flush.interval.messages': '1',
      ...overrides,
    },
  })
  running.push(broker)
  const { host, port } = broker.listeners[0]!
  const client = await DirectoryClient.connect(host, port)
  running.push(client)
  return { broker, client }
}

async function stop(): Promise<void> {
  for (const closeable of running.splice(0).reverse()) await closeable.close()
}

/** The disk of one directory is gone. */
function fail(fs: FaultyFileSystem, directory: string) {
  return fs.inject({ path: new RegExp(`^${directory}(/|$)`), code: 'EIO' })
}

describe('several log directories', () => {
  it('share the partitions evenly, and each is found in its place again', async () => {
    const fs = new MemoryFileSystem()
    const { client } = await start(fs)
    await client.create('t', 6)
    for (let partition = 0; partition < 6; partition++)
      await client.produce('t', partition, `of ${partition}`)
    const before = await client.places()
    expect(DIRS.map((path) => before.filter((place) => place.path === path).length)).toEqual([3, 3, 3])
    const ids = DIRS.map((path) => metaOf(fs, path))
    expect(new Set(ids.map((meta) => meta['directory.id'])).size).toBe(3)
    expect(new Set(ids.map((meta) => `${meta['cluster.id']} ${meta['node.id']}`)).size).toBe(1)
    await stop()
    for (const path of DIRS) expect(fs.exists(`${path}/.kafka_cleanshutdown`)).toBe(true)
    const again = await start(fs)
    expect(await again.client.places()).toEqual(before)
    for (let partition = 0; partition < 6; partition++)
      expect(await again.client.values('t', partition)).toEqual([`of ${partition}`])
  })

  /** A stopped broker's partition with a record, and a directory of that name elsewhere, before or behind it. */
  async function twice(fs: MemoryFileSystem, isBefore: boolean, files: readonly string[]) {
    const { client } = await start(fs)
    // The first goes to the first of them.
    await client.create('t', DIRS.length)
    const partition = isBefore ? DIRS.length - 1 : 0
    const name = `t-${partition}`
    await client.produce('t', partition, 'a')
    const { path } = await client.placeOf('t', partition)
    await stop()
    const other = DIRS[DIRS.length - 1 - DIRS.indexOf(path)]!
    expect(DIRS.indexOf(other) < DIRS.indexOf(path)).toBe(isBefore)
    fs.makeDirectory(`${other}/${name}`)
    for (const file of files) {
      const bytes = Buffer.alloc(fs.stat(`${path}/${name}/${file}`).size)
      fs.open(`${path}/${name}/${file}`, 'read').read(bytes, 0, bytes.length, 0)
      fs.open(`${other}/${name}/${file}`, 'create').write([bytes], 0)
    }
    return { partition, name, other }
  }

  describe.each([
    ['before', true],
    ['behind', false],
  ])('with one partition in two of them, the second %s its place', (_, isBefore) => {
    const LOG = '00000000000000000000.log'

    it('refuse to start where both may be it', async () => {
      const fs = new MemoryFileSystem()
      const { name } = await twice(fs, isBefore, ['partition.metadata', LOG])
      await expect(start(fs)).rejects.toThrow(`Duplicate log directories for ${name} are found in both`)
    })

    it.each([
      ['nothing', []],
      ['no records', ['partition.metadata']],
      ['no topic id', [LOG]],
    ])('leave alone the one that has %s', async (_, files) => {
      const fs = new MemoryFileSystem()
      const { partition, name, other } = await twice(fs, isBefore, files)
      const { client } = await start(fs)
      expect(await client.values('t', partition)).toEqual(['a'])
      expect(fs.readDirectory(`${other}/${name}`)).toEqual(files)
    })
  })

  it('refuse to start where the metadata is in another than the first', async () => {
    const fs = new MemoryFileSystem()
    await start(fs)
    await stop()
    await expect(start(fs, { 'log.dirs': '/d2,/d1,/d3' })).rejects.toThrow(
      /\/d2: has no metadata, \/d1 has; name that first/,
    )
    const { client } = await start(fs, { 'log.dirs': '/d2,/d1,/d3', 'metadata.log.dir': '/d1' })
    expect((await client.describe()).map(({ logDir }) => logDir)).toEqual(['/d2', '/d1', '/d3'])
  })

  it('can have the metadata apart', async () => {
    const fs = new MemoryFileSystem()
    const overrides = { 'metadata.log.dir': '/meta', 'log.dirs': '/d1' }
    const { client } = await start(fs, overrides)
    await client.create('t', 1)
    await client.produce('t', 0, 'a')
    expect((await client.describe()).map(({ logDir }) => logDir)).toEqual(['/d1'])
    await stop()
    expect(fs.readDirectory('/meta').filter((name) => /-\d+$/.test(name))).toEqual([])
    expect(await (await start(fs, overrides)).client.values('t', 0)).toEqual(['a'])
  })

  it('refuse to start when two are the same', async () => {
    const dirs = { 'log.dirs': '/d1,/d2,/d2/../d1' }
    await expect(start(new MemoryFileSystem(), dirs)).rejects.toThrow('/d1 is named twice')
  })
})

describe('a log directory that is cordoned', () => {
  it('gets no new partition, nor any that moves, and keeps those it has', async () => {
    const { client } = await start(new MemoryFileSystem())
    await client.create('before', 3)
    expect(await client.setBrokerConfig('cordoned.log.dirs', '/d2')).toBe(ErrorCode.NONE)
    await client.create('after', 6)
    const places = await client.places()
    expect(places.filter(({ topic, path }) => topic === 'after' && path === '/d2')).toEqual([])
    const kept = places.find(({ topic, path }) => topic === 'before' && path === '/d2')!
    expect(await client.produce('before', kept.partition, 'a')).toBe(ErrorCode.NONE)
    expect((await client.describe()).map(({ isCordoned }) => isCordoned)).toEqual([false, true, false])
    expect(await client.alter('after', 0, '/d2')).toBe(ErrorCode.INVALID_REPLICA_ASSIGNMENT)
    expect(await client.alter('not.yet', 0, '/d2')).toBe(ErrorCode.INVALID_REPLICA_ASSIGNMENT)
  })

  it('leaves no place for a new topic when all are', async () => {
    const { client } = await start(new MemoryFileSystem())
    for (const all of ['*', DIRS.join()]) {
      expect(await client.setBrokerConfig('cordoned.log.dirs', all)).toBe(ErrorCode.NONE)
      await client.until(async () =>
        client.create(`t-${all.length}`, 1).then(
          () => false,
          (error: Error) => error.message.includes('have all their log directories cordoned'),
        ),
      )
    }
    expect(await client.setBrokerConfig('cordoned.log.dirs', '/d2')).toBe(ErrorCode.NONE)
    await client.until(async () =>
      client.create('t', 1).then(
        () => true,
        () => false,
      ),
    )
  })

  it.each(['/d4', '*,/d1'])('cannot be %s', async (value) => {
    const { client } = await start(new MemoryFileSystem())
    expect(await client.setBrokerConfig('cordoned.log.dirs', value)).toBe(ErrorCode.INVALID_REQUEST)
    expect(() => loadConfig({ overrides: { 'log.dirs': '/d1', 'cordoned.log.dirs': value } })).toThrow(
      ConfigError,
    )
  })
})

describe('a log directory that fails', () => {
  async function failing() {
    const fs = new FaultyFileSystem(new MemoryFileSystem())
    const started = await start(fs, { 'sluice.http.listener': '127.0.0.1:0' })
    const { client } = started
    await client.create('t', 3)
    for (const partition of [0, 1, 2]) await client.produce('t', partition, `of ${partition}`)
    const groups = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']
    for (const group of groups) expect(await client.commit(group, 't', 5n)).toBe(ErrorCode.NONE)
    const { path } = await client.placeOf('t', 2)
    // Not that of the metadata.
    const victim = path === '/d1' ? '/d2' : path
    const lost = (await client.places()).filter((place) => place.path === victim)
    const index = lost.find(({ topic }) => topic === 't')!.partition
    return { ...started, fs, groups, victim, lost, index }
  }

  async function afterFailure() {
    const context = await failing()
    const { client, fs, victim, index } = context
    const fault = fail(fs, victim)
    expect(await client.produce('t', index, 'lost')).toBe(ErrorCode.KAFKA_STORAGE_ERROR)
    await client.until(async () => (await client.partition('t', index)).leaderId === -1)
    return { ...context, fault }
  }

  it('takes its partitions offline, and leaves the others and the broker', async () => {
    const { client, broker, victim, lost, index } = await afterFailure()
    expect(await client.produce('t', index, 'x')).toBe(ErrorCode.KAFKA_STORAGE_ERROR)
    expect((await client.fetch('t', index)).errorCode).toBe(ErrorCode.KAFKA_STORAGE_ERROR)
    expect(await client.endOffset('t', index)).toEqual({
      errorCode: ErrorCode.KAFKA_STORAGE_ERROR,
      offset: -1,
    })
    expect(await client.partition('t', index)).toMatchObject({
      errorCode: ErrorCode.LEADER_NOT_AVAILABLE,
      leaderId: -1,
      leaderEpoch: 1,
      replicaNodes: [1],
      isrNodes: [],
      offlineReplicas: [1],
    })
    const others = [0, 1, 2].filter(
      (each) => !lost.some(({ topic, partition }) => topic === 't' && partition === each),
    )
    for (const other of others) {
      expect(await client.produce('t', other, 'more')).toBe(ErrorCode.NONE)
      expect(await client.values('t', other)).toEqual([`of ${other}`, 'more'])
    }
    const described = await client.describe()
    expect(described.map(({ errorCode }) => errorCode)).toEqual(
      DIRS.map((path) => (path === victim ? ErrorCode.KAFKA_STORAGE_ERROR : ErrorCode.NONE)),
    )
    expect(described.find(({ logDir }) => logDir === victim)).toMatchObject({
      topics: [],
      totalBytes: -1,
      usableBytes: -1,
    })
    const ready = await fetch(`http://127.0.0.1:${broker.httpPort}/health/ready`)
    expect(ready.status).toBe(200)
    const metrics = await (await fetch(`http://127.0.0.1:${broker.httpPort}/metrics`)).text()
    expect(metrics).toMatch(/^sluice_log_directories_offline 1$/m)
  })

  it('ends the wait of a consumer for its records at once', async () => {
    const { client, broker, fs, victim, index } = await failing()
    const { host, port } = broker.listeners[0]!
    const waiting = await DirectoryClient.connect(host, port)
    running.push(waiting)
    const polled = waiting.fetch('t', index, 1, 60_000)
    await waiting.until(async () => (await client.fetch('t', index)).errorCode === ErrorCode.NONE)
    fail(fs, victim)
    await client.produce('t', index, 'lost')
    expect((await polled).errorCode).toBe(ErrorCode.KAFKA_STORAGE_ERROR)
  })

  it('has no coordinator for the groups whose partition was in it', async () => {
    const { client, groups, lost } = await afterFailure()
    const lostGroups = new Set(
      lost.filter(({ topic }) => topic === '__consumer_offsets').map(({ partition }) => partition),
    )
    expect(lostGroups.size).toBe(1)
    const codes = await Promise.all(
      groups.map(async (group) => ({
        found: await client.findCoordinator(group),
        committed: await client.commit(group, 't', 6n),
        listed: await client.committedOffset(group, 't'),
      })),
    )
    const kinds = new Set(
      codes.map((each) => JSON.stringify(each, (_, value) => (String(value) === '6' ? 6 : value))),
    )
    expect(codes).toContainEqual({
      found: ErrorCode.COORDINATOR_NOT_AVAILABLE,
      committed: ErrorCode.NOT_COORDINATOR,
      listed: { errorCode: ErrorCode.NOT_COORDINATOR, offset: undefined },
    })
    expect(codes).toContainEqual({
      found: ErrorCode.NONE,
      committed: ErrorCode.NONE,
      listed: { errorCode: ErrorCode.NONE, offset: 6n },
    })
    expect(kinds.size).toBe(2)
  })

  it('gets no new partition, and nothing is moved while it is offline', async () => {
    const { client, victim, index } = await afterFailure()
    await client.create('new', 4)
    for (const partition of [0, 1, 2, 3]) {
      expect(await client.produce('new', partition, 'a')).toBe(ErrorCode.NONE)
      expect((await client.placeOf('new', partition)).path).not.toBe(victim)
    }
    const other = DIRS.find((path) => path !== victim)!
    const here = await client.placeOf('new', 0)
    const elsewhere = DIRS.find((path) => path !== victim && path !== here.path)!
    expect(await client.alter('new', 0, victim)).toBe(ErrorCode.KAFKA_STORAGE_ERROR)
    expect(await client.alter('new', 0, elsewhere)).toBe(ErrorCode.KAFKA_STORAGE_ERROR)
    expect(await client.alter('new', 0, here.path)).toBe(ErrorCode.NONE)
    expect(await client.alter('t', index, other)).toBe(ErrorCode.KAFKA_STORAGE_ERROR)
  })

  it('gives its topics their names back when they are deleted', async () => {
    const { client } = await afterFailure()
    expect(await client.delete('t')).toBe(ErrorCode.NONE)
    await client.create('t', 3)
    for (const partition of [0, 1, 2]) {
      expect(await client.produce('t', partition, 'new')).toBe(ErrorCode.NONE)
      expect(await client.values('t', partition)).toEqual(['new'])
    }
  })

  it('brings all back after a restart on which it is well again', async () => {
    const { fs, fault, groups, index } = await afterFailure()
    await stop()
    fault.remove()
    const { client } = await start(fs)
    expect(await client.values('t', index)).toEqual([`of ${index}`])
    expect(await client.partition('t', index)).toMatchObject({
      errorCode: ErrorCode.NONE,
      leaderId: 1,
      isrNodes: [1],
      offlineReplicas: [],
    })
    for (const group of groups) expect((await client.committedOffset(group, 't')).offset).toBe(5n)
  })

  it.each(['unusable', 'taken out of log.dirs'])(
    'stays offline over a start on which it is %s, and comes back later as it was',
    async (how) => {
      const { fs, fault, victim, index, lost } = await afterFailure()
      await stop()
      const dirs = how === 'unusable' ? DIRS : DIRS.filter((path) => path !== victim)
      const { client } = await start(fs, { 'log.dirs': dirs.join() })
      expect((await client.places()).filter(({ path }) => path === victim)).toEqual([])
      expect(await client.partition('t', index)).toMatchObject({
        errorCode: ErrorCode.LEADER_NOT_AVAILABLE,
        leaderId: -1,
        offlineReplicas: [1],
      })
      expect(await client.produce('t', index, 'x')).toBe(ErrorCode.NOT_LEADER_OR_FOLLOWER)
      expect((await client.fetch('t', index)).errorCode).toBe(ErrorCode.NOT_LEADER_OR_FOLLOWER)
      await stop()
      fault.remove()
      const well = await start(fs)
      expect((await well.client.places()).filter(({ path }) => path === victim)).toEqual(lost)
      expect(await well.client.values('t', index)).toEqual([`of ${index}`])
    },
  )

  it('ends the broker when it is that of the metadata', async () => {
    const { broker, fs, client } = await failing()
    fail(fs, '/d1')
    const place = (await client.places()).find(({ path, topic }) => path === '/d1' && topic === 't')
    const code = await client.produce('t', place?.partition ?? 0, 'x')
    if (place !== undefined) expect(code).toBe(ErrorCode.KAFKA_STORAGE_ERROR)
    expect(await broker.failed).toMatch(/restart the broker when the disk is well/)
    const ready = await fetch(`http://127.0.0.1:${broker.httpPort}/health/ready`)
    expect(ready.status).toBe(503)
  })

  it('ends the broker when it is the last', async () => {
    const fs = new FaultyFileSystem(new MemoryFileSystem())
    const { broker, client } = await start(fs, { 'metadata.log.dir': '/meta', 'log.dirs': '/d1,/d2' })
    await client.create('t', 2)
    for (const directory of ['/d1', '/d2']) fail(fs, directory)
    for (const partition of [0, 1])
      expect(await client.produce('t', partition, 'x')).toBe(ErrorCode.KAFKA_STORAGE_ERROR)
    expect(await broker.failed).toMatch(/restart the broker/)
  })

  it('at the start is passed over, unless it is that of the metadata or all are', async () => {
    const fs = new FaultyFileSystem(new MemoryFileSystem())
    const fault = fail(fs, '/d2')
    const { client } = await start(fs)
    await client.create('t', 2)
    for (const partition of [0, 1]) expect(await client.produce('t', partition, 'a')).toBe(ErrorCode.NONE)
    await stop()
    fault.remove()
    fail(fs, '/d1')
    await expect(start(fs)).rejects.toThrow(StartError)
    const apart = { 'metadata.log.dir': '/meta', 'log.dirs': '/d1' }
    await expect(start(fs, apart)).rejects.toThrow('none of /d1 can be used')
  })
})

function metaOf(fs: FileSystem, directory: string): Record<string, string> {
  const file = fs.open(`${directory}/meta.properties`, 'read')
  const bytes = Buffer.alloc(file.size())
  file.read(bytes, 0, bytes.length, 0)
  file.close()
  return Object.fromEntries(
    String(bytes)
      .split('\n')
      .filter((line) => line.includes('='))
      .map((line) => line.split('=', 2) as [string, string]),
  )
}
