import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test, vi } from 'vitest'
import { systemClock } from '../../base/clock.ts'
import { silentLogger } from '../../base/logger.ts'
import { systemRandom } from '../../base/random.ts'
import { FaultyFileSystem } from '../../logstore/faulty-fs.ts'
import type { FileSystem } from '../../logstore/file-system.ts'
import { MemoryFileSystem } from '../../logstore/memory-fs.ts'
import { NodeFileSystem } from '../../logstore/node-fs.ts'
import { isDeep } from '../../testing/depth.ts'
import { SeededRandom } from '../../testing/seeded-random.ts'
import { updateBatchCrc } from '../../wire/batch.ts'
import { MetadataStoreError } from './commit-codec.ts'
import { EmbeddedStore, type EmbeddedStoreOptions } from './embedded-store.ts'
import { type MetadataImage, partitionOf, withLeader } from './image.ts'
import { expectTouched, expectVersion } from './store.ts'
import { commit, createTopic, describeMetadataStore, setTopicConfig } from './store-contract.ts'

const LIVES = isDeep ? 150 : 40
const CLUSTER_ID = 'MkU3OEVBNTcwNTJENDM2Qg'
const DIRECTORY = '/data/sluice.metadata'

const scratch = mkdtempSync(join(tmpdir(), 'sluice-metadata-'))
afterAll(() => rmSync(scratch, { recursive: true, force: true }))

function open(fs: FileSystem, options: Partial<EmbeddedStoreOptions> = {}): Promise<EmbeddedStore> {
  return EmbeddedStore.open({
    fs,
    directory: '/data',
    clock: systemClock,
    random: systemRandom,
    logger: silentLogger,
    clusterId: CLUSTER_ID,
    ...options,
  })
}

function memory(): MemoryFileSystem {
  const fs = new MemoryFileSystem()
  fs.makeDirectory('/data')
  fs.syncDirectory('/')
  return fs
}

describeMetadataStore('the embedded store in memory', () => {
  const fs = memory()
  return { open: () => open(fs), clusterId: CLUSTER_ID }
})

const nodeFileSystem = new NodeFileSystem()
let directories = 0
describeMetadataStore('the embedded store on disk', () => {
  const directory = join(scratch, `d${directories++}`)
  nodeFileSystem.makeDirectory(directory)
  return { open: () => open(nodeFileSystem, { directory }), clusterId: CLUSTER_ID }
})

describeMetadataStore('the embedded store with a snapshot after every few commits', () => {
  const fs = memory()
  return { open: () => open(fs, { minSnapshotIntervalBytes: 300 }), clusterId: CLUSTER_ID }
})

function readFile(fs: FileSystem, path: string): Buffer {
  const file = fs.open(path, 'read')
  const bytes = Buffer.alloc(file.size())
  file.read(bytes, 0, bytes.length, 0)
  file.close()
  return bytes
}

function writeFile(fs: FileSystem, path: string, bytes: Buffer): void {
  const file = fs.open(path, 'create')
  file.write([bytes], 0)
  file.sync()
  file.close()
  fs.syncDirectory(DIRECTORY)
}

const namesOf = (image: MetadataImage): string[] => [...image.topics.keys()].sort()

/** A closed store with the given topics, one commit each, in one log file whose bytes are returned. */
async function closedLog(topics: readonly string[]): Promise<Buffer> {
  const fs = memory()
  const store = await open(fs)
  for (const topic of topics) await commit(store, createTopic(topic))
  await store.close()
  return readFile(fs, `${DIRECTORY}/00000000000000000000.log`)
}

function withLog(bytes: Buffer): MemoryFileSystem {
  const fs = memory()
  fs.makeDirectory(DIRECTORY)
  writeFile(fs, `${DIRECTORY}/00000000000000000000.log`, bytes)
  return fs
}

