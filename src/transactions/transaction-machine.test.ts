import { describe, expect, test } from 'vitest'
import type { ReplyToken, SerializedRecord } from '../cluster/coordinator/contract.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import type { TransactionCommand, TransactionReply, TransactionReplyTo, TransactionTask } from './commands.ts'
import { type TransactionRecord, transactionSerde } from './records.ts'
import type { TransactionEffects } from './step.ts'
import { firstTransaction, type TransactionPartitions } from './transaction.ts'
import { TransactionMachine } from './transaction-machine.ts'

const START_MS = 1_700_000_000_000
const TIMEOUT_MS = 60_000
const CHECK_MS = 10_000
const CLASSIC = 0
const V2 = 2

const options = (transactionVersion: number) => ({
  maxTimeoutMs: () => 900_000,
  expirationMs: 7 * 86_400_000,
  timeoutCheckIntervalMs: CHECK_MS,
  expirationCheckIntervalMs: 3_600_000,
  transactionVersion: () => transactionVersion,
})

/** Runs a machine as its runtime does, with a log of bytes; after every step a replay of that log gives the same state. */
class Coordinator {
  readonly machine: TransactionMachine
  readonly #options: ReturnType<typeof options>
  readonly #log: SerializedRecord[] = []
  readonly tasks: TransactionTask[] = []
  readonly timers = new Map<string, number>()
  readonly #replies = new Map<ReplyToken, TransactionReply>()
  nowMs = START_MS
  /** An error code that appends fail with. */
  failure = 0
  /** How many records of a step that are independent are written before that. */
  writtenBeforeFailure = 0
  duringWrite: (() => void) | undefined

  constructor(transactionVersion = V2, log: readonly SerializedRecord[] = []) {
    this.#options = options(transactionVersion)
    this.machine = new TransactionMachine(this.#options)
    for (const record of log) this.#apply(record)
    this.#log.push(...log)
    this.#perform(this.machine.loaded(this.nowMs))
  }

  /** Another one, from the log of this one. */
  restarted(): Coordinator {
    return new Coordinator(this.#options.transactionVersion(), this.#log)
  }

  send<C extends TransactionCommand>(command: C): () => TransactionReplyTo<C> | undefined {
    const token = {} as ReplyToken
    this.#perform(this.machine.handle(command, token, this.nowMs))
    return () => this.#replies.get(token) as TransactionReplyTo<C> | undefined
  }

  advance(ms: number): void {
    const untilMs = this.nowMs + ms
    for (;;) {
      const [next] = [...this.timers].filter(([, dueMs]) => dueMs <= untilMs).sort(([, a], [, b]) => a - b)
      if (next === undefined) break
      this.nowMs = next[1]
      this.timers.delete(next[0])
      this.#perform(this.machine.expire(next[0], this.nowMs))
    }
    this.nowMs = untilMs
  }

  /** The markers of the oldest task that wants any are written. */
  writeMarkers(): number | undefined {
    const task = this.tasks.shift()
    if (task?.type !== 'writeMarkers') throw new Error('no markers are to be written')
    const { transactionalId, producerId, producerEpoch } = task
    return this.send({ type: 'markersWritten', transactionalId, producerId, producerEpoch })()?.errorCode
  }

  unload(): void {
    this.#perform(this.machine.unloaded())
  }

  #perform(effects: TransactionEffects): void {
    for (const { key, set } of effects.timers) {
      if (set === null) this.timers.delete(key)
      else this.timers.set(key, this.nowMs + set.delayMs)
    }
    const errorCode = effects.records.length > 0 ? this.failure : ErrorCode.NONE
    if (effects.records.length > 0) {
      const { duringWrite } = this
      this.duringWrite = undefined
      duringWrite?.()
      if (duringWrite !== undefined) return
    }
    if (errorCode !== ErrorCode.NONE && effects.atomic === false) {
      for (const record of effects.records.slice(0, this.writtenBeforeFailure)) this.#write(record)
    }
    if (errorCode === ErrorCode.NONE) {
      for (const record of effects.records) this.#write(record)
      for (const { to, reply } of effects.replies) this.#replies.set(to, reply)
      this.tasks.push(...(effects.tasks ?? []))
    } else if (effects.written === undefined) {
      for (const { to } of effects.replies) this.#replies.set(to, { errorCode })
    }
    if (effects.written !== undefined) this.#perform(effects.written(errorCode, this.nowMs))
    this.#expectReplayGivesTheSame()
  }

  #write(record: TransactionRecord): void {
    this.#log.push(transactionSerde.serialize(record))
    this.machine.apply(record)
  }

