import { describe, expect, test } from 'vitest'
import { silentLogger } from '../../base/logger.ts'
import { ManualClock } from '../../testing/manual-clock.ts'
import { RecordBatch, setBatchBaseOffset } from '../../wire/batch.ts'
import { ErrorCode, KafkaError } from '../../wire/error-codes.ts'
import { encodeBatch } from '../../wire/records.ts'
import type { CoordinatorMachine, CoordinatorSerde, Effects, ReplyToken } from './contract.ts'
import { type CoordinatorLog, partitionFor } from './coordinator-log.ts'
import { CoordinatorRuntime } from './runtime.ts'

/** Adds up numbers; each command names what the machine shall do with it. */
type Command =
  | { readonly type: 'add'; readonly numbers: readonly number[]; readonly atomic?: boolean }
  | { readonly type: 'read' | 'park' | 'fail' | 'answerParked' | 'serializeFailure' }
  | { readonly type: 'addThenTell'; readonly number: number }
  | { readonly type: 'addThenDo'; readonly number: number; readonly task: string }
  | { readonly type: 'addInTransaction'; readonly number: number; readonly producerId: number }
  | { readonly type: 'timer'; readonly key: string; readonly delayMs: number | null }

type Reply = { readonly sum: number } | { readonly errorCode: number }

const POISON = 666
const UNSERIALIZABLE = 667

class SumMachine implements CoordinatorMachine<Command, Reply, number, string> {
  sum = 0
  readonly pending = new Map<number, number>()
  readonly offsets: number[] = []
  readonly parked: ReplyToken[] = []
  readonly expired: string[] = []
  written: number[] = []
  isLoaded = false

  handle(command: Command, token: ReplyToken): Effects<Reply, number, string> {
    const none = { records: [], replies: [], timers: [] }
    switch (command.type) {
      case 'add': {
        const sum = this.sum + command.numbers.reduce((a, b) => a + b, 0)
        const { atomic = true } = command
        return { ...none, records: command.numbers, atomic, replies: [{ to: token, reply: { sum } }] }
      }
      case 'addThenTell':
        return {
          ...none,
          records: [command.number],
          replies: [{ to: token, reply: { sum: -1 } }],
          written: (errorCode) => {
            this.written.push(errorCode)
            if (errorCode === ErrorCode.NONE) return none
            return { ...none, replies: [{ to: token, reply: { errorCode: errorCode + 1000 } }] }
          },
        }
      case 'addThenDo':
        return {
          ...none,
          records: [command.number],
          tasks: [command.task],
          replies: [{ to: token, reply: { sum: -1 } }],
        }
      case 'addInTransaction': {
        const producer = { producerId: command.producerId, producerEpoch: 0 }
        return { ...none, records: [command.number], producer, replies: [{ to: token, reply: { sum: -1 } }] }
      }
      case 'read':
        return { ...none, replies: [{ to: token, reply: { sum: this.sum } }] }
      case 'park':
        this.parked.push(token)
        return none
      case 'answerParked': {
        const replies = [...this.parked.splice(0), token].map((to) => ({ to, reply: { sum: this.sum } }))
        return { ...none, replies }
      }
      case 'serializeFailure':
        return { ...none, records: [UNSERIALIZABLE], replies: [{ to: token, reply: { sum: -1 } }] }
      case 'fail':
        throw new Error('bug of the test')
      case 'timer': {
        const set = command.delayMs === null ? null : { delayMs: command.delayMs }
        return { ...none, timers: [{ key: command.key, set }], replies: [{ to: token, reply: { sum: 0 } }] }
      }
      default:
        return command satisfies never
    }
  }

  expire(key: string): Effects<Reply, number, string> {
    this.expired.push(key)
    return { records: key === 'writes' ? [1] : [], replies: [], timers: [] }
  }

  apply(record: number, offset: number, producerId: number): void {
    if (record === POISON) throw new Error('bug of the test')
    this.offsets.push(offset)
    if (producerId === -1) this.sum += record
    else this.pending.set(producerId, (this.pending.get(producerId) ?? 0) + record)
  }

