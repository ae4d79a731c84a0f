/** A simulation is worth what it notices: each test breaks the broker in one way, and tells what has to be found. */
import { afterEach, expect, test, vi } from 'vitest'
import { HostedPartition } from '../../cluster/replicas/hosted-partition.ts'
import { CleanedTransactions } from '../../logstore/compaction/cleaned-transactions.ts'
import { OffsetMap } from '../../logstore/compaction/offset-map.ts'
import { LogFlusher } from '../../logstore/log-flusher.ts'
import { PartitionLog } from '../../logstore/partition-log.ts'
import { ProducerStates } from '../../logstore/producer-state.ts'
import { OutputQueue } from '../../net/output-queue.ts'
import { Generations } from './generations.ts'
import { Ownership } from './ownership.ts'
import { type Kept, PartitionHistory, value } from './partition-history.ts'
import { NOTHING, Register } from './register.ts'
import { simulate } from './simulation.ts'
import { TransactionsHistory } from './transactions-history.ts'
import { World } from './world.ts'

/** More than any of these faults needs to show; the first runs do. */
const MAX_SEEDS = 40

afterEach(() => {
  vi.restoreAllMocks()
})

/** The first promise that is found broken. */
async function firstViolation(): Promise<string> {
  for (let seed = 1; seed <= MAX_SEEDS; seed++) {
    const { violation } = await simulate(seed)
    if (violation !== undefined) return violation
  }
  return 'nothing'
}

test('what is acknowledged before it is on the device is found lost after a power cut', async () => {
  vi.spyOn(LogFlusher.prototype, 'flushRecords').mockResolvedValue(undefined)
  vi.spyOn(LogFlusher.prototype, 'flushRecordsNow').mockImplementation(() => {})
  expect(await firstViolation()).not.toBe('nothing')
})

const NOT_WRITTEN = { logAppendTimeMs: -1, duplicate: false, sizeInBytes: 100, flushed: undefined }

test('a record that is acknowledged and not written is found', async () => {
  const append = HostedPartition.prototype.appendValidated
  let appends = 0
  vi.spyOn(HostedPartition.prototype, 'appendValidated').mockImplementation(function (
    this: HostedPartition,
    validated,
    options,
  ) {
    appends++
    if (options.origin !== 'client' || appends % 50 !== 0) return append.call(this, validated, options)
    const firstOffset = this.log.logEndOffset
    const { logStartOffset } = this.log
    return { ...NOT_WRITTEN, firstOffset, lastOffset: firstOffset, logStartOffset }
  })
  expect(await firstViolation()).toMatch(/where .* was|fell from|is lost|is refused with 45|comes where/)
})

test('a record that a retry writes again is found', async () => {
  const update = ProducerStates.prototype.update
  vi.spyOn(ProducerStates.prototype, 'update').mockImplementation(function (this: ProducerStates, append) {
    const { entry } = append
    const before = this.entries.get(entry.producerId)?.currentTxnFirstOffset
    // Transactions are remembered.
    if (before !== undefined || entry.currentTxnFirstOffset !== undefined) update.call(this, append)
  })
  expect(await firstViolation()).toMatch(/and at \d+ before|is taken before|comes after/)
})

test('batches that are read in another order are found', async () => {
  const read = PartitionLog.prototype.readToSend
  vi.spyOn(PartitionLog.prototype, 'readToSend').mockImplementation(function (this: PartitionLog, ...bounds) {
    const result = read.apply(this, bounds)
    return result instanceof Promise ? result : { ...result, buffers: result.buffers.toReversed() }
  })
  expect(await firstViolation()).toMatch(/comes where \d+ is due/)
})

test('a high watermark that falls is found', async () => {
  const highWatermark = Object.getOwnPropertyDescriptor(PartitionLog.prototype, 'highWatermark')!.get!
  let asked = 0
  vi.spyOn(PartitionLog.prototype, 'highWatermark', 'get').mockImplementation(function (this: PartitionLog) {
    asked++
    const is: number = highWatermark.call(this)
    return asked % 20 === 0 ? Math.floor(is / 2) : is
  })
  expect(await firstViolation()).toMatch(/fell from|beyond the end|is refused/)
})

test('records of aborted transactions that readers are not told of are found', async () => {
  vi.spyOn(PartitionLog.prototype, 'abortedTransactions').mockReturnValue([])
  expect(await firstViolation()).toMatch(/is read as committed, and is not/)
})

test('records of open transactions that readers get are found', async () => {
  vi.spyOn(PartitionLog.prototype, 'lastStableOffset', 'get').mockImplementation(function (
    this: PartitionLog,
  ) {
    return this.highWatermark
  })
  expect(await firstViolation()).toMatch(/is read as committed, and is not/)
})

test('a request that is never answered is found', async () => {
  const add = OutputQueue.prototype.add
  let answers = 0
  vi.spyOn(OutputQueue.prototype, 'add').mockImplementation(function (this: OutputQueue, slices) {
    answers++
    return answers % 200 === 0 ? 0 : add.call(this, slices)
  })
  expect(await firstViolation()).toMatch(/is not answered|where \d+ was due/)
})