  #apply(record: SerializedRecord): void {
    this.machine.apply(transactionSerde.deserialize(record)!)
  }

  #expectReplayGivesTheSame(): void {
    const replayed = new TransactionMachine(this.#options)
    for (const record of this.#log) replayed.apply(transactionSerde.deserialize(record)!)
    // The log has no place for it.
    const known = (machine: TransactionMachine) =>
      [...machine.transactions.values()].map((transaction) => ({ ...transaction, lastProducerEpoch: -1 }))
    expect(known(replayed)).toEqual(known(this.machine))
  }
}

const ID = 'orders'
const partitions = (...list: string[]): TransactionPartitions => {
  const byTopic = new Map<string, Set<number>>()
  for (const name of list) {
    const [topic, partition] = name.split('-') as [string, string]
    byTopic.set(topic, (byTopic.get(topic) ?? new Set()).add(Number(partition)))
  }
  return byTopic
}

const NOBODY = { producerId: -1, producerEpoch: -1 }
const init = (
  producer = NOBODY,
  newProducerId?: number,
): TransactionCommand & { type: 'initProducerId' } => ({
  type: 'initProducerId',
  transactionalId: ID,
  timeoutMs: TIMEOUT_MS,
  ...producer,
  ...(newProducerId === undefined ? {} : { newProducerId }),
})
const add = (producer: typeof NOBODY, clientVersion: number, ...list: string[]) =>
  ({
    type: 'addPartitions',
    transactionalId: ID,
    producerId: producer.producerId,
    producerEpoch: producer.producerEpoch,
    partitions: partitions(...list),
    clientVersion,
  }) as const
const end = (
  producer: typeof NOBODY,
  clientVersion: number,
  result: 'commit' | 'abort',
  newProducerId?: number,
): TransactionCommand & { type: 'endTransaction' } => ({
  type: 'endTransaction',
  transactionalId: ID,
  producerId: producer.producerId,
  producerEpoch: producer.producerEpoch,
  clientVersion,
  result,
  ...(newProducerId === undefined ? {} : { newProducerId }),
})

/** A coordinator that has given a producer its id and epoch 0. */
function withProducer(version = V2) {
  const coordinator = new Coordinator(version)
  const reply = coordinator.send(init(NOBODY, 7))()!
  expect(reply).toEqual({ errorCode: ErrorCode.NONE, producerId: 7, producerEpoch: 0 })
  return { coordinator, producer: { producerId: reply.producerId, producerEpoch: reply.producerEpoch } }
}

const epoch = (producerEpoch: number) => ({ producerId: 7, producerEpoch })
const stateOf = (coordinator: Coordinator) => coordinator.machine.transactions.get(ID)?.state

/** Its producer has come to an epoch, and has no transaction. */
function atEpoch(version: number, producerEpoch: number) {
  const transaction = { ...firstTransaction(ID, 7, TIMEOUT_MS, START_MS), producerEpoch }
  return new Coordinator(version, [transactionSerde.serialize({ transactionalId: ID, transaction })])
}

