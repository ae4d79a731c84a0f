import type { CoordinatorMachine, ReplyToken } from '../cluster/coordinator/contract.ts'
import { NO_PRODUCER_EPOCH, NO_PRODUCER_ID } from '../wire/batch.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import type {
  DescribedTransaction,
  TransactionCommand,
  TransactionFilter,
  TransactionReplies,
  TransactionReply,
  TransactionTask,
} from './commands.ts'
import type { TransactionRecord } from './records.ts'
import {
  type Decision,
  decideAddPartitions,
  decideEnd,
  decideInit,
  fenced,
  missingPartitions,
  refuseProducer,
} from './requests.ts'
import { type TransactionEffects, TransactionStep } from './step.ts'
import { completed, isEpochExhausted, isPrepared, NO_PARTITIONS, type Transaction } from './transaction.ts'

export interface TransactionOptions {
  /** `transaction.max.timeout.ms`, as it is now. */
  readonly maxTimeoutMs: () => number
  /** `transactional.id.expiration.ms`. */
  readonly expirationMs: number
  /** `transaction.abort.timed.out.transaction.cleanup.interval.ms`. */
  readonly timeoutCheckIntervalMs: number
  /** `transaction.remove.expired.transaction.cleanup.interval.ms`. */
  readonly expirationCheckIntervalMs: number
  /** The finalized level of `transaction.version`. */
  readonly transactionVersion: () => number
}

const TIMEOUT_TIMER = 'timeouts'
const EXPIRATION_TIMER = 'expirations'
const PATIENCE_TIMER = 'patience:'
/** How long a request waits for markers, which are quick where their partitions are led here. */
const PATIENCE_MS = 1000
/** For one transactional id; more are told to come again. A producer has one request under way. */
const MAX_WAITERS = 100
/** A producer without a timeout, whose transactions only it or its successor ends (KIP-939). */
const NO_TIMEOUT_MS = 2 ** 31 - 1

type ProducerRequest = Extract<
  TransactionCommand,
  { type: 'initProducerId' | 'addPartitions' | 'endTransaction' }
>

/** A request that is decided, or decided again, when the markers of its transaction are written. */
interface Waiter {
  readonly command: ProducerRequest
  readonly token: ReplyToken
  /** Sent then, or when patience ends; undefined for a command that is to be handled again. */
  readonly reply: TransactionReply | undefined
}

/**
 * The transactional ids of one partition of `__transaction_state`. Pure. See `transaction.ts` for the states,
 * `requests.ts` for what each request does in each.
 *
 * An end is in the log before its markers are begun, and a transaction that is decided when the log has been replayed
 * has its markers written again: a marker twice does no harm.
 *
 * Kafka answers an end as soon as it is decided, and whoever comes before the markers are written with
 * CONCURRENT_TRANSACTIONS, which not every client retries everywhere. Here both wait for the markers for a while.
 */
