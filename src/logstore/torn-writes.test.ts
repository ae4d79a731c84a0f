import { expect, it } from 'vitest'
import { isDeep } from '../testing/depth.ts'
import { checkRestart, type Known, liveLog } from '../testing/log-life.ts'
import { RECORD_BATCH_OVERHEAD } from '../wire/batch.ts'
import { CHANGING_OPERATIONS, FaultyFileSystem } from './faulty-fs.ts'
import { MemoryFileSystem } from './memory-fs.ts'

interface Write {
  readonly path: string
  readonly bytes: number
  /** How many changes of the disk came before it. */
  readonly after: number
}

/** Places within the records of a batch that are tried; of all that comes before them, every one is. */
const RECORD_STRIDE = 17
const SEED = 1

/** All writes of the life of a log, in order. */
async function writesOf(): Promise<Write[]> {
  const memory = new MemoryFileSystem()
  const fs = new FaultyFileSystem(memory)
  const changes = fs.inject({ operations: CHANGING_OPERATIONS, times: 0 })
  const writes: Write[] = []
  const open = memory.open.bind(memory)
  memory.open = (path, mode) => {
    const file = open(path, mode)
    const write = file.write.bind(file)
    file.write = (buffers, position) => {
      const bytes = buffers.reduce((sum, buffer) => sum + buffer.length, 0)
      writes.push({ path, bytes, after: changes.calls - 1 })
      write(buffers, position)
    }
    return file
  }
  await liveLog(fs, { appended: new Map(), flushed: 0 }, SEED)
  return writes
}

// The kinds of files, and of how many places `npm test` tries one.
it.each([
  ['a log', /\.log$/, 41],
  ['an index of offsets, times or transactions', /index$/, 11],
  ['a snapshot of producers', /\.snapshot/, 41],
  ['a checkpoint of the directory or of epochs', /checkpoint/, 3],
  ['what names a log or a directory', /\.metadata|\.properties|clean_shutdown/, 3],
])(
  'a write to %s that ends at any byte when the process is killed costs nothing',
  async (_, kind, sampled) => {
    const stride = isDeep ? 1 : sampled
    const writes = (await writesOf()).filter(({ path }) => kind.test(path))
    expect(writes.length).toBeGreaterThan(0)
    let turn = 0
    for (const { path, bytes, after } of writes) {
      for (let written = 0; written < bytes; written++) {
        const isWithinRecords = kind.test('.log') && written > RECORD_BATCH_OVERHEAD
        if ((isWithinRecords && written % RECORD_STRIDE !== 0) || turn++ % stride !== 0) continue
        const memory = new MemoryFileSystem()
        const fs = new FaultyFileSystem(memory)
        const known: Known = { appended: new Map(), flushed: 0 }
        const torn = fs.inject({ operations: CHANGING_OPERATIONS, after, code: 'EIO', partialBytes: written })
        await liveLog(fs, known, SEED).catch(() => {})
        expect(torn.calls).toBeGreaterThan(after)
        memory.kill()
        await checkRestart(memory, known, 'everything').catch((cause) => {
          throw new Error(`${path} with ${written} of ${bytes} bytes, after ${after} changes`, { cause })
        })
      }
    }
  },
)