describe('a producer that begins', () => {
  test('is asked for a new id where its transactional id is unknown, and gets it at epoch 0', () => {
    const coordinator = new Coordinator()
    expect(coordinator.send(init())()).toMatchObject({ needsProducerId: true })
    expect(coordinator.machine.transactions.size).toBe(0)
    expect(coordinator.send(init(NOBODY, 7))()).toEqual({ errorCode: 0, ...epoch(0) })
  })

  test('gets the next epoch of the same id, and fences its predecessor', () => {
    const { coordinator, producer } = withProducer()
    expect(coordinator.send(init())()).toEqual({ errorCode: 0, ...epoch(1) })
    expect(coordinator.send(add(producer, V2, 't-0'))()).toEqual({ errorCode: ErrorCode.PRODUCER_FENCED })
    expect(coordinator.send(end(producer, V2, 'abort'))()?.errorCode).toBe(ErrorCode.PRODUCER_FENCED)
    expect(coordinator.send(end(producer, CLASSIC, 'abort'))()?.errorCode).toBe(ErrorCode.PRODUCER_FENCED)
  })

  test.each([0, -1, 900_001])('is refused a timeout of %d ms', (timeoutMs) => {
    const coordinator = new Coordinator()
    const { errorCode } = coordinator.send({ ...init(NOBODY, 7), timeoutMs })()!
    expect(errorCode).toBe(ErrorCode.INVALID_TRANSACTION_TIMEOUT)
  })

  test('is bumped once, however often it repeats the request that names its epoch', () => {
    const { coordinator, producer } = withProducer()
    expect(coordinator.send(init(producer))()).toEqual({ errorCode: 0, ...epoch(1) })
    expect(coordinator.send(init(producer))()).toEqual({ errorCode: 0, ...epoch(1) })
    expect(coordinator.send(init(epoch(1)))()).toEqual({ errorCode: 0, ...epoch(2) })
    expect(coordinator.send(init(producer))()?.errorCode).toBe(ErrorCode.PRODUCER_FENCED)
  })

  test('is fenced where a successor came between two such requests', () => {
    const { coordinator, producer } = withProducer()
    coordinator.send(init(producer))
    coordinator.send(init())
    expect(coordinator.send(init(producer))()?.errorCode).toBe(ErrorCode.PRODUCER_FENCED)
    expect(coordinator.send(init({ producerId: 8, producerEpoch: 0 }))()?.errorCode).toBe(
      ErrorCode.PRODUCER_FENCED,
    )
  })

  test.each([
    { version: CLASSIC, name: 'classic' },
    { version: V2, name: '2' },
  ])('aborts what its predecessor left open, and waits for the markers; version $name', ({ version }) => {
    const { coordinator, producer } = withProducer(version)
    coordinator.send(add(producer, version, 't-0', 't-1'))
    const reply = coordinator.send(init())
    expect(reply()).toBeUndefined()
    expect(stateOf(coordinator)).toBe('PrepareAbort')
    expect(coordinator.tasks).toEqual([
      {
        type: 'writeMarkers',
        transactionalId: ID,
        ...epoch(1),
        result: 'abort',
        partitions: partitions('t-0', 't-1'),
        clientVersion: version,
      },
    ])
    expect(coordinator.writeMarkers()).toBe(ErrorCode.NONE)
    expect(reply()).toEqual({ errorCode: 0, ...epoch(2) })
    expect(stateOf(coordinator)).toBe('Empty')
  })

  test('is told to try again where the markers take long', () => {
    const { coordinator, producer } = withProducer()
    coordinator.send(add(producer, V2, 't-0'))
    const reply = coordinator.send(init())
    coordinator.advance(999)
    expect(reply()).toBeUndefined()
    coordinator.advance(1)
    expect(reply()).toEqual({ errorCode: ErrorCode.CONCURRENT_TRANSACTIONS, ...NOBODY })
    coordinator.writeMarkers()
    expect(coordinator.send(init())()).toEqual({ errorCode: 0, ...epoch(2) })
  })

  test('leaves no timer behind when the markers are written', () => {
    const { coordinator, producer } = withProducer()
    const timers = [...coordinator.timers.keys()]
    coordinator.send(add(producer, V2, 't-0'))
    coordinator.send(init())
    expect(coordinator.timers.size).toBe(timers.length + 1)
    coordinator.writeMarkers()
    expect([...coordinator.timers.keys()]).toEqual(timers)
  })

  test('leaves no timer behind where its predecessor cannot be fenced', () => {
    const { coordinator, producer } = withProducer()
    const timers = [...coordinator.timers.keys()]
    coordinator.send(add(producer, V2, 't-0'))
    coordinator.failure = ErrorCode.COORDINATOR_NOT_AVAILABLE
    expect(coordinator.send(init())()?.errorCode).toBe(ErrorCode.COORDINATOR_NOT_AVAILABLE)
    expect([...coordinator.timers.keys()]).toEqual(timers)
  })

  test('waits for markers in company of a hundred and no more', () => {
    const { coordinator, producer } = withProducer()
    coordinator.send(add(producer, V2, 't-0'))
    const replies = Array.from({ length: 101 }, () => coordinator.send(init()))
    expect(replies.filter((reply) => reply() !== undefined)).toHaveLength(1)
    expect(replies.at(-1)?.()?.errorCode).toBe(ErrorCode.CONCURRENT_TRANSACTIONS)
    coordinator.writeMarkers()
    expect(replies.slice(0, 100).map((reply) => reply()?.producerEpoch)).toEqual(
      Array.from({ length: 100 }, (_, index) => index + 2),
    )
  })

  test('two that begin at once get one epoch each', () => {
    const { coordinator, producer } = withProducer()
    coordinator.send(add(producer, V2, 't-0'))
    const first = coordinator.send(init())
    const second = coordinator.send(init())
    coordinator.writeMarkers()
    expect([first()?.producerEpoch, second()?.producerEpoch]).toEqual([2, 3])
    expect(coordinator.tasks).toEqual([])
  })

  test('gets a new id where the epochs are used up', () => {
    const coordinator = atEpoch(V2, 32766)
    expect(coordinator.send(init())()).toMatchObject({ needsProducerId: true })
    expect(coordinator.send(init(NOBODY, 9))()).toEqual({ errorCode: 0, producerId: 9, producerEpoch: 0 })
  })

  test('gets the new id again where it repeats the request', () => {
    const coordinator = atEpoch(V2, 32766)
    const rotated = { errorCode: 0, producerId: 9, producerEpoch: 0 }
    expect(coordinator.send(init(epoch(32766), 9))()).toEqual(rotated)
    expect(coordinator.send(init(epoch(32766), 10))()).toEqual(rotated)
  })
})

