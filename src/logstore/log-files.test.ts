import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { silentLogger } from '../base/logger.ts'
import { START_MS } from '../testing/log-fixture.ts'
import {
  CorruptCheckpointError,
  formatCheckpoint,
  formatOffsetCheckpoint,
  parseCheckpoint,
  readOffsetCheckpoint,
  replaceSmallFile,
} from './checkpoints.ts'
import { EntryFile } from './entry-file.ts'
import { LeaderEpochs } from './leader-epochs.ts'
import { MemoryFileSystem } from './memory-fs.ts'
import { openFilesOf } from './node-fs.ts'
import { OffsetIndex } from './offset-index.ts'
import { OpenFiles } from './open-files.ts'
import { ProducerEntry } from './producer-entry.ts'
import { CorruptSnapshotError, decodeProducerSnapshot, encodeProducerSnapshot } from './producer-snapshot.ts'
import { ProducerStates } from './producer-state.ts'
import { TimeIndex } from './time-index.ts'

describe('an offset index', () => {
  it('finds the last entry up to an offset, over a restart and with zeros of preallocation behind it', () => {
    const fs = new MemoryFileSystem()
    const index = new OffsetIndex(fs, 'i', 1000)
    for (let i = 1; i <= 40; i++) index.append(1000 + i * 10, i * 500)
    index.file.write()
    const file = fs.open('i', 'write')
    file.truncate(10_000_000)
    for (const each of [index, new OffsetIndex(fs, 'i', 1000)]) {
      expect([each.lookup(1009), each.lookup(1010), each.lookup(1019), each.lookup(5000)]).toEqual([
        0, 500, 500, 20_000,
      ])
      expect([each.count, each.fault(20_001), each.lastEntry]).toEqual([
        40,
        undefined,
        { offset: 1400, position: 20_000 },
      ])
    }
    const again = new OffsetIndex(fs, 'i', 1000)
    again.truncateTo(1200)
    again.append(1205, 9_999)
    again.file.write()
    expect(file.size()).toBe(20 * 8)
    expect(new OffsetIndex(fs, 'i', 1000).lastEntry).toEqual({ offset: 1205, position: 9_999 })
  })

  it('says what does not fit: positions beyond the log, entries that do not ascend, half an entry', () => {
    const fs = new MemoryFileSystem()
    const index = new OffsetIndex(fs, 'i', 0)
    index.append(10, 100)
    expect(index.fault(100)).toContain('points to 100')
    index.append(10, 200)
    expect(index.fault(1000)).toContain('entry 1')
    fs.open('j', 'create').write([Buffer.from([0, 0, 0, 1, 0, 0, 0, 1, 7])], 0)
    expect(new OffsetIndex(fs, 'j', 0).fault(1000)).toContain('after the last entry')
  })
})

describe('a time index', () => {
  it('takes ascending timestamps only, and keeps an entry at the epoch of time', () => {
    const fs = new MemoryFileSystem()
    const index = new TimeIndex(fs, 't', 5)
    index.maybeAppend(0, 5)
    index.file.write()
    expect(new TimeIndex(fs, 't', 5).count).toBe(1)
    index.maybeAppend(0, 6)
    index.maybeAppend(100, 8)
    index.maybeAppend(50, 9)
    expect([
      index.count,
      index.lookup(99).offset,
      index.lookup(100).offset,
      index.lookup(-1).timestamp,
    ]).toEqual([2, 5, 8, -1])
    index.truncateTo(8)
    expect(index.lastEntry).toEqual({ timestamp: 0, offset: 5 })
  })
})

