/**
 * One machine and its log: hands the machine its commands and timers, writes what it wants written, and holds replies
 * back until that is replicated. Kafka's `CoordinatorRuntime.CoordinatorContext`.
 *
 * Each command's records are appended by themselves and at once: the machine sees them applied before the next command,
 * so there is nothing to take back when an append fails. Gathering the records of several commands, as Kafka's
 * `append.linger.ms` does, would save a write to the page cache and need an undo.
 */
import type { Clock, Timer } from '../../base/clock.ts'
import { type Deferred, deferred } from '../../base/deferred.ts'
import { invariant } from '../../base/invariant.ts'
import type { Logger } from '../../base/logger.ts'
import { NO_PRODUCER_ID, NO_SEQUENCE } from '../../wire/batch.ts'
import { ErrorCode, KafkaError } from '../../wire/error-codes.ts'
import { encodeBatch, type RecordInput } from '../../wire/records.ts'
import { encodeMarker, type TransactionMarker } from '../transaction-marker.ts'
import type { CoordinatorMachine, CoordinatorSerde, Effects, ReplyToken, TimerChange } from './contract.ts'
import type { CoordinatorLog } from './coordinator-log.ts'

export interface ShardOptions<Command, Reply, CoordinatorRecord, Task = never> {
  readonly machine: CoordinatorMachine<Command, Reply, CoordinatorRecord, Task>
  readonly serde: CoordinatorSerde<CoordinatorRecord>
  readonly log: CoordinatorLog
  readonly clock: Clock
  readonly logger: Logger
  /** How long a reply waits for the high watermark before it becomes REQUEST_TIMED_OUT (`offsets.commit.timeout.ms`). */
  readonly writeTimeoutMs: number
  /** Where records need not be atomic, a batch of them is kept below this. */
  readonly maxBatchBytes: number
  /** Begins a task of the machine; must not throw. */
  readonly perform?: ((task: Task) => void) | undefined
}

/** A timer whose records could not be written is tried again after this, as Kafka's `CoordinatorTimerImpl` does. */
const TIMER_RETRY_MS = 500

export class CoordinatorShard<Command, Reply, CoordinatorRecord, Task = never> {
  readonly machine: CoordinatorMachine<Command, Reply, CoordinatorRecord, Task>
  readonly #serde: CoordinatorSerde<CoordinatorRecord>
  readonly #log: CoordinatorLog
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #writeTimeoutMs: number
  readonly #maxBatchBytes: number
  readonly #performTask: ((task: Task) => void) | undefined
  readonly #timers = new Map<string, Timer>()
  /** Everyone who has no answer yet, whether the machine, the log or nobody remembers. */
  readonly #outstanding = new Set<PendingReply<Command, Reply>>()
  /** Replies that wait for the high watermark, in the order of their offsets. */
  #held: HeldReplies<Command, Reply>[] = []
  /** Tasks that wait for the high watermark, in the order of their offsets. */
  #heldTasks: { readonly offset: number; readonly tasks: readonly Task[] }[] = []
  /** Markers that wait for the high watermark, in the order of their offsets. */
  #heldMarkers: { readonly offset: number; readonly resolve: (errorCode: number) => void }[] = []
  /** Offset of the last record written here; -1 before the first. */
  #lastWritten = -1
  #endHighWatermark: (() => void) | undefined
  #active = true

  constructor(options: ShardOptions<Command, Reply, CoordinatorRecord, Task>) {
    this.machine = options.machine
    this.#serde = options.serde
    this.#log = options.log
    this.#clock = options.clock
    this.#logger = options.logger
    this.#writeTimeoutMs = options.writeTimeoutMs
    this.#maxBatchBytes = options.maxBatchBytes
    this.#performTask = options.perform
  }

  /** The machine has the whole log: it coordinates from now on. */
  start(): void {
    this.#lastWritten = this.#log.logEndOffset - 1
    this.#endHighWatermark = this.#log.onHighWatermark(() => this.#release())
    this.#guard('loaded', () => this.#perform(this.machine.loaded(this.#clock.now())))
  }

  execute(command: Command): Promise<Reply> {
    const token = new PendingReply<Command, Reply>(command)
    this.#outstanding.add(token)
    if (
      !this.#guard('command', () => this.#perform(this.machine.handle(command, token, this.#clock.now())))
    ) {
      this.#refuse(token, ErrorCode.UNKNOWN_SERVER_ERROR)
    }
    return token.outcome.promise
  }