describe('partitions', () => {
  test('make the transaction ongoing, and are added up', () => {
    const { coordinator, producer } = withProducer()
    expect(coordinator.send(add(producer, V2, 't-0'))()).toEqual({ errorCode: 0 })
    coordinator.nowMs += 5
    expect(coordinator.send(add(producer, V2, 't-1', 'u-0'))()).toEqual({ errorCode: 0 })
    expect(coordinator.machine.transactions.get(ID)).toMatchObject({
      state: 'Ongoing',
      partitions: partitions('t-0', 't-1', 'u-0'),
      startTimeMs: START_MS,
      lastUpdateTimeMs: START_MS + 5,
    })
  })

  test('that are in the transaction already cost no record', () => {
    const { coordinator, producer } = withProducer()
    coordinator.send(add(producer, V2, 't-0', 't-1'))
    coordinator.failure = ErrorCode.NOT_ENOUGH_REPLICAS
    expect(coordinator.send(add(producer, V2, 't-1'))()).toEqual({ errorCode: 0 })
    expect(coordinator.send(add(producer, V2, 't-2'))()).toEqual({ errorCode: ErrorCode.NOT_ENOUGH_REPLICAS })
  })

  test.each([
    { of: 'an unknown id', id: 'nobody', producer: epoch(0), code: ErrorCode.INVALID_PRODUCER_ID_MAPPING },
    {
      of: 'another producer',
      id: ID,
      producer: { producerId: 8, producerEpoch: 0 },
      code: ErrorCode.INVALID_PRODUCER_ID_MAPPING,
    },
    { of: 'a future epoch', id: ID, producer: epoch(1), code: ErrorCode.PRODUCER_FENCED },
  ])('of $of are refused, and the transaction is as before', ({ id, producer, code }) => {
    const { coordinator } = withProducer()
    const before = coordinator.machine.transactions.get(ID)
    expect(coordinator.send({ ...add(producer, V2, 't-0'), transactionalId: id })()).toEqual({
      errorCode: code,
    })
    const verify = { ...add(producer, V2, 't-0'), transactionalId: id, type: 'verifyPartitions' } as const
    expect(coordinator.send(verify)()?.errorCode).toBe(code)
    expect(coordinator.machine.transactions.get(ID)).toBe(before)
  })

  test('that are verified: those that were not added are named', () => {
    const { coordinator, producer } = withProducer()
    coordinator.send(add(producer, CLASSIC, 't-0', 'u-1'))
    const verify = { ...add(producer, CLASSIC, 't-0', 't-1', 'u-1'), type: 'verifyPartitions' } as const
    expect(coordinator.send(verify)()).toEqual({ errorCode: 0, missing: partitions('t-1') })
  })

  test('of the next transaction wait for the markers of the one before', () => {
    const { coordinator, producer } = withProducer(CLASSIC)
    coordinator.send(add(producer, CLASSIC, 't-0'))
    const ended = coordinator.send(end(producer, CLASSIC, 'commit'))
    const added = coordinator.send(add(producer, CLASSIC, 't-1'))
    const verify = { ...add(producer, CLASSIC, 't-0'), type: 'verifyPartitions' } as const
    expect(coordinator.send(verify)()?.errorCode).toBe(ErrorCode.CONCURRENT_TRANSACTIONS)
    expect([ended(), added()]).toEqual([undefined, undefined])
    coordinator.writeMarkers()
    expect(ended()).toEqual({ errorCode: 0, ...epoch(0) })
    expect(added()).toEqual({ errorCode: 0 })
    expect(coordinator.machine.transactions.get(ID)).toMatchObject({
      state: 'Ongoing',
      partitions: partitions('t-1'),
    })
  })
})