describe('the log', () => {
  test('cut at any byte, the start finds a beginning of what was committed, and goes on from there', async () => {
    const topics = ['a', 'b', 'c']
    const whole = await closedLog(topics)
    let found = 0
    for (let size = 0; size <= whole.length; size++) {
      const fs = withLog(whole.subarray(0, size))
      const store = await open(fs)
      const names = namesOf(store.image())
      expect(names).toEqual(topics.slice(0, names.length))
      expect(names.length).toBeGreaterThanOrEqual(found)
      found = names.length
      await commit(store, createTopic('later'))
      await store.close()
      const again = await open(fs)
      expect(namesOf(again.image())).toEqual([...names, 'later'])
      await again.close()
    }
    expect(found).toBe(3)
  })

  test('a tail of zeros or of noise is cut off', async () => {
    const whole = await closedLog(['a'])
    for (const tail of [Buffer.alloc(5000), new SeededRandom(7).bytes(5000)]) {
      const fs = withLog(Buffer.concat([whole, tail]))
      const store = await open(fs)
      expect(namesOf(store.image())).toEqual(['a'])
      await store.close()
      expect(readFile(fs, `${DIRECTORY}/00000000000000000000.log`).equals(whole)).toBe(true)
    }
  })

  test('a torn end after a clean stop is damage, and stops the start with what to do', async () => {
    const whole = await closedLog(['a', 'b'])
    const fs = withLog(whole.subarray(0, whole.length - 5))
    await expect(open(fs, { hadCleanShutdown: true })).rejects.toThrow(
      /0\.log: damaged at \d+, although the last stop was clean; restore it from a backup, or cut it to \d+ bytes/,
    )
    expect(namesOf((await open(fs)).image())).toEqual(['a'])
  })

  test('that has lost all its commits is refused where there was a cluster', async () => {
    await expect(open(withLog(Buffer.alloc(0)), { isFormed: true })).rejects.toThrow(
      `${DIRECTORY}: holds no commit, although meta.properties beside it names the cluster; restore it`,
    )
  })

  test('a damaged byte before the last commit stops the start and changes nothing', async () => {
    const whole = await closedLog(['a', 'b', 'c'])
    const last = await closedLog(['a', 'b'])
    for (let at = 0; at < last.length; at += 3) {
      // The leader epoch and base offset of a batch stand outside its checksum and mean nothing here.
      const damaged = Buffer.from(whole)
      damaged[at] = damaged[at]! ^ 0x40
      const fs = withLog(damaged)
      const outcome = await open(fs).then(
        (store) => store,
        (error: unknown) => error,
      )
      if (outcome instanceof EmbeddedStore) {
        expect(namesOf(outcome.image())).toEqual(['a', 'b', 'c'])
        await outcome.close()
      } else {
        expect(outcome).toBeInstanceOf(MetadataStoreError)
        expect((outcome as Error).message).toMatch(
          /^\/data\/sluice\.metadata\/0+\.log: damaged at \d+, before/,
        )
        expect(readFile(fs, `${DIRECTORY}/00000000000000000000.log`).equals(damaged)).toBe(true)
      }
    }
  })

  test('metadata of a newer release is refused by name', async () => {
    const whole = await closedLog(['a'])
    const fs = withLog(newerFormat(whole))
    await expect(open(fs)).rejects.toThrow(/\.log: batch at 0: metadata format 2 is newer than 1/)
  })

  test('another cluster id is refused, none is taken from the log', async () => {
    const fs = memory()
    await (await open(fs)).close()
    await expect(open(fs, { clusterId: 'AnotherClusterAnotherC' })).rejects.toThrow(
      `${DIRECTORY}: belongs to cluster ${CLUSTER_ID}, not to AnotherClusterAnotherC`,
    )
    const { clusterId: _, ...rest } = {
      fs,
      directory: '/data',
      clock: systemClock,
      random: systemRandom,
      logger: silentLogger,
      clusterId: '',
    }
    const store = await EmbeddedStore.open(rest)
    expect(store.image().clusterId).toBe(CLUSTER_ID)
    await store.close()
  })

  test('commits that wait for the disk share one write and one sync', async () => {
    const fs = memory()
    const faulty = new FaultyFileSystem(fs)
    const store = await open(faulty)
    const syncs = faulty.inject({ operations: ['sync'], after: Number.POSITIVE_INFINITY })
    const writes = faulty.inject({ operations: ['write'], after: Number.POSITIVE_INFINITY })
    const image = store.image()
    await Promise.all(
      Array.from({ length: 50 }, (_, i) => {
        const change = [createTopic(`t${i}`)]
        return store.commit(expectTouched(image, change), change)
      }),
    )
    expect([writes.calls, syncs.calls]).toEqual([1, 1])
    await store.close()
  })
})