  /** Cancels the timers and answers everyone with NOT_COORDINATOR, as far as the machine has not. Idempotent. */
  stop(): void {
    if (!this.#active) return
    this.#active = false
    this.#endHighWatermark?.()
    for (const timer of this.#timers.values()) timer.cancel()
    this.#timers.clear()
    for (const held of this.#held.splice(0)) held.timeout.cancel()
    this.#heldTasks = []
    for (const { resolve } of this.#heldMarkers.splice(0)) resolve(ErrorCode.NOT_COORDINATOR)
    this.#guard('unloaded', () => {
      for (const { to, reply } of this.machine.unloaded().replies) this.#answer(to, reply)
    })
    for (const token of [...this.#outstanding]) this.#refuse(token, ErrorCode.NOT_COORDINATOR)
  }

  /** Replayed or just written. A record that the machine fails on is skipped, live as in replay, and alike for both. */
  applyRecord(record: CoordinatorRecord, offset: number, producerId: number): boolean {
    return this.#guard('record', () => this.machine.apply(record, offset, producerId), { offset })
  }

  applyEnd(producerId: number, result: 'commit' | 'abort'): void {
    this.#guard('end of transaction', () => this.machine.endTransaction?.(producerId, result), { producerId })
  }

  /** See `CoordinatorRuntime.endTransaction`. */
  endTransaction(marker: TransactionMarker): Promise<number> {
    const written = this.#writeMarker(marker)
    if (written !== ErrorCode.NONE) return Promise.resolve(written)
    this.applyEnd(marker.producerId, marker.result)
    if (this.#lastWritten < this.#log.highWatermark) return Promise.resolve(ErrorCode.NONE)
    const { promise, resolve } = Promise.withResolvers<number>()
    this.#heldMarkers.push({ offset: this.#lastWritten, resolve })
    return promise
  }

  #writeMarker(marker: TransactionMarker): number {
    try {
      this.#lastWritten = this.#log.append(encodeMarker(marker, this.#clock.now()))
      return this.#active ? ErrorCode.NONE : ErrorCode.NOT_COORDINATOR
    } catch (error) {
      return this.#writeError(error)
    }
  }

  /** False where the records were refused. */
  #perform(effects: Effects<Reply, CoordinatorRecord, Task>): boolean {
    // A log that fails under this very command may have ended the shard: everyone has been answered then.
    if (!this.#active) return false
    for (const change of effects.timers) this.#changeTimer(change)
    const errorCode = effects.records.length === 0 ? ErrorCode.NONE : this.#write(effects)
    if (errorCode === ErrorCode.NONE) {
      this.#reply(effects.replies)
      this.#begin(effects.tasks ?? [])
    } else if (effects.written === undefined) {
      for (const { to } of effects.replies) this.#refuse(tokenOf<Command, Reply>(to), errorCode)
    }
    if (effects.written !== undefined && this.#active) {
      this.#perform(effects.written(errorCode, this.#clock.now()))
    }
    return errorCode === ErrorCode.NONE
  }

  /** Appends and applies; returns why that failed. */
  #write(effects: Effects<Reply, CoordinatorRecord, Task>): number {
    const { records } = effects
    try {
      const inputs = records.map((record): RecordInput => this.#serde.serialize(record))
      let from = 0
      while (from < records.length) {
        const to = effects.atomic === false ? this.#batchEnd(inputs, from) : records.length
        this.#append(records.slice(from, to), inputs.slice(from, to), effects.producer)
        from = to
      }
      return ErrorCode.NONE
    } catch (error) {
      return this.#writeError(error)
    }
  }

  #writeError(error: unknown): number {
    if (error instanceof KafkaError) {
      this.#logger.warn('coordinator records not written', { code: error.code, reason: error.message })
      return error.code
    }
    this.#logger.error('coordinator records not written', { err: error })
    return ErrorCode.UNKNOWN_SERVER_ERROR
  }

  #append(
    records: readonly CoordinatorRecord[],
    inputs: readonly RecordInput[],
    producer: Effects<Reply, CoordinatorRecord, Task>['producer'],
  ): void {
    const transaction = producer && { ...producer, baseSequence: NO_SEQUENCE, isTransactional: true }
    const batch = encodeBatch({ baseTimestamp: this.#clock.now(), records: inputs, ...transaction })
    const lastOffset = this.#log.append(batch)
    if (!this.#active) throw new KafkaError(ErrorCode.NOT_COORDINATOR)
    this.#lastWritten = lastOffset
    const first = lastOffset - records.length + 1
    let applied = true
    for (const [index, record] of records.entries()) {
      applied = this.applyRecord(record, first + index, producer?.producerId ?? NO_PRODUCER_ID) && applied
    }
    invariant(applied, 'the machine applies the records that it wrote')
  }

  /** As many records as fit into a batch, and one at least. */
  #batchEnd(inputs: readonly RecordInput[], from: number): number {
    let bytes = BATCH_OVERHEAD_BYTES
    let to = from
    while (to < inputs.length) {
      const input = inputs[to]!
      bytes += (input.key?.length ?? 0) + (input.value?.length ?? 0) + RECORD_OVERHEAD_BYTES
      if (bytes > this.#maxBatchBytes && to > from) break
      to += 1
    }
    return to
  }

  /** Also replies without records wait for those written before: they may tell of what they did. */
  #reply(replies: Effects<Reply, CoordinatorRecord, Task>['replies']): void {
    if (replies.length === 0) return
    if (this.#lastWritten < this.#log.highWatermark) {
      for (const { to, reply } of replies) this.#answer(to, reply)
      return
    }
    const held: HeldReplies<Command, Reply> = {
      offset: this.#lastWritten,
      replies: replies.map(({ to, reply }) => ({ to: tokenOf<Command, Reply>(to), reply })),
      timeout: this.#clock.setTimer(this.#writeTimeoutMs, () => this.#timeOut(held)),
    }
    this.#held.push(held)
  }

  #begin(tasks: readonly Task[]): void {
    if (tasks.length === 0) return
    if (this.#lastWritten < this.#log.highWatermark) for (const task of tasks) this.#performTask?.(task)
    else this.#heldTasks.push({ offset: this.#lastWritten, tasks })
  }

  #release(): void {
    const highWatermark = this.#log.highWatermark
    while (this.#heldTasks[0] !== undefined && this.#heldTasks[0].offset < highWatermark) {
      for (const task of this.#heldTasks.shift()!.tasks) this.#performTask?.(task)
    }
    while (this.#heldMarkers[0] !== undefined && this.#heldMarkers[0].offset < highWatermark) {
      this.#heldMarkers.shift()!.resolve(ErrorCode.NONE)
    }
    let count = 0
    for (const held of this.#held) {
      if (held.offset >= highWatermark) break
      held.timeout.cancel()
      for (const { to, reply } of held.replies) this.#answer(to, reply)
      count += 1
    }
    if (count > 0) this.#held.splice(0, count)
  }

  #timeOut(held: HeldReplies<Command, Reply>): void {
    this.#held = this.#held.filter((each) => each !== held)
    for (const { to } of held.replies) this.#refuse(to, ErrorCode.REQUEST_TIMED_OUT)
  }

  #changeTimer({ key, set }: TimerChange): void {
    this.#timers.get(key)?.cancel()
    this.#timers.delete(key)
    if (set !== null)
      this.#timers.set(
        key,
        this.#clock.setTimer(set.delayMs, () => this.#expire(key)),
      )
  }

  #expire(key: string): void {
    this.#timers.delete(key)
    let written = true
    let retried = false
    this.#guard(
      'timer',
      () => {
        const effects = this.machine.expire(key, this.#clock.now())
        retried = effects.written !== undefined
        written = this.#perform(effects)
      },
      { key },
    )
    // A machine that is told of the failure sets its timers itself.
    if (!written && !retried && this.#active && !this.#timers.has(key)) {
      this.#changeTimer({ key, set: { delayMs: TIMER_RETRY_MS } })
    }
  }