describe('an end', () => {
  test.each([
    { result: 'commit', decided: 'PrepareCommit', done: 'CompleteCommit' },
    { result: 'abort', decided: 'PrepareAbort', done: 'CompleteAbort' },
  ] as const)('in version 2 bumps the epoch: $result', ({ result, decided, done }) => {
    const { coordinator, producer } = withProducer()
    coordinator.send(add(producer, V2, 't-0'))
    const ended = coordinator.send(end(producer, V2, result))
    expect(stateOf(coordinator)).toBe(decided)
    const repeated = coordinator.send(end(producer, V2, result))
    coordinator.writeMarkers()
    expect(ended()).toEqual({ errorCode: 0, ...epoch(1) })
    expect(repeated()).toEqual({ errorCode: 0, ...epoch(1) })
    expect(stateOf(coordinator)).toBe(done)
    expect(coordinator.send(end(producer, V2, result))()).toEqual({ errorCode: 0, ...epoch(1) })
    const other = result === 'commit' ? 'abort' : 'commit'
    expect(coordinator.send(end(producer, V2, other))()?.errorCode).toBe(ErrorCode.INVALID_TXN_STATE)
  })

  test.each(['commit', 'abort'] as const)('in the classic version keeps the epoch: %s', (result) => {
    const { coordinator, producer } = withProducer(CLASSIC)
    coordinator.send(add(producer, CLASSIC, 't-0'))
    const ended = coordinator.send(end(producer, CLASSIC, result))
    coordinator.writeMarkers()
    expect(ended()).toEqual({ errorCode: 0, ...epoch(0) })
    expect(coordinator.send(end(producer, CLASSIC, result))()?.errorCode).toBe(ErrorCode.NONE)
    const other = result === 'commit' ? 'abort' : 'commit'
    expect(coordinator.send(end(producer, CLASSIC, other))()?.errorCode).toBe(ErrorCode.INVALID_TXN_STATE)
  })

  test('while the markers are being written waits for them, and is refused where it is another', () => {
    const { coordinator, producer } = withProducer()
    coordinator.send(add(producer, V2, 't-0'))
    coordinator.send(end(producer, V2, 'commit'))
    const others = [
      coordinator.send(end(producer, V2, 'abort')),
      coordinator.send(end(epoch(1), V2, 'commit')),
      coordinator.send(end(epoch(2), V2, 'commit')),
    ]
    expect(others.map((reply) => reply())).toEqual([undefined, undefined, undefined])
    coordinator.writeMarkers()
    const { INVALID_TXN_STATE, PRODUCER_FENCED } = ErrorCode
    expect(others.map((reply) => reply()?.errorCode)).toEqual([
      INVALID_TXN_STATE,
      INVALID_TXN_STATE,
      PRODUCER_FENCED,
    ])
  })

  test('is answered when it is decided, where the markers take long', () => {
    const { coordinator, producer } = withProducer()
    coordinator.send(add(producer, V2, 't-0'))
    const ended = coordinator.send(end(producer, V2, 'commit'))
    coordinator.advance(1000)
    expect(ended()).toEqual({ errorCode: 0, ...epoch(1) })
    expect(stateOf(coordinator)).toBe('PrepareCommit')
  })

  test('without a transaction: version 2 aborts and bumps all the same, and has nothing to commit', () => {
    const { coordinator, producer } = withProducer()
    expect(coordinator.send(end(producer, V2, 'commit'))()?.errorCode).toBe(ErrorCode.INVALID_TXN_STATE)
    const aborted = coordinator.send(end(producer, V2, 'abort'))
    expect(coordinator.tasks).toMatchObject([{ partitions: new Map() }])
    coordinator.writeMarkers()
    expect(aborted()).toEqual({ errorCode: 0, ...epoch(1) })
    expect(coordinator.send(end(epoch(1), V2, 'commit'))()?.errorCode).toBe(ErrorCode.INVALID_TXN_STATE)
    coordinator.send(end(epoch(1), V2, 'abort'))
    coordinator.writeMarkers()
    expect(coordinator.machine.transactions.get(ID)?.producerEpoch).toBe(2)
  })

  test.each(['commit', 'abort'] as const)(
    'without a transaction is refused to a classic producer: %s',
    (result) => {
      const { coordinator, producer } = withProducer(CLASSIC)
      expect(coordinator.send(end(producer, CLASSIC, result))()?.errorCode).toBe(ErrorCode.INVALID_TXN_STATE)
    },
  )

  test.each([CLASSIC, V2])('by a stranger is refused; version %d', (version) => {
    const { coordinator } = withProducer(version)
    const stranger = { producerId: 8, producerEpoch: 0 }
    const codes = [
      coordinator.send({ ...end(epoch(0), version, 'abort'), transactionalId: 'nobody' })(),
      coordinator.send(end(stranger, version, 'abort'))(),
      coordinator.send(end(epoch(5), version, 'abort'))(),
    ].map((reply) => reply?.errorCode)
    const { INVALID_PRODUCER_ID_MAPPING, PRODUCER_FENCED } = ErrorCode
    expect(codes).toEqual([INVALID_PRODUCER_ID_MAPPING, INVALID_PRODUCER_ID_MAPPING, PRODUCER_FENCED])
  })

  test('that could not be written leaves the transaction as it was', () => {
    const { coordinator, producer } = withProducer()
    coordinator.send(add(producer, V2, 't-0'))
    coordinator.failure = ErrorCode.COORDINATOR_NOT_AVAILABLE
    const refused = coordinator.send(end(producer, V2, 'commit'))
    expect(refused()).toEqual({ errorCode: ErrorCode.COORDINATOR_NOT_AVAILABLE, ...NOBODY })
    expect(stateOf(coordinator)).toBe('Ongoing')
    expect(coordinator.tasks).toEqual([])
    coordinator.failure = 0
    const ended = coordinator.send(end(producer, V2, 'commit'))
    coordinator.writeMarkers()
    expect(ended()).toEqual({ errorCode: 0, ...epoch(1) })
  })

  test('at the last epoch leads on to a new id, also where its answer was lost', () => {
    const coordinator = atEpoch(V2, 32766)
    coordinator.send(add(epoch(32766), V2, 't-0'))
    expect(coordinator.send(end(epoch(32766), V2, 'commit'))()).toMatchObject({ needsProducerId: true })
    const ended = coordinator.send(end(epoch(32766), V2, 'commit', 9))
    expect(coordinator.tasks).toMatchObject([epoch(32767)])
    coordinator.writeMarkers()
    const rotated = { errorCode: 0, producerId: 9, producerEpoch: 0 }
    expect(ended()).toEqual(rotated)
    expect(coordinator.send(end(epoch(32766), V2, 'commit'))()).toEqual(rotated)
  })

  test('at the last epoch is answered with the new id, which waits for the markers like the old one', () => {
    const coordinator = atEpoch(V2, 32766)
    coordinator.send(add(epoch(32766), V2, 't-0'))
    const ended = coordinator.send(end(epoch(32766), V2, 'commit', 9))
    coordinator.advance(1000)
    const next = { producerId: 9, producerEpoch: 0 }
    expect(ended()).toEqual({ errorCode: 0, ...next })
    const added = coordinator.send(add(next, V2, 't-1'))
    const aborted = coordinator.send(end(next, V2, 'abort'))
    const begun = coordinator.send(init(next))
    expect([added(), aborted(), begun()]).toEqual([undefined, undefined, undefined])
    coordinator.writeMarkers()
    expect(added()).toEqual({ errorCode: 0 })
    coordinator.writeMarkers()
    expect(aborted()).toEqual({ errorCode: 0, producerId: 9, producerEpoch: 1 })
    // It named the epoch before the abort that came between, and is its own producer still.
    expect(begun()).toEqual({ errorCode: 0, producerId: 9, producerEpoch: 1 })
  })
})