describe('leader epochs', () => {
  const epochs = (...entries: [number, number][]) => {
    const fs = new MemoryFileSystem()
    const cache = new LeaderEpochs(fs, '.')
    for (const [epoch, offset] of entries) cache.assign(epoch, offset)
    return { cache, fs }
  }

  it('answer where an epoch ends: at the next one, at the log end, or nowhere', () => {
    const { cache } = epochs([2, 10], [4, 20], [4, 25], [7, 30])
    const ends = [0, 2, 3, 4, 6, 7, 8, -1].map((epoch) => cache.endOffsetFor(epoch, 50))
    expect(ends).toEqual([
      { epoch: 0, endOffset: 10 },
      { epoch: 2, endOffset: 20 },
      { epoch: 2, endOffset: 20 },
      { epoch: 4, endOffset: 30 },
      { epoch: 4, endOffset: 30 },
      { epoch: 7, endOffset: 50 },
      undefined,
      undefined,
    ])
    expect([9, 10, 29, 99].map((offset) => cache.epochForOffset(offset))).toEqual([undefined, 2, 4, 7])
  })

  it('drop what a new entry contradicts, and what is cut off at either end', () => {
    const { cache } = epochs([1, 0], [2, 10], [3, 20], [2, 15])
    expect(cache.entries).toEqual(
      [
        { epoch: 1, startOffset: 0 },
        { epoch: 2, startOffset: 10 },
      ]
        .slice(0, 1)
        .concat([{ epoch: 2, startOffset: 15 }]),
    )
    cache.assign(5, 30)
    cache.truncateFromStart(20)
    expect(cache.entries).toEqual([
      { epoch: 2, startOffset: 20 },
      { epoch: 5, startOffset: 30 },
    ])
    cache.truncateFromEnd(30)
    expect(cache.latestEpoch).toBe(2)
  })

  it('are on the device after a flush', () => {
    const { cache, fs } = epochs([1, 0], [2, 10])
    cache.flush()
    fs.crash()
    const again = new LeaderEpochs(fs, '.')
    again.load()
    expect(again.entries).toEqual(cache.entries)
  })

  it('are on the device after a flush that goes on meanwhile and a sync of the directory', async () => {
    const { cache, fs } = epochs([1, 0], [2, 10])
    const flushing = cache.flushAsync(() => true)
    cache.assign(3, 20)
    expect(await flushing).toBe(true)
    fs.syncDirectory('.')
    expect(storedAfterCrash(fs)).toEqual([
      { epoch: 1, startOffset: 0 },
      { epoch: 2, startOffset: 10 },
    ])
    cache.flush()
    expect(storedAfterCrash(fs)).toEqual(cache.entries)
  })

  it('are those of a flush that came while another was going on', async () => {
    const { cache, fs } = epochs([1, 0])
    const flushing = cache.flushAsync(() => true)
    cache.flush()
    expect(storedAfterCrash(fs)).toEqual(cache.entries)
    cache.assign(2, 10)
    cache.flush()
    await flushing.catch(() => {})
    expect(storedAfterCrash(fs)).toEqual(cache.entries)
  })

  it('do not get into a directory that is given up meanwhile', async () => {
    const { cache, fs } = epochs([1, 0])
    expect(await cache.flushAsync(() => false)).toBe(false)
    fs.syncDirectory('.')
    expect(storedAfterCrash(fs)).toEqual([])
  })
})

function storedAfterCrash(fs: MemoryFileSystem): readonly unknown[] {
  fs.crash()
  const again = new LeaderEpochs(fs, '.')
  again.load()
  return again.entries
}

describe('a checkpoint', () => {
  it('gives back its offsets, also of topics with dashes, and is nothing where it is missing or empty', () => {
    const fs = new MemoryFileSystem()
    expect(readOffsetCheckpoint(fs, '.', 'c').size).toBe(0)
    const bytes = formatOffsetCheckpoint([
      ['a-b', 0, 5],
      ['c', 12, 2 ** 40],
    ])
    replaceSmallFile(fs, '.', 'c', bytes)
    expect([...readOffsetCheckpoint(fs, '.', 'c')]).toEqual([
      ['a-b-0', 5],
      ['c-12', 2 ** 40],
    ])
    fs.open('empty', 'create').close()
    expect(readOffsetCheckpoint(fs, '.', 'empty').size).toBe(0)
  })

  it.each(['1\n0\n', '0\n2\na 0 1\n', '0\nx\n', 'rubbish'])('that is broken is an error: %j', (text) => {
    expect(() => parseCheckpoint('f', Buffer.from(text), 0)).toThrow(CorruptCheckpointError)
    expect(parseCheckpoint('f', formatCheckpoint(0, ['a', 'b']), 0)).toEqual(['a', 'b'])
  })
})

