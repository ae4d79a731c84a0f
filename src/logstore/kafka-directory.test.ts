import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { silentLogger } from '../base/logger.ts'
import { batchOf, contentsOf, START_MS } from '../testing/log-fixture.ts'
import { ManualClock } from '../testing/manual-clock.ts'
import { SeededRandom } from '../testing/seeded-random.ts'
import { compressionTypes } from '../wire/compression.ts'
import { defaultLogConfig } from './log-config.ts'
import { LogDirectory } from './log-directory.ts'
import { MemoryFileSystem } from './memory-fs.ts'

function copyOf(name: string): MemoryFileSystem {
  const fs = new MemoryFileSystem()
  const copy = (from: string, to: string): void => {
    fs.makeDirectory(to)
    for (const entry of readdirSync(from)) {
      const path = join(from, entry)
      if (statSync(path).isDirectory()) copy(path, `${to}/${entry}`)
      else {
        const file = fs.open(`${to}/${entry}`, 'create')
        file.write([readFileSync(path)], 0)
        file.close()
      }
    }
  }
  copy(join(import.meta.dirname, 'fixtures', name), '/data')
  return fs
}

const config = { ...defaultLogConfig, segmentIndexBytes: 120, indexIntervalBytes: 300 }
const expected = compressionTypes.flatMap((codec) =>
  Array.from({ length: 60 }, (_, index) => `${codec}-${index + 1}-${'x'.repeat(40)}`),
)

describe.each([
  ['kafka-4.3.1-clean', true],
  ['kafka-4.3.1-killed', false],
])('a directory that Kafka left (%s)', (name, clean) => {
  function open(fs: MemoryFileSystem) {
    // The producers of the fixture must not have expired.
    const clock = new ManualClock(START_MS)
    const directory = LogDirectory.open({
      fs,
      path: '/data',
      clock,
      random: new SeededRandom(1),
      logger: silentLogger,
    })
    const [found] = directory.found()
    expect(found).toMatchObject({ topic: 'fixture', partition: 0 })
    const identity = { topic: 'fixture', partition: 0, topicId: found?.topicId ?? '' }
    return { directory, log: directory.openOrCreate(identity, config) }
  }

  it('gives back every record, its producers and epochs, and takes new ones', async () => {
    const fs = copyOf(name)
    const { directory, log } = open(fs)
    expect(directory.hadCleanShutdown).toBe(clean)
    expect(directory.metaProperties).toMatchObject({ clusterId: '4L6g3nShT-eMCtK--X86sw', nodeId: 1 })
    expect(log.segments.count).toBe(3)
    const contents = await contentsOf(log)
    expect(contents).toEqual(expected.map((value, offset) => [offset, value]))
    expect([...log.producers.entries.values()].map((entry) => entry.lastSequence)).toEqual([
      59, 59, 59, 59, 59,
    ])
    expect(log.latestEpoch()).toBe(0)
    for (const offset of [0, 91, 92, 215, 299]) {
      const read = await log.read(offset, 1, 300, true)
      expect(read.size).toBeGreaterThan(0)
    }
    expect(log.appendAsLeader(batchOf(['ours']), { leaderEpoch: 1, origin: 'client' }).firstOffset).toBe(300)
    await directory.close()
    const again = open(fs)
    expect(again.directory.hadCleanShutdown).toBe(true)
    expect((await contentsOf(again.log)).at(-1)).toEqual([300, 'ours'])
  })

  it('gets the indexes that Kafka itself wrote when they are built anew', async () => {
    const fs = copyOf(name)
    const index = '/data/fixture-0/00000000000000000092.index'
    const original = fs.open(index, 'read')
    const bytes = Buffer.alloc(original.size())
    original.read(bytes, 0, bytes.length, 0)
    fs.removeFile(index)
    const { directory } = open(fs)
    await directory.close()
    const rebuilt = fs.open(index, 'read')
    const found = Buffer.alloc(rebuilt.size())
    rebuilt.read(found, 0, found.length, 0)
    expect(found.toString('hex')).toBe(bytes.toString('hex'))
  })
})