describe('a full or failing disk', () => {
  test('a write that fails half way refuses its commit, and later ones go well', async () => {
    const fs = memory()
    const faulty = new FaultyFileSystem(fs)
    const store = await open(faulty)
    await commit(store, createTopic('a'))
    faulty.inject({ operations: ['write'], times: 1, code: 'ENOSPC', partialBytes: 100 })
    const refused = store.commit(expectVersion(store.image()), [createTopic('b')])
    await expect(refused).rejects.toThrow(/could not be written: ENOSPC/)
    expect(namesOf(store.image())).toEqual(['a'])
    await commit(store, createTopic('c'))
    await store.close()
    expect(namesOf((await open(fs)).image())).toEqual(['a', 'c'])
  })

  test('after a failed sync nothing more is accepted until the next start', async () => {
    const fs = memory()
    const faulty = new FaultyFileSystem(fs)
    const store = await open(faulty)
    await commit(store, createTopic('a'))
    faulty.inject({ operations: ['sync'], times: 1, code: 'EIO' })
    const lost = store.commit(expectVersion(store.image()), [createTopic('b')])
    await expect(lost).rejects.toBeInstanceOf(MetadataStoreError)
    const later = store.commit(expectVersion(store.image()), [createTopic('c')])
    await expect(later).rejects.toThrow(/could not be synced: EIO/)
    expect(namesOf(store.image())).toEqual(['a'])
    await store.close()
    fs.crash()
    expect(namesOf((await open(fs)).image())).toEqual(['a'])
  })

  test('what a killed process had written without syncing is durable once the next start has seen it', async () => {
    const fs = memory()
    const faulty = new FaultyFileSystem(fs)
    const store = await open(faulty)
    faulty.inject({ operations: ['sync'], times: 1, code: 'EIO' })
    await expect(store.commit(expectVersion(store.image()), [createTopic('a')])).rejects.toThrow()
    fs.kill()
    const next = await open(fs)
    expect(namesOf(next.image())).toEqual(['a'])
    await next.close()
    fs.crash()
    expect(namesOf((await open(fs)).image())).toEqual(['a'])
  })

  test('a write that can be neither finished nor taken back ends the commits', async () => {
    const faulty = new FaultyFileSystem(memory())
    const store = await open(faulty)
    faulty.inject({ operations: ['write', 'truncate'], times: 2, code: 'EIO', partialBytes: 10 })
    await expect(store.commit(expectVersion(store.image()), [createTopic('a')])).rejects.toThrow()
    await expect(store.commit(expectVersion(store.image()), [createTopic('b')])).rejects.toThrow(/taken back/)
    await store.close()
  })

  test('a snapshot that the disk has no room for takes none', async () => {
    const fs = memory()
    const faulty = new FaultyFileSystem(fs)
    const store = await open(faulty, { minSnapshotIntervalBytes: 200 })
    const full = faulty.inject({
      operations: ['write'],
      path: /checkpoint/,
      code: 'ENOSPC',
      partialBytes: 50,
    })
    for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) await commit(store, createTopic(name))
    expect(full.calls).toBeGreaterThan(0)
    await store.close()
    expect(fs.readDirectory(DIRECTORY).filter((name) => name.includes('checkpoint'))).toEqual([])
    expect(namesOf((await open(fs)).image())).toEqual(['a', 'b', 'c', 'd', 'e', 'f'])
  })

  test('a snapshot that fails costs nothing but a longer log', async () => {
    const fs = memory()
    const faulty = new FaultyFileSystem(fs)
    const warn = vi.fn()
    const logger = { ...silentLogger, warn }
    const store = await open(faulty, { minSnapshotIntervalBytes: 200, logger })
    faulty.inject({ operations: ['create'], path: /checkpoint/, code: 'ENOSPC' })
    const names = Array.from({ length: 20 }, (_, i) => `t${String(i).padStart(2, '0')}`)
    for (const name of names) await commit(store, createTopic(name))
    await store.close()
    expect(warn).toHaveBeenCalled()
    expect(namesOf((await open(fs)).image())).toEqual(names)
  })
})