  #answer(to: ReplyToken, reply: Reply): void {
    const token = tokenOf<Command, Reply>(to)
    // A token that was refused, after a bug or a timeout, may still be remembered by the machine.
    if (this.#outstanding.delete(token)) token.outcome.resolve(reply)
  }

  #refuse(token: PendingReply<Command, Reply>, errorCode: number): void {
    this.#answer(token, this.machine.refusal(token.command, errorCode))
  }

  /** A bug in the machine costs what it was about and nothing else. */
  #guard(what: string, action: () => void, fields: Readonly<Record<string, unknown>> = {}): boolean {
    try {
      action()
      return true
    } catch (error) {
      this.#logger.error('coordinator failed', { err: error, what, ...fields })
      return false
    }
  }
}

const BATCH_OVERHEAD_BYTES = 61
/** More than length, attributes, deltas and lengths of one record take as varints. */
const RECORD_OVERHEAD_BYTES = 32

interface HeldReplies<Command, Reply> {
  /** Released when the high watermark is beyond this. */
  readonly offset: number
  readonly replies: readonly { readonly to: PendingReply<Command, Reply>; readonly reply: Reply }[]
  readonly timeout: Timer
}

class PendingReply<Command, Reply> implements ReplyToken {
  declare readonly replyToken: ReplyToken['replyToken']
  readonly command: Command
  readonly outcome: Deferred<Reply> = deferred()

  constructor(command: Command) {
    this.command = command
  }
}

function tokenOf<Command, Reply>(to: ReplyToken): PendingReply<Command, Reply> {
  invariant(to instanceof PendingReply, 'a machine replies to the tokens that it was given')
  // Tokens are made by this shard alone, for its own commands.
  return to as PendingReply<Command, Reply>
}