  endTransaction(producerId: number, result: 'commit' | 'abort'): void {
    if (result === 'commit') this.sum += this.pending.get(producerId) ?? 0
    this.pending.delete(producerId)
  }

  loaded(): Effects<Reply, number, string> {
    this.isLoaded = true
    return { records: [], replies: [], timers: [{ key: 'from-loaded', set: { delayMs: 100 } }] }
  }

  unloaded(): Effects<Reply, number, string> {
    const replies = this.parked
      .splice(0, 1)
      .map((to) => ({ to, reply: { errorCode: ErrorCode.NOT_COORDINATOR } }))
    return { records: [], replies, timers: [] }
  }

  refusal(_command: Command, errorCode: number): Reply {
    return { errorCode }
  }
}

const serde: CoordinatorSerde<number> = {
  serialize(record) {
    if (record === UNSERIALIZABLE) throw new Error('bug of the test')
    return { key: Buffer.from('n'), value: Buffer.from(String(record)) }
  },
  deserialize({ value }) {
    const text = String(value)
    if (text === 'unreadable') throw new Error('unreadable')
    return text === 'unknown' ? undefined : Number(text)
  },
}

/** A log in memory. With `replicas` above one the high watermark stands until it is moved. */
class MemoryLog implements CoordinatorLog {
  readonly batches: Buffer[] = []
  readonly #listeners = new Set<() => void>()
  logStartOffset = 0
  logEndOffset = 0
  highWatermark = 0
  replicated = false
  failure: Error | undefined
  reads = 0
  readGate: Promise<void> | undefined
  onAppend = (): void => {}

  append(batch: Buffer): number {
    if (this.failure !== undefined) throw this.failure
    setBatchBaseOffset(batch, 0, this.logEndOffset)
    this.batches.push(batch)
    this.logEndOffset = new RecordBatch(batch).nextOffset
    const last = this.logEndOffset - 1
    if (!this.replicated) this.advance(this.logEndOffset)
    this.onAppend()
    return last
  }

