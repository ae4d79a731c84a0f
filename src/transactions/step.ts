import type { Effects, ReplyToken, TimerChange } from '../cluster/coordinator/contract.ts'
import type { TransactionReply, TransactionTask } from './commands.ts'
import type { TransactionRecord } from './records.ts'
import { isPrepared, type Transaction } from './transaction.ts'

export type TransactionEffects = Effects<TransactionReply, TransactionRecord, TransactionTask>

/** One step of a transaction machine: when it happens, and the effects that it has had so far. */
export class TransactionStep {
  readonly nowMs: number
  readonly #records: TransactionRecord[] = []
  readonly #replies: { to: ReplyToken; reply: TransactionReply }[] = []
  readonly #tasks: TransactionTask[] = []
  readonly #timers: TimerChange[] = []
  #atomic = true
  #written: TransactionEffects['written']

  constructor(nowMs: number) {
    this.nowMs = nowMs
  }

  /** Where the outcome is decided, the markers follow. */
  append(transaction: Transaction): void {
    this.#records.push({ transactionalId: transaction.transactionalId, transaction })
    if (isPrepared(transaction)) this.writeMarkers(transaction)
  }

  writeMarkers(transaction: Transaction): void {
    const { transactionalId, producerId, producerEpoch, partitions, clientVersion, state } = transaction
    this.#tasks.push({
      type: 'writeMarkers',
      transactionalId,
      producerId,
      producerEpoch,
      result: state === 'PrepareCommit' ? 'commit' : 'abort',
      partitions,
      clientVersion,
    })
  }

  begin(task: TransactionTask): void {
    this.#tasks.push(task)
  }

  /** The records of this step have nothing to do with each other, and may be thousands. */
  independently(): void {
    this.#atomic = false
  }

  appendTombstone(transactionalId: string): void {
    this.#records.push({ transactionalId, transaction: null })
  }

  reply(to: ReplyToken, reply: TransactionReply): void {
    this.#replies.push({ to, reply })
  }

  setTimer(key: string, delayMs: number): void {
    this.#timers.push({ key, set: { delayMs } })
  }

  cancelTimer(key: string): void {
    this.#timers.push({ key, set: null })
  }

  /** See `Effects.written`; one for a step. */
  whenWritten(written: NonNullable<TransactionEffects['written']>): void {
    this.#written = written
  }

  effects(): TransactionEffects {
    return {
      ...(this.#written && { written: this.#written }),
      records: this.#records,
      replies: this.#replies,
      tasks: this.#tasks,
      timers: this.#timers,
      atomic: this.#atomic,
    }
  }
}