describe('a producer snapshot', () => {
  const entry = new ProducerEntry(2 ** 40)
  entry.addBatch(3, { lastSequence: 9, lastOffset: 100, offsetDelta: 4, timestamp: START_MS })
  entry.currentTxnFirstOffset = 96
  entry.coordinatorEpoch = 2

  it('gives back what it was made of, and refuses any changed byte', () => {
    const bytes = encodeProducerSnapshot([entry])
    expect(decodeProducerSnapshot('s', bytes)).toEqual([entry])
    for (let at = 0; at < bytes.length; at++) {
      const changed = Buffer.from(bytes)
      changed[at]! ^= 0x10
      expect(() => decodeProducerSnapshot('s', changed)).toThrow(CorruptSnapshotError)
    }
    expect(() => decodeProducerSnapshot('s', bytes.subarray(0, 20))).toThrow(CorruptSnapshotError)
  })

  it('that is torn gives way to the one before', () => {
    const fs = new MemoryFileSystem()
    const write = (offset: number, bytes: Buffer) =>
      fs.open(`${String(offset).padStart(20, '0')}.snapshot`, 'create').write([bytes], 0)
    write(50, encodeProducerSnapshot([entry]))
    write(80, encodeProducerSnapshot([entry]).subarray(0, 30))
    const states = new ProducerStates(
      { fs, directory: '.', topicPartition: 't-0', logger: silentLogger, producerIdExpirationMs: 1000 },
      [80, 50],
    )
    states.reload(0, 90, START_MS)
    expect([states.mapEndOffset, states.entries.size, states.firstUnstableOffset]).toEqual([50, 1, 96])
    expect(states.snapshotOffsets).toEqual([50])
  })
})

describe('open files', () => {
  it('are bounded: the one used longest ago is closed', () => {
    const files = new OpenFiles(2)
    const closed: string[] = []
    const owner = (name: string) => ({ closeIdle: () => void closed.push(name), releaseIdle: () => {} })
    const [a, b, c] = [owner('a'), owner('b'), owner('c')]
    for (const each of [a, b, a, c]) files.touch(each)
    expect(closed).toEqual(['b'])
    files.forget(a)
    files.touch(b)
    expect([closed, files.size]).toEqual([['b'], 2])
  })

  it('keep their indexes in memory only while they are among the last used', () => {
    const files = new OpenFiles(3, 1)
    const told: string[] = []
    const owner = (name: string) => ({
      closeIdle: () => void told.push(`close ${name}`),
      releaseIdle: () => void told.push(`release ${name}`),
    })
    const [a, b, c, d] = [owner('a'), owner('b'), owner('c'), owner('d')]
    for (const each of [a, b, a, c]) files.touch(each)
    expect([told, files.size]).toEqual([['release a', 'release b', 'release a'], 3])
    files.touch(d)
    expect([told.slice(3), files.size]).toEqual([['release c', 'close b'], 3])
    files.forget(a)
    files.touch(b)
    expect([told.slice(5), files.size]).toEqual([['release d'], 3])
  })

  it.each([
    ['20000', 12_000],
    ['1024', 614],
    ['1048576', 20_000],
    ['unlimited', 20_000],
  ])('are bounded by the limit of the process: %s gives %d', (limit, files) => {
    const dir = mkdtempSync(join(tmpdir(), 'limits-'))
    try {
      const path = join(dir, 'limits')
      expect(openFilesOf(path)).toBeUndefined()
      writeFileSync(
        path,
        `Max processes             94019                94019                processes \nMax open files            ${limit}                20000                files     \n`,
      )
      expect(openFilesOf(path)).toBe(files)
    } finally {
      rmSync(dir, { recursive: true, force: true })
    }
  })

  it('let go of an index that is large, and keep a small one, whose entries are as they were', () => {
    const fs = new MemoryFileSystem()
    const filled = (path: string, entries: number) => {
      const file = new EntryFile(fs, path, 8)
      for (let entry = 0; entry < entries; entry++) {
        const at = file.add()
        file.buffer.writeUInt32BE(entry + 1, at)
        file.buffer.writeUInt32BE(entry, at + 4)
      }
      return file
    }
    const [small, large] = [filled('small', 2), filled('large', 1000)]
    for (const file of [small, large]) file.releaseIfLarge()
    expect(fs.exists('small')).toBe(false)
    expect(fs.stat('large').size).toBe(8000)
    expect([small.count, large.count, large.buffer.readUInt32BE(999 * 8)]).toEqual([2, 1000, 1000])
  })
})