export class TransactionMachine
  implements CoordinatorMachine<TransactionCommand, TransactionReply, TransactionRecord, TransactionTask>
{
  readonly #options: TransactionOptions
  readonly #transactions = new Map<string, Transaction>()
  /** Of those, the ones that a timeout may end. */
  readonly #ongoing = new Set<string>()
  readonly #waiters = new Map<string, Waiter[]>()

  constructor(options: TransactionOptions) {
    this.#options = options
  }

  get transactions(): ReadonlyMap<string, Transaction> {
    return this.#transactions
  }

  get ongoingCount(): number {
    return this.#ongoing.size
  }

  handle(command: TransactionCommand, token: ReplyToken, nowMs: number): TransactionEffects {
    const step = new TransactionStep(nowMs)
    this.#handle(command, token, step)
    return step.effects()
  }

  expire(timerKey: string, nowMs: number): TransactionEffects {
    const step = new TransactionStep(nowMs)
    if (timerKey === TIMEOUT_TIMER) {
      this.#abortTimedOut(step)
      step.setTimer(TIMEOUT_TIMER, this.#options.timeoutCheckIntervalMs)
    } else if (timerKey === EXPIRATION_TIMER) {
      this.#removeExpired(step)
      step.setTimer(EXPIRATION_TIMER, this.#options.expirationCheckIntervalMs)
    } else if (timerKey.startsWith(PATIENCE_TIMER)) {
      const transactionalId = timerKey.slice(PATIENCE_TIMER.length)
      for (const { command, token, reply } of this.#takeWaiters(transactionalId)) {
        step.reply(token, reply ?? this.refusal(command, ErrorCode.CONCURRENT_TRANSACTIONS))
      }
    }
    return step.effects()
  }

  apply({ transactionalId, transaction }: TransactionRecord): void {
    if (transaction === null) this.#transactions.delete(transactionalId)
    else this.#transactions.set(transactionalId, transaction)
    if (transaction?.state === 'Ongoing' && transaction.timeoutMs !== NO_TIMEOUT_MS)
      this.#ongoing.add(transactionalId)
    else this.#ongoing.delete(transactionalId)
  }

  loaded(nowMs: number): TransactionEffects {
    const step = new TransactionStep(nowMs)
    for (const transaction of this.#transactions.values()) {
      if (isPrepared(transaction)) step.writeMarkers(transaction)
    }
    step.setTimer(TIMEOUT_TIMER, this.#options.timeoutCheckIntervalMs)
    step.setTimer(EXPIRATION_TIMER, this.#options.expirationCheckIntervalMs)
    return step.effects()
  }

  unloaded(): TransactionEffects {
    const step = new TransactionStep(0)
    for (const transactionalId of [...this.#waiters.keys()]) {
      for (const { command, token } of this.#takeWaiters(transactionalId)) {
        // Also a decided end, which perhaps is not in the log, or not replicated. Asking again tells.
        step.reply(token, this.refusal(command, ErrorCode.NOT_COORDINATOR))
      }
    }
    return step.effects()
  }

  refusal(command: TransactionCommand, errorCode: number): TransactionReply {
    return refusalOf(command, errorCode)
  }

  #handle(command: TransactionCommand, token: ReplyToken, step: TransactionStep): void {
    const { nowMs } = step
    switch (command.type) {
      case 'initProducerId': {
        const transaction = this.#transactions.get(command.transactionalId)
        if (command.timeoutMs <= 0 || command.timeoutMs > this.#options.maxTimeoutMs()) {
          step.reply(token, noProducer(ErrorCode.INVALID_TRANSACTION_TIMEOUT))
        } else {
          const version = this.#options.transactionVersion()
          this.#carryOut(decideInit(transaction, command, version, nowMs), command, token, step)
        }
        return
      }
      case 'addPartitions': {
        const transaction = this.#transactions.get(command.transactionalId)
        this.#carryOut(decideAddPartitions(transaction, command, nowMs), command, token, step)
        return
      }
      case 'endTransaction': {
        const transaction = this.#transactions.get(command.transactionalId)
        this.#carryOut(decideEnd(transaction, command, nowMs), command, token, step)
        return
      }
      case 'verifyPartitions':
        step.reply(token, this.#verify(command))
        return
      case 'abortTimedOut':
        step.reply(token, { errorCode: this.#abortFor(command, step) })
        return
      case 'markersWritten':
        this.#complete(command, token, step)
        return
      case 'describeTransactions':
        step.reply(token, {
          errorCode: ErrorCode.NONE,
          transactions: command.transactionalIds.map((id) => describe(id, this.#transactions.get(id))),
        })
        return
      case 'listTransactions':
        step.reply(token, { errorCode: ErrorCode.NONE, transactions: this.#list(command.filter, nowMs) })
        return
      default:
        command satisfies never
    }
  }

  #carryOut(decision: Decision, command: ProducerRequest, token: ReplyToken, step: TransactionStep): void {
    switch (decision.type) {
      case 'answer':
        step.reply(
          token,
          this.#answer(command, decision.errorCode, this.#transactions.get(command.transactionalId)),
        )
        return
      case 'needsProducerId':
        step.reply(token, { ...noProducer(ErrorCode.NONE), needsProducerId: true })
        return
      case 'wait':
        if (decision.fencing !== undefined) step.append(decision.fencing)
        this.#wait({ command, token, reply: undefined }, step)
        return
      case 'write': {
        step.append(decision.transaction)
        const reply = this.#answer(command, ErrorCode.NONE, decision.answered)
        if (isPrepared(decision.transaction)) this.#wait({ command, token, reply }, step)
        else step.reply(token, reply)
        return
      }
      default:
        decision satisfies never
    }
  }

  #answer(
    command: TransactionCommand,
    errorCode: number,
    transaction: Pick<Transaction, 'producerId' | 'producerEpoch'> | undefined,
  ): TransactionReply {
    if (errorCode !== ErrorCode.NONE || transaction === undefined) return this.refusal(command, errorCode)
    return command.type === 'addPartitions'
      ? { errorCode }
      : { errorCode, producerId: transaction.producerId, producerEpoch: transaction.producerEpoch }
  }

  #wait(waiter: Waiter, step: TransactionStep): void {
    const { transactionalId } = waiter.command
    const waiters = this.#waiters.get(transactionalId)
    if (waiters === undefined) {
      this.#waiters.set(transactionalId, [waiter])
      step.setTimer(PATIENCE_TIMER + transactionalId, PATIENCE_MS)
    } else if (waiters.length < MAX_WAITERS) waiters.push(waiter)
    else {
      step.reply(waiter.token, this.refusal(waiter.command, ErrorCode.CONCURRENT_TRANSACTIONS))
      return
    }
    // The markers may be written before this is called.
    step.whenWritten((errorCode, nowMs) => {
      const next = new TransactionStep(nowMs)
      if (errorCode !== ErrorCode.NONE) {
        const others = this.#takeWaiters(transactionalId, next).filter((other) => other !== waiter)
        // Where others wait, this one has waited and was decided anew, and their patience goes on.
        if (others.length > 0) {
          this.#waiters.set(transactionalId, others)
          next.setTimer(PATIENCE_TIMER + transactionalId, PATIENCE_MS)
        }
        next.reply(waiter.token, this.refusal(waiter.command, errorCode))
      }
      return next.effects()
    })
  }

  /** With a step, their patience ends. */
  #takeWaiters(transactionalId: string, step?: TransactionStep): Waiter[] {
    const waiters = this.#waiters.get(transactionalId)
    if (waiters === undefined) return []
    this.#waiters.delete(transactionalId)
    step?.cancelTimer(PATIENCE_TIMER + transactionalId)
    return waiters
  }

  /** The markers of a transaction are written, unless it is another transaction's turn by now. */
  #complete(
    command: Extract<TransactionCommand, { type: 'markersWritten' }>,
    token: ReplyToken,
    step: TransactionStep,
  ): void {
    const { transactionalId } = command
    const transaction = this.#transactions.get(transactionalId)
    const refused = refuseProducer(transaction, command)
    if (transaction === undefined || refused !== undefined || !isPrepared(transaction)) {
      step.reply(token, { errorCode: refused ?? ErrorCode.INVALID_TXN_STATE })
      return
    }
    step.append(completed(transaction, step.nowMs))
    step.reply(token, { errorCode: ErrorCode.NONE })
    step.whenWritten((errorCode, nowMs) => {
      const next = new TransactionStep(nowMs)
      if (errorCode === ErrorCode.NONE) return this.#resume(this.#takeWaiters(transactionalId, next), next)
      next.reply(token, { errorCode })
      return next.effects()
    })
  }

  /** One after the other: each is to find what those before it wrote. */
  #resume(waiters: readonly Waiter[], step: TransactionStep): TransactionEffects {
    const [waiter, ...others] = waiters
    if (waiter === undefined) return step.effects()
    const { command, token, reply } = waiter
    if (reply === undefined) this.#handle(command, token, step)
    else step.reply(token, reply)
    const effects = step.effects()
    if (others.length === 0) return effects
    const { written } = effects
    return {
      ...effects,
      written: (errorCode, laterMs) => {
        const own = written?.(errorCode, laterMs)
        const refused =
          own === undefined && errorCode !== ErrorCode.NONE
            ? [{ to: token, reply: this.refusal(command, errorCode) }]
            : []
        const next = this.#resume(others, new TransactionStep(laterMs))
        return {
          ...next,
          replies: [...(own?.replies ?? []), ...refused, ...next.replies],
          timers: [...(own?.timers ?? []), ...next.timers],
        }
      },
    }
  }

  #verify(
    command: Extract<TransactionCommand, { type: 'verifyPartitions' }>,
  ): TransactionReplies['verifyPartitions'] {
    const transaction = this.#transactions.get(command.transactionalId)
    const refused = refuseProducer(transaction, command)
    if (transaction === undefined || refused !== undefined) {
      return { errorCode: refused ?? ErrorCode.INVALID_PRODUCER_ID_MAPPING, missing: NO_PARTITIONS }
    }
    if (isPrepared(transaction))
      return { errorCode: ErrorCode.CONCURRENT_TRANSACTIONS, missing: NO_PARTITIONS }
    return { errorCode: ErrorCode.NONE, missing: missingPartitions(transaction, command.partitions) }
  }

  /** Each for itself: after a long stop they may be more than one batch of the log holds. */
  #abortTimedOut(step: TransactionStep): void {
    const aborted: Transaction[] = []
    for (const transactionalId of this.#ongoing) {
      const transaction = this.#transactions.get(transactionalId)!
      if (!isTimedOut(transaction, step.nowMs)) continue
      const { producerId, producerEpoch } = transaction
      if (isEpochExhausted(producerEpoch)) {
        step.begin({ type: 'abortWithNewProducerId', transactionalId, producerId, producerEpoch })
      } else {
        this.#abort(transaction, NO_PRODUCER_ID, step)
        aborted.push(transaction)
      }
    }
    if (aborted.length === 0) return
    step.independently()
    step.whenWritten((errorCode, nowMs) => {
      const next = new TransactionStep(nowMs)
      if (errorCode === ErrorCode.NONE) return next.effects()
      // Those before the one that was refused are written, and nothing was begun for them.
      for (const { transactionalId, producerId } of aborted) {
        const transaction = this.#transactions.get(transactionalId)
        if (transaction?.producerId === producerId && transaction.state === 'PrepareAbort') {
          next.writeMarkers(transaction)
        }
      }
      return next.effects()
    })
  }

  #abortFor(command: Extract<TransactionCommand, { type: 'abortTimedOut' }>, step: TransactionStep): number {
    const transaction = this.#transactions.get(command.transactionalId)
    const refused = refuseProducer(transaction, command)
    if (transaction === undefined || refused !== undefined)
      return refused ?? ErrorCode.INVALID_PRODUCER_ID_MAPPING
    if (!isTimedOut(transaction, step.nowMs)) return ErrorCode.INVALID_TXN_STATE
    this.#abort(transaction, command.newProducerId, step)
    return ErrorCode.NONE
  }

  #abort(transaction: Transaction, nextProducerId: number, step: TransactionStep): void {
    step.append(fenced(transaction, this.#options.transactionVersion(), nextProducerId, step.nowMs))
  }

  #removeExpired(step: TransactionStep): void {
    step.independently()
    for (const { transactionalId, state, lastUpdateTimeMs } of this.#transactions.values()) {
      const isIdle = state === 'Empty' || state === 'CompleteCommit' || state === 'CompleteAbort'
      if (isIdle && lastUpdateTimeMs + this.#options.expirationMs <= step.nowMs)
        step.appendTombstone(transactionalId)
    }
  }

  #list(filter: TransactionFilter, nowMs: number): TransactionReplies['listTransactions']['transactions'] {
    const listed: { transactionalId: string; producerId: number; state: Transaction['state'] }[] = []
    for (const { transactionalId, producerId, state, startTimeMs } of this.#transactions.values()) {
      if (filter.producerIds?.has(producerId) === false) continue
      if (filter.states?.has(state) === false) continue
      // As in Kafka, an id without a transaction, which began at -1, counts as one that has lasted for ever.
      if (filter.durationMs !== undefined && nowMs - startTimeMs <= filter.durationMs) continue
      if (filter.transactionalId?.(transactionalId) === false) continue
      listed.push({ transactionalId, producerId, state })
    }
    return listed
  }
}

/** The answer to a command that could not be served at all. */
export function refusalOf(command: TransactionCommand, error: number): TransactionReply {
  const errorCode = appendErrorToReplyError(error)
  switch (command.type) {
    case 'initProducerId':
    case 'endTransaction':
      return noProducer(errorCode)
    case 'verifyPartitions':
      return { errorCode, missing: NO_PARTITIONS } satisfies TransactionReplies['verifyPartitions']
    case 'describeTransactions':
    case 'listTransactions':
      return { errorCode, transactions: [] }
    case 'addPartitions':
    case 'abortTimedOut':
    case 'markersWritten':
      return { errorCode }
    default:
      return command satisfies never
  }
}

function isTimedOut({ state, startTimeMs, timeoutMs }: Transaction, nowMs: number): boolean {
  return state === 'Ongoing' && timeoutMs !== NO_TIMEOUT_MS && startTimeMs + timeoutMs < nowMs
}

function describe(transactionalId: string, transaction: Transaction | undefined): DescribedTransaction {
  if (transaction === undefined) {
    return {
      errorCode: ErrorCode.TRANSACTIONAL_ID_NOT_FOUND,
      transactionalId,
      state: '',
      timeoutMs: 0,
      startTimeMs: 0,
      producerId: 0,
      producerEpoch: 0,
      partitions: NO_PARTITIONS,
    }
  }
  const { state, timeoutMs, startTimeMs, producerId, producerEpoch, partitions } = transaction
  return {
    errorCode: ErrorCode.NONE,
    transactionalId,
    state,
    timeoutMs,
    startTimeMs,
    producerId,
    producerEpoch,
    partitions,
  }
}

function noProducer(errorCode: number): TransactionReplies['endTransaction'] {
  return { errorCode, producerId: NO_PRODUCER_ID, producerEpoch: NO_PRODUCER_EPOCH }
}

/** Kafka's `TransactionStateManager.appendTransactionToLog`: what a client of a coordinator understands. */
function appendErrorToReplyError(errorCode: number): number {
  switch (errorCode) {
    case ErrorCode.UNKNOWN_TOPIC_OR_PARTITION:
    case ErrorCode.NOT_ENOUGH_REPLICAS:
    case ErrorCode.NOT_ENOUGH_REPLICAS_AFTER_APPEND:
    case ErrorCode.REQUEST_TIMED_OUT:
      return ErrorCode.COORDINATOR_NOT_AVAILABLE
    case ErrorCode.NOT_LEADER_OR_FOLLOWER:
    case ErrorCode.KAFKA_STORAGE_ERROR:
      return ErrorCode.NOT_COORDINATOR
    case ErrorCode.MESSAGE_TOO_LARGE:
    case ErrorCode.RECORD_LIST_TOO_LARGE:
      return ErrorCode.UNKNOWN_SERVER_ERROR
    default:
      return errorCode
  }
}