test('a compaction that takes the last record of a key is found', async () => {
  const get = OffsetMap.prototype.get
  vi.spyOn(OffsetMap.prototype, 'get').mockImplementation(function (this: OffsetMap, ...key) {
    const offset = get.apply(this, key)
    return offset % 5 === 0 ? offset + 1 : offset
  })
  expect(await firstViolation()).toMatch(/the last of key-\d is /)
})

test('a compaction that takes what was committed is found', async () => {
  vi.spyOn(CleanedTransactions.prototype, 'passBatch').mockReturnValue(true)
  expect(await firstViolation()).toMatch(/is missing|the last of key-\d is /)
})

test('a compaction that forgets which transactions were aborted is found', async () => {
  vi.spyOn(CleanedTransactions.prototype, 'passBatch').mockReturnValue(false)
  vi.spyOn(CleanedTransactions.prototype, 'passControlBatch').mockReturnValue(true)
  expect(await firstViolation()).toMatch(/is read as committed, and is not|there/)
})

function violationOf(act: (world: World) => void): string | undefined {
  const world = new World(1, 10)
  act(world)
  return world.violation?.message
}

test('a partition with two owners is found, and one that was let go of is nobody’s', () => {
  const give = (world: World, release: boolean) => {
    const ownership = new Ownership(world)
    ownership.taken('t-0', 'a', () => 1000)
    if (release) ownership.released('t-0', 'a')
    ownership.taken('t-0', 'b', () => 1000)
  }
  expect(violationOf((world) => give(world, false))).toBe('t-0 is given to b, and a holds it')
  expect(violationOf((world) => give(world, true))).toBeUndefined()
})

test('a generation with two leaders, or two owners of a partition, is found', () => {
  expect(
    violationOf((world) => {
      const generations = new Generations(world, 'g')
      generations.joined(1, 5, 'a', 'a', ['a', 'b'])
      generations.joined(1, 5, 'b', 'b', ['a', 'b'])
    }),
  ).toMatch(/two leaders/)
  expect(
    violationOf((world) => {
      const generations = new Generations(world, 'g')
      generations.synced(1, 5, 'a', ['t-0'])
      generations.synced(1, 5, 'b', ['t-0'])
    }),
  ).toMatch(/belongs to two members/)
})

test('an old value of a register is found when a newer one was acknowledged before the question', () => {
  const ask = (world: World, late: boolean, value: string) => {
    const register = new Register(world, 'r')
    register.write('1').acknowledged()
    const early = world.tick()
    register.write('2').acknowledged()
    register.read(value, late ? world.tick() : early)
  }
  expect(violationOf((world) => ask(world, true, '1'))).toMatch(/r is 1, and 2 was acknowledged/)
  expect(violationOf((world) => ask(world, true, NOTHING))).toMatch(/acknowledged/)
  expect(violationOf((world) => ask(world, true, '3'))).toMatch(/nobody wrote/)
  expect(violationOf((world) => ask(world, false, '1'))).toBeUndefined()
  expect(violationOf((world) => ask(world, true, '2'))).toBeUndefined()
})

/** Of three acknowledged values, those at these offsets are left. */
function auditOf(kept: Kept, startOffset: number, ...left: readonly number[]): string | undefined {
  return violationOf((world) => {
    const history = new PartitionHistory(world, 't-0', kept)
    const values = [0, 1, 2].map((number) => value('p', number))
    history.attempted(values)
    history.acknowledged(0, values)
    world.clock.advance(100)
    const entries = left.map((offset) => [offset, values[offset]!] as const)
    const ends = { highWatermark: 3, lastStableOffset: 3 }
    history.audited({ startOffset, entries, ...ends, sizeInBytes: 100 * entries.length }, false)
  })
}

test('what retention takes too soon is found', () => {
  expect(auditOf({}, 1, 1, 2)).toMatch(/p:0, acknowledged at 0, is lost/)
  expect(auditOf({ retentionMs: 1000 }, 1, 1, 2)).toMatch(/p:0, acknowledged at 0, is lost/)
  expect(auditOf({ retentionMs: 99 }, 1, 1, 2)).toBeUndefined()
  expect(auditOf({ retentionBytes: 300 }, 1, 1, 2)).toMatch(/200 bytes are left of 300/)
  expect(auditOf({ retentionBytes: 200 }, 1, 1, 2)).toBeUndefined()
  expect(auditOf({ retentionBytes: 200 }, 0, 0, 2)).toMatch(/p:1, acknowledged at 1, is lost/)
})

test('a zombie that succeeds after another has its transactional id is found', () => {
  const succeed = (world: World, epoch: number) => {
    const transactions = new TransactionsHistory(world)
    transactions.owned('id', 7, 2)
    transactions.succeeded('id', 7, epoch, world.tick(), 'EndTxn')
  }
  expect(violationOf((world) => succeed(world, 1))).toMatch(/EndTxn of epoch 1 succeeds/)
  expect(violationOf((world) => succeed(world, 2))).toBeUndefined()
})
