import { expect, it } from 'vitest'
import { batchOf, contentsOf, logFixture, START_MS } from '../testing/log-fixture.ts'
import { encodeEndTxnMarkerBatch } from '../wire/control-records.ts'
import { readSmallFile } from './checkpoints.ts'
import type { FileSystem } from './file-system.ts'
import type { PartitionLog } from './partition-log.ts'

const config = { segmentBytes: 500, indexIntervalBytes: 60 }
const RECORDS = 14

function append(log: PartitionLog, index: number): void {
  const batch = batchOf([`value ${index}`], { baseTimestamp: START_MS + index })
  log.appendAsLeader(batch, { leaderEpoch: 0, origin: 'client' })
  log.updateHighWatermark(log.logEndOffset)
}

/** A log of some segments after a clean stop. */
async function setUp() {
  const fixture = logFixture()
  const log = fixture.open({}, config)
  for (let index = 0; index < RECORDS; index++) append(log, index)
  const contents = await contentsOf(log)
  await log.close()
  const reopen = () =>
    fixture.open({ hadCleanShutdown: true, recoveryPoint: RECORDS, highWatermark: RECORDS }, config)
  return { ...fixture, contents, reopen }
}

function overwrite(fs: FileSystem, path: string, bytes: Buffer): void {
  const file = fs.open(path, 'create')
  file.write([bytes], 0)
  file.close()
}

it('an offset index with any bit changed after a clean stop hides no record, from wherever it is read', async () => {
  const { fs, directory, contents, reopen } = await setUp()
  const indexes = fs.readDirectory(directory).filter((name) => name.endsWith('.index'))
  expect(indexes.length).toBeGreaterThan(1)
  let changed = 0
  for (const name of indexes) {
    const path = `${directory}/${name}`
    const bytes = readSmallFile(fs, path)!
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const damaged = Buffer.from(bytes)
      damaged[bit >> 3]! ^= 1 << (bit & 7)
      overwrite(fs, path, damaged)
      const log = reopen()
      expect(log.logEndOffset).toBe(RECORDS)
      // Each from the disk, by the index and not from where the read before ended.
      for (let offset = RECORDS - 1; offset >= 0; offset--) {
        const { nextOffset } = await log.read(offset, 1, RECORDS, true)
        expect(nextOffset, `${name} bit ${bit} offset ${offset}`).toBe(offset + 1)
      }
      expect(await contentsOf(log)).toEqual(contents)
      log.abandon()
      overwrite(fs, path, bytes)
      changed++
    }
  }
  expect(changed).toBeGreaterThan(100)
})

it.each(['.index', '.timeindex'])(
  'a %s that is lost takes no aborted transaction with it',
  async (suffix) => {
    const { fs, directory, open } = logFixture()
    const log = open({}, config)
    const producer = { producerId: 7, producerEpoch: 0 }
    const batch = batchOf(['aborted'], { ...producer, baseSequence: 0, isTransactional: true })
    log.appendAsLeader(batch, { leaderEpoch: 0, origin: 'client' })
    log.appendAsLeader(
      encodeEndTxnMarkerBatch({
        marker: { type: 'ABORT', coordinatorEpoch: 0 },
        ...producer,
        timestamp: START_MS,
      }),
      { leaderEpoch: 0, origin: 'coordinator' },
    )
    append(log, 2)
    const aborted = log.abortedTransactions(0, 3)
    expect(aborted).toHaveLength(1)
    await log.close()
    fs.removeFile(`${directory}/00000000000000000000${suffix}`)
    const again = open({ hadCleanShutdown: true, recoveryPoint: 3 }, config)
    expect(again.abortedTransactions(0, 3)).toEqual(aborted)
  },
)

it('a log that ends elsewhere than a clean stop wrote down is read anew, and what is whole is kept', async () => {
  const { fs, directory, contents, reopen } = await setUp()
  const name = fs
    .readDirectory(directory)
    .filter((each) => each.endsWith('.log'))
    .at(-1)!
  const path = `${directory}/${name}`
  const bytes = readSmallFile(fs, path)!
  overwrite(fs, path, bytes.subarray(0, bytes.length - 3))
  const torn = reopen()
  expect(await contentsOf(torn)).toEqual(contents.slice(0, RECORDS - 1))
  append(torn, RECORDS - 1)
  expect(torn.logEndOffset).toBe(RECORDS)
  expect((await contentsOf(torn)).at(-1)).toEqual(contents.at(-1))
})