describe('a transaction that takes longer than its timeout', () => {
  test.each([CLASSIC, V2])(
    'is aborted at the next check, and its producer is fenced; version %d',
    (version) => {
      const { coordinator, producer } = withProducer(version)
      coordinator.send(add(producer, version, 't-0'))
      coordinator.advance(TIMEOUT_MS)
      expect(stateOf(coordinator)).toBe('Ongoing')
      coordinator.advance(CHECK_MS)
      expect(stateOf(coordinator)).toBe('PrepareAbort')
      expect(coordinator.tasks).toMatchObject([{ result: 'abort', ...epoch(1) }])
      coordinator.writeMarkers()
      expect(coordinator.send(add(producer, version, 't-0'))()).toEqual({
        errorCode: ErrorCode.PRODUCER_FENCED,
      })
      expect(coordinator.machine.ongoingCount).toBe(0)
    },
  )

  test('has its markers written also where another of the same check could not be aborted', () => {
    const { coordinator, producer } = withProducer()
    coordinator.send(add(producer, V2, 't-0'))
    coordinator.send({ ...init(NOBODY, 8), transactionalId: 'other' })
    coordinator.send({ ...add({ producerId: 8, producerEpoch: 0 }, V2, 't-1'), transactionalId: 'other' })
    coordinator.failure = ErrorCode.MESSAGE_TOO_LARGE
    coordinator.writtenBeforeFailure = 1
    coordinator.advance(TIMEOUT_MS + CHECK_MS)
    expect(coordinator.tasks).toMatchObject([{ type: 'writeMarkers', transactionalId: ID, result: 'abort' }])
    coordinator.failure = ErrorCode.NONE
    coordinator.advance(CHECK_MS)
    expect(coordinator.tasks.map(({ transactionalId }) => transactionalId)).toEqual([ID, 'other'])
  })

  test('is aborted after a restart too', () => {
    const { coordinator, producer } = withProducer()
    coordinator.send(add(producer, V2, 't-0'))
    const next = coordinator.restarted()
    next.advance(TIMEOUT_MS + CHECK_MS)
    expect(stateOf(next)).toBe('PrepareAbort')
  })

  test('goes on with a new id where the epochs are used up', () => {
    const coordinator = atEpoch(V2, 32766)
    coordinator.send(add(epoch(32766), V2, 't-0'))
    coordinator.advance(TIMEOUT_MS + CHECK_MS)
    const task = coordinator.tasks.shift()!
    expect(task).toEqual({ type: 'abortWithNewProducerId', transactionalId: ID, ...epoch(32766) })
    coordinator.send({ type: 'abortTimedOut', transactionalId: ID, ...epoch(32766), newProducerId: 9 })
    coordinator.writeMarkers()
    expect(coordinator.machine.transactions.get(ID)).toMatchObject({ producerId: 9, producerEpoch: 0 })
    // The producer's own abort comes late.
    expect(coordinator.send(end(epoch(32766), V2, 'abort'))()).toMatchObject({
      producerId: 9,
      producerEpoch: 0,
    })
  })
})