  advance(highWatermark: number): void {
    this.highWatermark = highWatermark
    for (const listener of this.#listeners) listener()
  }

  get listeners(): number {
    return this.#listeners.size
  }

  read(offset: number): readonly Buffer[] | Promise<readonly Buffer[]> {
    this.reads += 1
    if (this.failure !== undefined) throw this.failure
    const found = this.batches.find((batch) => new RecordBatch(batch).nextOffset > offset)
    const result = found === undefined ? [] : [found]
    return this.readGate === undefined ? result : this.readGate.then(() => result)
  }

  onHighWatermark(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }
}

function makeRuntime(maxBatchBytes = 1_000_000) {
  const clock = new ManualClock()
  const errors: unknown[] = []
  const logger = {
    ...silentLogger,
    error: (_: string, fields?: object) => errors.push(fields),
    child: () => logger,
  }
  const machines: SumMachine[] = []
  const begun: string[] = []
  const runtime = new CoordinatorRuntime<Command, Reply, number, SumMachine, string>({
    topic: '__sums',
    createMachine: () => {
      const machine = new SumMachine()
      machines.push(machine)
      return machine
    },
    serde,
    refusal: (_, errorCode) => ({ errorCode }),
    clock,
    logger,
    maxBatchBytes,
    perform: (task, partition, leaderEpoch) => begun.push(`${task} ${partition} ${leaderEpoch}`),
  })
  return { runtime, clock, errors, machines, begun }
}

async function serving(maxBatchBytes?: number) {
  const made = makeRuntime(maxBatchBytes)
  const log = new MemoryLog()
  await made.runtime.elected(0, 1, log)
  return { ...made, log, machine: made.machines[0]! }
}

const add = (...numbers: number[]): Command => ({ type: 'add', numbers })

/** What the promise has come to once everything that can go on has. */
async function stateOf<T>(promise: Promise<T>): Promise<T | 'waiting'> {
  for (let i = 0; i < 5; i++) await Promise.resolve()
  return Promise.race([promise, Promise.resolve('waiting' as const)])
}

describe('commands', () => {
  test('the records of one command are one batch, applied before the reply', async () => {
    const { runtime, log, machine } = await serving()
    expect(await runtime.execute(0, add(1, 2, 3))).toEqual({ sum: 6 })
    expect(await runtime.execute(0, add(4))).toEqual({ sum: 10 })
    expect(log.batches.map((batch) => new RecordBatch(batch).recordsCount)).toEqual([3, 1])
    expect(machine.offsets).toEqual([0, 1, 2, 3])
  })

  test('commands of one turn see what those before them wrote', async () => {
    const { runtime } = await serving()
    const replies = await Promise.all([
      runtime.execute(0, add(1)),
      runtime.execute(0, add(1)),
      runtime.execute(0, { type: 'read' }),
    ])
    expect(replies).toEqual([{ sum: 1 }, { sum: 2 }, { sum: 2 }])
  })

  test('a reply waits for the high watermark, and so does one without records after it', async () => {
    const { runtime, log, clock } = await serving()
    log.replicated = true
    const first = runtime.execute(0, add(1))
    const second = runtime.execute(0, add(2))
    const read = runtime.execute(0, { type: 'read' })
    expect(await stateOf(first)).toBe('waiting')
    log.advance(1)
    expect(await stateOf(first)).toEqual({ sum: 1 })
    expect(await stateOf(second)).toBe('waiting')
    expect(await stateOf(read)).toBe('waiting')
    log.advance(2)
    expect(await Promise.all([second, read])).toEqual([{ sum: 3 }, { sum: 3 }])
    expect(clock.pendingTimers).toBe(1)
  })

  test('a reply that waits for longer than the write timeout is REQUEST_TIMED_OUT, the write stands', async () => {
    const { runtime, log, clock } = await serving()
    log.replicated = true
    const first = runtime.execute(0, add(1))
    clock.advance(4999)
    expect(await stateOf(first)).toBe('waiting')
    clock.advance(1)
    expect(await first).toEqual({ errorCode: ErrorCode.REQUEST_TIMED_OUT })
    log.advance(1)
    expect(await runtime.execute(0, { type: 'read' })).toEqual({ sum: 1 })
  })

  test('a parked reply is sent by the command that has it', async () => {
    const { runtime } = await serving()
    const parked = runtime.execute(0, { type: 'park' })
    expect(await stateOf(parked)).toBe('waiting')
    await runtime.execute(0, { type: 'answerParked' })
    expect(await parked).toEqual({ sum: 0 })
  })

  test('records that need not be atomic are spread over batches below the limit', async () => {
    const { runtime, log, machine } = await serving(61 + 3 * 40)
    const numbers = Array.from({ length: 10 }, () => 1)
    expect(await runtime.execute(0, { type: 'add', numbers, atomic: false })).toEqual({ sum: 10 })
    expect(log.batches.map((batch) => new RecordBatch(batch).recordsCount)).toEqual([3, 3, 3, 1])
    expect(machine.offsets).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    await runtime.execute(0, { type: 'add', numbers })
    expect(new RecordBatch(log.batches.at(-1)!).recordsCount).toBe(10)
  })
})

describe('failures', () => {
  test('a refused append applies nothing and refuses its command with the code of the log', async () => {
    const { runtime, log, machine } = await serving()
    log.failure = new KafkaError(ErrorCode.NOT_ENOUGH_REPLICAS)
    expect(await runtime.execute(0, add(1))).toEqual({ errorCode: ErrorCode.NOT_ENOUGH_REPLICAS })
    expect(machine.sum).toBe(0)
    log.failure = undefined
    expect(await runtime.execute(0, add(1))).toEqual({ sum: 1 })
  })

  test('a machine that asked is told how the write went, and answers itself where it failed', async () => {
    const { runtime, log, machine } = await serving()
    expect(await runtime.execute(0, { type: 'addThenTell', number: 1 })).toEqual({ sum: -1 })
    log.failure = new KafkaError(ErrorCode.MESSAGE_TOO_LARGE)
    expect(await runtime.execute(0, { type: 'addThenTell', number: 1 })).toEqual({ errorCode: 1010 })
    expect(machine.written).toEqual([ErrorCode.NONE, ErrorCode.MESSAGE_TOO_LARGE])
  })

  test.each<Command>([{ type: 'fail' }, { type: 'serializeFailure' }, add(POISON)])(
    'a bug costs its own command alone: $type',
    async (command) => {
      const { runtime, errors } = await serving()
      expect(await runtime.execute(0, command)).toEqual({ errorCode: ErrorCode.UNKNOWN_SERVER_ERROR })
      expect(errors.length).toBeGreaterThan(0)
      expect(await runtime.execute(0, add(1))).toEqual({ sum: 1 })
    },
  )

  test('a failure of the disk that ends the leadership under a command answers it once', async () => {
    const { runtime, log } = await serving()
    log.onAppend = () => runtime.resigned(0)
    expect(await runtime.execute(0, add(1))).toEqual({ errorCode: ErrorCode.NOT_COORDINATOR })
    expect(await runtime.execute(0, { type: 'read' })).toEqual({ errorCode: ErrorCode.NOT_COORDINATOR })
  })
})

describe('timers', () => {
  test('fire once, by key; setting again replaces, null takes away', async () => {
    const { runtime, clock, machine } = await serving()
    await runtime.execute(0, { type: 'timer', key: 'a', delayMs: 10 })
    await runtime.execute(0, { type: 'timer', key: 'b', delayMs: 10 })
    await runtime.execute(0, { type: 'timer', key: 'a', delayMs: 50 })
    await runtime.execute(0, { type: 'timer', key: 'b', delayMs: null })
    clock.advance(49)
    expect(machine.expired).toEqual([])
    clock.advance(1)
    clock.advance(1000)
    expect(machine.expired).toEqual(['a', 'from-loaded'])
  })

  test('one whose records could not be written is tried again', async () => {
    const { runtime, clock, log, machine } = await serving()
    await runtime.execute(0, { type: 'timer', key: 'writes', delayMs: 10 })
    log.failure = new KafkaError(ErrorCode.NOT_ENOUGH_REPLICAS)
    clock.advance(10)
    expect(machine.sum).toBe(0)
    log.failure = undefined
    clock.advance(500)
    expect(machine.sum).toBe(1)
    clock.advance(5000)
    expect(machine.expired.filter((key) => key === 'writes').length).toBe(2)
  })
})

describe('leadership', () => {
  test('a new leader has what the log has', async () => {
    const first = await serving()
    await first.runtime.execute(0, add(1, 2))
    await first.runtime.execute(0, add(3))
    await first.runtime.close()
    const { runtime, machines } = makeRuntime()
    await runtime.elected(0, 2, first.log)
    expect(machines[0]?.offsets).toEqual([0, 1, 2])
    expect(machines[0]?.isLoaded).toBe(true)
    expect(await runtime.execute(0, add(1))).toEqual({ sum: 7 })
  })

  test('replay begins at the log start, in the middle of a batch if need be', async () => {
    const first = await serving()
    await first.runtime.execute(0, add(1, 2, 4))
    first.log.logStartOffset = 1
    const { runtime, machines } = makeRuntime()
    await runtime.elected(0, 2, first.log)
    expect(machines[0]?.sum).toBe(6)
  })

  test('while it loads, commands get COORDINATOR_LOAD_IN_PROGRESS', async () => {
    const { log } = await serving().then(async (made) => {
      await made.runtime.execute(0, add(5))
      return made
    })
    const gate = Promise.withResolvers<void>()
    log.readGate = gate.promise
    const { runtime } = makeRuntime()
    const elected = runtime.elected(0, 2, log)
    expect(await runtime.execute(0, { type: 'read' })).toEqual({
      errorCode: ErrorCode.COORDINATOR_LOAD_IN_PROGRESS,
    })
    expect(runtime.activePartitions).toEqual([])
    gate.resolve()
    await elected
    expect(await runtime.execute(0, { type: 'read' })).toEqual({ sum: 5 })
    expect(runtime.activePartitions).toEqual([0])
  })

  test('a leadership that ends while it loads leaves nothing behind', async () => {
    const { log, runtime: first } = await serving()
    await first.execute(0, add(5))
    await first.close()
    const gate = Promise.withResolvers<void>()
    log.readGate = gate.promise
    const { runtime, machines, clock } = makeRuntime()
    const elected = runtime.elected(0, 2, log)
    runtime.resigned(0, 3)
    gate.resolve()
    await elected
    expect(machines[0]?.isLoaded).toBe(false)
    expect([runtime.activePartitions.length, clock.pendingTimers, log.listeners]).toEqual([0, 0, 0])
  })

  test('resigning answers everyone: who waits in the machine, in the log, and whom nobody remembers', async () => {
    const { runtime, log, clock } = await serving()
    log.replicated = true
    const waiting = [
      runtime.execute(0, { type: 'park' }),
      runtime.execute(0, { type: 'park' }),
      runtime.execute(0, add(1)),
    ]
    runtime.resigned(0)
    const refused = { errorCode: ErrorCode.NOT_COORDINATOR }
    expect(await Promise.all(waiting)).toEqual([refused, refused, refused])
    expect(await runtime.execute(0, { type: 'read' })).toEqual(refused)
    expect([clock.pendingTimers, log.listeners]).toEqual([0, 0])
  })

  test('a resignation of an older epoch does not end a newer leadership', async () => {
    const { runtime, log, machine } = await serving()
    await runtime.elected(0, 5, log)
    runtime.resigned(0, 4)
    expect(runtime.machines).toEqual([machine])
    runtime.resigned(0, 5)
    expect(runtime.machines).toEqual([])
  })

  test('a log that cannot be read gives NOT_COORDINATOR, and the next election tries again', async () => {
    const { runtime, errors } = makeRuntime()
    const log = new MemoryLog()
    log.append(encodeBatch({ records: [serde.serialize(3)] }))
    log.failure = new KafkaError(ErrorCode.KAFKA_STORAGE_ERROR)
    await runtime.elected(0, 1, log)
    expect(errors.length).toBe(1)
    expect(await runtime.execute(0, { type: 'read' })).toEqual({ errorCode: ErrorCode.NOT_COORDINATOR })
    log.failure = undefined
    await runtime.elected(0, 2, log)
    expect(await runtime.execute(0, { type: 'read' })).toEqual({ sum: 3 })
  })

  test('records of unknown kinds, without a key, or that cannot be read are skipped and counted', async () => {
    const { runtime, machines } = makeRuntime()
    const log = new MemoryLog()
    const value = (text: string) => ({ key: Buffer.from('n'), value: Buffer.from(text) })
    const records = [
      value('1'),
      value('unknown'),
      { key: null, value: null },
      value('unreadable'),
      value('2'),
    ]
    log.append(encodeBatch({ records }))
    await runtime.elected(0, 1, log)
    expect(machines[0]?.sum).toBe(3)
    expect(runtime.skippedRecords).toBe(3)
  })

  test('records of a transaction are told from others, live and replayed, and so is its end', async () => {
    const { runtime, machines, log } = await serving()
    await runtime.execute(0, { type: 'addInTransaction', number: 10, producerId: 1 })
    await runtime.execute(0, { type: 'addInTransaction', number: 20, producerId: 2 })
    await runtime.execute(0, { type: 'addInTransaction', number: 40, producerId: 3 })
    await runtime.execute(0, add(1))
    const end = (producerId: number, result: 'commit' | 'abort') =>
      runtime.endTransaction(0, { producerId, producerEpoch: 0, coordinatorEpoch: 0, result })
    expect(await end(2, 'commit')).toBe(ErrorCode.NONE)
    expect(await end(1, 'abort')).toBe(ErrorCode.NONE)
    const replayed = makeRuntime()
    await replayed.runtime.elected(0, 1, log)
    for (const [machine] of [machines, replayed.machines]) {
      expect(machine?.sum).toBe(21)
      expect(machine?.pending).toEqual(new Map([[3, 40]]))
      expect(machine?.offsets).toEqual([0, 1, 2, 3])
    }
  })

  test('a marker is answered when it is replicated, or the partition is another broker’s', async () => {
    const { runtime, log } = await serving()
    log.replicated = true
    const marker = { producerId: 1, producerEpoch: 0, coordinatorEpoch: 0, result: 'commit' } as const
    const outcomes: number[] = []
    const first = runtime.endTransaction(0, marker).then((errorCode) => outcomes.push(errorCode))
    const second = runtime.endTransaction(0, marker).then((errorCode) => outcomes.push(errorCode))
    expect(outcomes).toEqual([])
    log.advance(1)
    await first
    runtime.resigned(0)
    await second
    expect(outcomes).toEqual([ErrorCode.NONE, ErrorCode.NOT_COORDINATOR])
    expect(await runtime.endTransaction(0, marker)).toBe(ErrorCode.NOT_COORDINATOR)
  })

  test('a marker that the log refuses changes nothing', async () => {
    const { runtime, machines, log } = await serving()
    await runtime.execute(0, { type: 'addInTransaction', number: 10, producerId: 1 })
    log.failure = new KafkaError(ErrorCode.INVALID_PRODUCER_EPOCH)
    const marker = { producerId: 1, producerEpoch: 0, coordinatorEpoch: 0, result: 'commit' } as const
    expect(await runtime.endTransaction(0, marker)).toBe(ErrorCode.INVALID_PRODUCER_EPOCH)
    expect(machines[0]?.pending).toEqual(new Map([[1, 10]]))
  })

  test('a task is begun when the records before it are replicated', async () => {
    const { runtime, log, begun } = await serving()
    log.replicated = true
    const answered = runtime.execute(0, { type: 'addThenDo', number: 5, task: 'first' })
    void runtime.execute(0, { type: 'addThenDo', number: 5, task: 'second' })
    expect(begun).toEqual([])
    log.advance(1)
    expect(begun).toEqual(['first 0 1'])
    await answered
    log.failure = new KafkaError(ErrorCode.NOT_ENOUGH_REPLICAS)
    await runtime.execute(0, { type: 'addThenDo', number: 5, task: 'refused' })
    log.failure = undefined
    log.advance(2)
    expect(begun).toEqual(['first 0 1', 'second 0 1'])
  })

  test('a command to all partitions is answered by each', async () => {
    const { runtime, log } = await serving()
    const gate = Promise.withResolvers<void>()
    const slow = new MemoryLog()
    slow.append(encodeBatch({ records: [serde.serialize(3)] }))
    slow.readGate = gate.promise
    const loading = runtime.elected(7, 1, slow)
    await runtime.execute(0, add(2))
    expect(await runtime.executeOnAll({ type: 'read' })).toEqual([
      { sum: 2 },
      { errorCode: ErrorCode.COORDINATOR_LOAD_IN_PROGRESS },
    ])
    gate.resolve()
    await loading
    await runtime.close()
    expect(log.listeners).toBe(0)
    expect(await runtime.executeOnAll({ type: 'read' })).toEqual([])
  })
})

test.each([
  // From `Utils.abs(key.hashCode()) % n` in Java: "polygenelubricants" has the smallest int as its hash code.
  ['', 50, 0],
  ['group', 50, 98629247 % 50],
  ['polygenelubricants', 50, 0],
  ['my-group', 1, 0],
])('the partition of %j among %d is Java’s', (key, partitions, expected) => {
  expect(partitionFor(key, partitions)).toBe(expected)
})