describe('snapshots', () => {
  test('keep the log short, whatever number of commits there were', async () => {
    const fs = memory()
    const store = await open(fs, { minSnapshotIntervalBytes: 10_000 })
    await commit(store, createTopic('a'))
    for (let i = 0; i < 1000; i++) await commit(store, setTopicConfig('a', 'retention.ms', String(i)))
    const { version } = store.image()
    await store.close()
    const names = fs.readDirectory(DIRECTORY)
    const bytes = names.reduce((sum, name) => sum + fs.stat(`${DIRECTORY}/${name}`).size, 0)
    expect(bytes).toBeLessThan(25_000)
    expect(names.filter((name) => name.endsWith('.checkpoint')).length).toBe(1)
    const again = await open(fs)
    expect(again.image().version).toBe(version)
    expect(again.image().configs.get('topic/a')?.get('retention.ms')).toBe('999')
    await again.close()
  })

  test('a snapshot cut short or damaged is refused, never half an image', async () => {
    const fs = memory()
    const store = await open(fs, { minSnapshotIntervalBytes: 200 })
    for (const name of ['a', 'b', 'c', 'd']) await commit(store, createTopic(name))
    await store.close()
    const name = fs.readDirectory(DIRECTORY).find((each) => each.endsWith('.checkpoint'))!
    const whole = readFile(fs, `${DIRECTORY}/${name}`)
    for (let size = 0; size < whole.length; size += 7) {
      writeFile(fs, `${DIRECTORY}/${name}`, whole.subarray(0, size))
      await expect(open(fs)).rejects.toThrow(/checkpoint: damaged at/)
    }
    writeFile(fs, `${DIRECTORY}/${name}`, whole)
    await (await open(fs)).close()
  })

  test('a log whose snapshot is gone is refused, not taken for a new cluster', async () => {
    const fs = memory()
    const store = await open(fs, { minSnapshotIntervalBytes: 200 })
    for (const name of ['a', 'b', 'c', 'd']) await commit(store, createTopic(name))
    await store.close()
    fs.removeFile(`${DIRECTORY}/${fs.readDirectory(DIRECTORY).find((each) => each.endsWith('.checkpoint'))}`)
    await expect(open(fs)).rejects.toThrow(/the commit that made version 1 is missing/)
  })

  test('10,000 topics load in well under a second', async () => {
    const fs = memory()
    const store = await open(fs)
    await commit(store, ...Array.from({ length: 10_000 }, (_, i) => createTopic(`orders.${i}`)))
    await store.close()
    const started = systemClock.monotonicMs()
    const again = await open(fs)
    expect(systemClock.monotonicMs() - started).toBeLessThan(1000)
    expect(again.image().topics.size).toBe(10_000)
    await again.close()
  })
})

/**
 * One life after the other on a disk that crashes at a chosen call. What was acknowledged has to be there afterwards;
 * of what was not, whole commits in order may be.
 */
async function crashingLives(seed: number): Promise<void> {
  const random = new SeededRandom(seed)
  const fs = memory()
  let acknowledged = new Map<string, number>()
  for (let life = 0; life < 6; life++) {
    const faulty = new FaultyFileSystem(fs)
    faulty.inject({
      operations: ['create', 'write', 'truncate', 'sync', 'rename', 'removeFile', 'syncDirectory'],
      after: random.integer(0, 119),
      code: 'EIO',
      partialBytes: random.integer(0, 399),
    })
    const tried = new Map(acknowledged)
    try {
      const store = await open(faulty, { minSnapshotIntervalBytes: 1 + random.integer(0, 2999) })
      for (const [topic, epoch] of acknowledged) {
        expect(partitionOf(store.image(), topic, 0)?.leaderEpoch, `seed ${seed}: ${topic}`).toBe(epoch)
      }
      for (let step = 0; step < 40; step++) {
        const topic = `t${random.integer(0, 7)}`
        const before = partitionOf(store.image(), topic, 0)
        const next = (before?.leaderEpoch ?? -1) + 1
        tried.set(topic, next)
        await commit(
          store,
          before === undefined
            ? createTopic(topic)
            : { type: 'changePartition', topic, partition: withLeader(before, 1) },
        )
        acknowledged.set(topic, next)
      }
    } catch (error) {
      expect(String(error), `seed ${seed}`).toMatch(/EIO/)
    }
    // What that life still had under way ends with it.
    faulty.clearFaults()
    faulty.inject({ code: 'EIO' })
    if (random.integer(0, 2) === 0) fs.kill()
    else fs.crash(random)
    const store = await open(fs)
    const found = new Map<string, number>()
    for (const topic of store.image().topics.values()) found.set(topic.name, topic.partitions[0]!.leaderEpoch)
    for (const [topic, epoch] of acknowledged) {
      expect(found.get(topic), `seed ${seed}: ${topic}`).toBeGreaterThanOrEqual(epoch)
    }
    for (const [topic, epoch] of found) {
      expect(epoch, `seed ${seed}: ${topic}`).toBeLessThanOrEqual(tried.get(topic) ?? -1)
    }
    await store.close()
    acknowledged = found
  }
}

test('what was acknowledged survives a crash after any call to the disk', async () => {
  for (let seed = 1; seed <= LIVES; seed++) await crashingLives(seed)
})

/** The same log with `"format":2` in its first batch, and the checksum that belongs to it. */
function newerFormat(bytes: Buffer): Buffer {
  const changed = Buffer.from(bytes)
  const at = changed.indexOf('"format":1')
  changed[at + '"format":'.length] = '2'.charCodeAt(0)
  updateBatchCrc(changed, 0)
  return changed
}