describe('a restart', () => {
  test.each(['commit', 'abort'] as const)(
    'writes the markers of a decided transaction again: %s',
    (result) => {
      const { coordinator, producer } = withProducer()
      coordinator.send(add(producer, V2, 't-0', 'u-3'))
      coordinator.send(end(producer, V2, result))
      const next = coordinator.restarted()
      expect(next.tasks).toMatchObject([{ result, partitions: partitions('t-0', 'u-3'), ...epoch(1) }])
      next.writeMarkers()
      expect(next.send(end(producer, V2, result))()).toEqual({ errorCode: 0, ...epoch(1) })
    },
  )

  test('answers those who wait with NOT_COORDINATOR, and an end that comes again with how it was decided', () => {
    const { coordinator, producer } = withProducer()
    coordinator.send(add(producer, V2, 't-0'))
    const ended = coordinator.send(end(producer, V2, 'commit'))
    const began = coordinator.send(init())
    coordinator.unload()
    expect([ended()?.errorCode, began()?.errorCode]).toEqual([
      ErrorCode.NOT_COORDINATOR,
      ErrorCode.NOT_COORDINATOR,
    ])
    const next = coordinator.restarted()
    const again = next.send(end(producer, V2, 'commit'))
    next.writeMarkers()
    expect(again()).toEqual({ errorCode: 0, ...epoch(1) })
  })

  test('under way while an end is being written never calls it a success', () => {
    const { coordinator, producer } = withProducer()
    coordinator.send(add(producer, V2, 't-0'))
    coordinator.duringWrite = () => coordinator.unload()
    const ended = coordinator.send(end(producer, V2, 'commit'))
    expect(ended()?.errorCode).toBe(ErrorCode.NOT_COORDINATOR)
  })

  test('takes markers of an earlier transaction for nothing', () => {
    const { coordinator, producer } = withProducer()
    coordinator.send(add(producer, V2, 't-0'))
    coordinator.send(end(producer, V2, 'commit'))
    const late = { type: 'markersWritten', transactionalId: ID, ...epoch(1) } as const
    coordinator.writeMarkers()
    expect(coordinator.send(late)()?.errorCode).toBe(ErrorCode.INVALID_TXN_STATE)
    coordinator.send(add(epoch(1), V2, 't-0'))
    coordinator.send(end(epoch(1), V2, 'commit'))
    expect(coordinator.send(late)()?.errorCode).toBe(ErrorCode.PRODUCER_FENCED)
    expect(stateOf(coordinator)).toBe('PrepareCommit')
  })
})

describe('transactional ids', () => {
  test('are forgotten when nothing came from them for a week, unless a transaction is open', () => {
    const { coordinator, producer } = withProducer()
    // Its turn would come every few seconds of these days.
    coordinator.timers.delete('timeouts')
    coordinator.advance(7 * 86_400_000 - 3_600_000)
    expect(coordinator.machine.transactions.size).toBe(1)
    coordinator.advance(3_600_000)
    expect(coordinator.machine.transactions.size).toBe(0)
    expect(coordinator.send(add(producer, V2, 't-0'))()?.errorCode).toBe(
      ErrorCode.INVALID_PRODUCER_ID_MAPPING,
    )
    expect(coordinator.send(init(producer, 8))()).toEqual({ errorCode: 0, producerId: 8, producerEpoch: 0 })
  })

  test('are described and listed', () => {
    const { coordinator, producer } = withProducer()
    coordinator.send({ ...init(NOBODY, 8), transactionalId: 'other' })
    coordinator.send(add(producer, V2, 't-0'))
    coordinator.nowMs += 100
    const described = coordinator.send({ type: 'describeTransactions', transactionalIds: [ID, 'nobody'] })()
    expect(described?.transactions).toMatchObject([
      {
        errorCode: 0,
        state: 'Ongoing',
        timeoutMs: TIMEOUT_MS,
        startTimeMs: START_MS,
        partitions: partitions('t-0'),
      },
      { errorCode: ErrorCode.TRANSACTIONAL_ID_NOT_FOUND, state: '' },
    ])
    const listed = (filter: object) =>
      coordinator
        .send({ type: 'listTransactions', filter })()
        ?.transactions.map(({ transactionalId }) => transactionalId)
    expect(listed({})).toEqual([ID, 'other'])
    expect(listed({ states: new Set(['Empty']) })).toEqual(['other'])
    expect(listed({ producerIds: new Set([7]) })).toEqual([ID])
    expect(listed({ durationMs: 99 })).toEqual([ID, 'other'])
    expect(listed({ durationMs: 100 })).toEqual(['other'])
    expect(listed({ transactionalId: (id: string) => id.startsWith('o') && id !== ID })).toEqual(['other'])
  })
})

describe('who has no say in a transaction', () => {
  const STATES = [
    'Empty',
    'Ongoing',
    'PrepareCommit',
    'PrepareAbort',
    'CompleteCommit',
    'CompleteAbort',
  ] as const

  function inState(state: (typeof STATES)[number], version: number) {
    const { coordinator, producer } = withProducer(version)
    if (state !== 'Empty') coordinator.send(add(producer, version, 't-0'))
    if (state.endsWith('Commit')) coordinator.send(end(producer, version, 'commit'))
    if (state.endsWith('Abort')) coordinator.send(end(producer, version, 'abort'))
    if (state.startsWith('Complete')) coordinator.writeMarkers()
    expect(stateOf(coordinator)).toBe(state)
    return coordinator
  }

  /** What each request is answered by, when patience with markers is at its end. */
  function codes(
    coordinator: Coordinator,
    version: number,
    transactionalId: string,
    producer: typeof NOBODY,
  ) {
    const { type: _, ...added } = add(producer, version, 't-1')
    const replies = [
      { ...added, type: 'addPartitions', transactionalId } as const,
      { ...added, type: 'verifyPartitions', transactionalId } as const,
      { ...end(producer, version, 'commit'), transactionalId },
      { ...end(producer, version, 'abort'), transactionalId },
      { type: 'markersWritten', transactionalId, ...producer } as const,
    ].map((command) => coordinator.send<TransactionCommand>(command))
    coordinator.advance(1000)
    return replies.map((reply) => reply()?.errorCode)
  }

  const everyone = (code: number) => Array<number>(5).fill(code)
  const cases = [CLASSIC, V2].flatMap((version) => STATES.map((state) => ({ version, state })))

  test.each(cases)('is refused, and leaves it as it was: $state, version $version', ({ version, state }) => {
    const coordinator = inState(state, version)
    const before = coordinator.machine.transactions.get(ID)!
    const tasks = coordinator.tasks.length
    const { INVALID_PRODUCER_ID_MAPPING, PRODUCER_FENCED, CONCURRENT_TRANSACTIONS } = ErrorCode
    const stranger = { producerId: 8, producerEpoch: before.producerEpoch }
    const refusedBy = (code: number) => {
      if (!state.startsWith('Prepare')) return everyone(code)
      // As in Kafka these look at the producer when the markers are written: its epochs may be used up by then.
      const ended = version === V2 ? CONCURRENT_TRANSACTIONS : code
      return [CONCURRENT_TRANSACTIONS, code, ended, ended, code]
    }
    expect(codes(coordinator, version, 'nobody', epoch(before.producerEpoch))).toEqual(
      everyone(INVALID_PRODUCER_ID_MAPPING),
    )
    expect(codes(coordinator, version, ID, stranger)).toEqual(refusedBy(INVALID_PRODUCER_ID_MAPPING))
    for (const other of [before.producerEpoch + 1, before.producerEpoch - 2]) {
      expect(codes(coordinator, version, ID, epoch(other))).toEqual(refusedBy(PRODUCER_FENCED))
    }
    const began = coordinator.send(init(stranger))
    coordinator.advance(1000)
    expect(began()?.errorCode).toBe(state.startsWith('Prepare') ? CONCURRENT_TRANSACTIONS : PRODUCER_FENCED)
    expect(coordinator.machine.transactions.get(ID)).toBe(before)
    expect([...coordinator.machine.transactions.keys()]).toEqual([ID])
    expect(coordinator.tasks).toHaveLength(tasks)
  })

  test.each([CLASSIC, V2])('is also who had one until its id expired; version %d', (version) => {
    const coordinator = inState('CompleteCommit', version)
    const { producerId, producerEpoch } = coordinator.machine.transactions.get(ID)!
    coordinator.timers.delete('timeouts')
    coordinator.advance(8 * 86_400_000)
    expect(codes(coordinator, version, ID, { producerId, producerEpoch })).toEqual(
      everyone(ErrorCode.INVALID_PRODUCER_ID_MAPPING),
    )
    const described = coordinator.send({ type: 'describeTransactions', transactionalIds: [ID] })()
    expect(described?.transactions).toMatchObject([{ errorCode: ErrorCode.TRANSACTIONAL_ID_NOT_FOUND }])
    expect(coordinator.machine.transactions.size).toBe(0)
  })
})
