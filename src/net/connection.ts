import type { Socket } from 'node:net'
import type { BufferPool } from '../base/buffer-pool.ts'
import type { Clock, Timer } from '../base/clock.ts'
import type { Bytes } from '../base/file-slice.ts'
import type { LimitedLog } from '../base/limited-log.ts'
import type { Logger } from '../base/logger.ts'
import type { Slices } from '../base/slices.ts'
import { ANONYMOUS, type Principal } from '../security/principal.ts'
import type { NetBound } from './bounds.ts'
import type { BudgetWaiter, ByteBudget } from './byte-budget.ts'
import { FrameAssembler } from './frame-assembler.ts'
import type { NetMetrics } from './metrics.ts'
import { OutputQueue } from './output-queue.ts'
import { openInput } from './socket-input.ts'

/** What a request came to. */
export interface Outcome {
  /** The whole answer with its length prefix, in parts; empty for none (acks=0). */
  readonly buffers: readonly Bytes[]
  /** Handle nothing more of this connection for so long after the answer (quotas). 0 for no delay. */
  readonly muteMs: number
  /** Close the connection after the answer, for this reason. */
  readonly closeReason: string | undefined
  /** The bound that the reason is about, where it is one. */
  readonly closeBound?: NetBound
  /** Told of the milliseconds that handing the answer to the kernel took; left out where nobody counts them. */
  readonly onWritten?: (busyMs: number) => void
  /** Nobody looks at the bytes of the request any more, the answer neither, so that its memory can be used again. */
  readonly requestIsFree?: boolean
}

/** Turns a request, without its length prefix, into its outcome. Neither throws nor rejects. */
export type Serve = (request: Buffer, connection: Connection) => Outcome | Promise<Outcome>

/** What all connections of a server share. */
export interface ConnectionEnvironment {
  readonly clock: Clock
  readonly logger: Logger
  /** For what clients can bring about with every request. */
  readonly limitedLog: LimitedLog
  readonly metrics: NetMetrics
  readonly slices: Slices
  /** Bytes of requests in memory, whole or not, until they are answered. */
  readonly requests: ByteBudget
  /** Bytes of answers until the kernel has taken them. */
  readonly answers: ByteBudget
  /** `socket.request.max.bytes`. */
  readonly maxRequestBytes: number
  /** A read of shorter ones, which can be no requests, would be very many. */
  readonly minRequestBytes: number
  /** Requests received and not yet begun, of one connection; beyond it its socket is not read. */
  readonly readAheadBytes: number
  readonly scratch: Buffer
  /** Where requests get their memory, and where it goes that answers were sent from. */
  readonly buffers: BufferPool
  readonly serve: Serve
  readonly onClosed: (connection: Connection) => void
}

export interface ConnectionAddresses {
  readonly id: string
  readonly listenerName: string
  /** The peer's address in canonical text form. */
  readonly clientHost: string
  readonly clientPort: number
  readonly localHost: string
  readonly localPort: number
}

/** What a queued request costs beside its own bytes, so that many tiny ones cannot hide. */
const REQUEST_OVERHEAD_BYTES = 200
/** With less progress than this in the time given, a connection counts as stalled. */
const PROGRESS_BYTES = 64 * 1024
/** Answers to pipelined requests go out together up to this size. */
const CORKED_BYTES = 64 * 1024
/** How long a stalled connection is left where even the reserve of a budget is going. */
const STRAINED_STALL_MS = 1000
/** As many times longer is one left that is held up and could not move: most of them go on when others have gone. */
const PATIENCE_WITH_HELD_UP = 3
/** So many requests that came together are begun one behind the other; then others have their turn. */
const REQUESTS_AT_ONCE = 100
/** How long a connection is read, and what comes dropped, after our FIN, so that a reset does not overtake the answers. */
const LINGER_MS = 1000

/**
 * One client's connection.
 *
 * - `open`: reads requests and answers them one at a time, in order (Kafka mutes a channel until its answer is sent).
 *   Meanwhile the next requests are read, up to the read-ahead.
 * - `finishing`: takes nothing more in; answers what it has; long polls are told to end. After the client's FIN (what
 *   it sent before it is served: a producer with acks=0 may send and leave), after bytes that are no request, and when
 *   the server stops.
 * - `lingering`: all is answered and our FIN is sent; waits a moment for the client's.
 * - `closed`: nothing is held any more.
 */
export class Connection implements ConnectionAddresses {
  readonly id: string
  readonly listenerName: string
  readonly clientHost: string
  readonly clientPort: number
  readonly localHost: string
  readonly localPort: number
  /** As the client named itself in ApiVersions; empty until then. */
  softwareName = ''
  softwareVersion = ''
  /** Nobody authenticates yet. */
  readonly principal: Principal = ANONYMOUS

  readonly #env: ConnectionEnvironment
  readonly #socket: Socket
  readonly #assembler: FrameAssembler
  readonly #output: OutputQueue
  #state: 'open' | 'finishing' | 'lingering' | 'closed' = 'open'
  #reading = true

  #queue: Buffer[] = []
  #queuedBytes = 0
  #unfinishedBytes = 0
  #settledBytes = 0

  #pumping = false
  #handling = false
  #waitingToAnswer = false
  #waitingForTurn = false
  /** Before others have their turn. Handlers whose promises resolve at once would otherwise follow each other for ever. */
  #leftAtOnce = REQUESTS_AT_ONCE
  #muted: Timer | undefined
  /** Made when there is one. */
  #onGone: Set<() => void> | undefined

  #lastActivityMs: number
  #progressSinceMs: number
  #progressBytes = 0
  #lingerUntilMs = 0

  /** For room to read in. */
  readonly #reader: BudgetWaiter
  /** For room to answer in. */
  readonly #answerer: BudgetWaiter

  // Classes, since thousands of idle connections have one of each: literals with getters take five times the memory.
  static readonly #Reader = class implements BudgetWaiter {
    readonly #connection: Connection
    constructor(connection: Connection) {
      this.#connection = connection
    }
    get holdsUnfinished(): boolean {
      return this.#connection.#assembler.midFrame
    }
    get holdsNothing(): boolean {
      return this.#connection.#unfinishedBytes + this.#connection.#settledBytes === 0
    }
    proceed(): void {
      this.#connection.#updateReading()
    }
  }
  static readonly #Answerer = class implements BudgetWaiter {
    readonly #connection: Connection
    constructor(connection: Connection) {
      this.#connection = connection
    }
    get holdsUnfinished(): boolean {
      return false
    }
    /** Nothing is begun while anything of its answers is left. */
    get holdsNothing(): boolean {
      return true
    }
    proceed(): void {
      this.#connection.#waitingToAnswer = false
      this.#connection.#pump()
    }
  }

  constructor(accepted: Socket, addresses: ConnectionAddresses, env: ConnectionEnvironment) {
    this.id = addresses.id
    this.listenerName = addresses.listenerName
    this.clientHost = addresses.clientHost
    this.clientPort = addresses.clientPort
    this.localHost = addresses.localHost
    this.localPort = addresses.localPort
    this.#env = env
    this.#lastActivityMs = env.clock.monotonicMs()
    this.#progressSinceMs = this.#lastActivityMs
    this.#assembler = new FrameAssembler(
      env.maxRequestBytes,
      env.buffers,
      (frame) => this.#enqueue(frame),
      env.minRequestBytes,
    )
    this.#reader = new Connection.#Reader(this)
    this.#answerer = new Connection.#Answerer(this)
    this.#socket = openInput(accepted, env.scratch, {
      target: () => (this.#state === 'open' ? this.#assembler.target() : undefined),
      filled: (bytes) => this.#filled(bytes),
      received: (chunk) => this.#received(chunk),
    })
    this.#output = new OutputQueue(this.#socket, env.buffers, (bytes) => this.#sent(bytes))
    this.#socket.on('end', () => this.finish())
    this.#socket.on('error', (err: NodeJS.ErrnoException) => {
      if (err.path === undefined)
        env.logger.debug('connection failed', { connection: this.id, code: err.code })
      else
        env.logger.error('closing connection: could not read what it was to be sent', {
          connection: this.id,
          err,
        })
    })
    this.#socket.on('close', () => this.#closed())
  }

  /** Whether nobody waits for answers any more: the client has gone, or the server is about to end the connection. */
  get isClosing(): boolean {
    return this.#state !== 'open'
  }

  /** What the answers of all connections may take before they are held up, in bytes. */
  get answerRoom(): number {
    return this.#env.answers.room
  }

  /** Calls back once when `isClosing` becomes true; never at once. Returns what takes the callback back. */
  onClosing(callback: () => void): () => void {
    if (this.#state === 'open') {
      this.#onGone ??= new Set()
      this.#onGone.add(callback)
      return () => this.#onGone?.delete(callback)
    }
    let wanted = true
    queueMicrotask(() => {
      if (wanted) callback()
    })
    return () => {
      wanted = false
    }
  }

  /** Takes no more requests in, answers those received, then ends the connection. */
  finish(): void {
    if (this.#state === 'open') {
      this.#state = 'finishing'
      this.#dropUnfinished()
      this.#env.requests.leave(this.#reader)
      this.#tellGone()
      this.#updateReading()
    }
    this.#pump()
  }

  /** `finish`, with the reason in the log. */
  refuse(
    kind: NetBound | 'request.refused',
    reason: string,
    fields: Readonly<Record<string, unknown>> = {},
  ): void {
    if (this.#state !== 'open') return
    this.#warnOfClosing(kind, reason, fields)
    this.finish()
  }

  #warnOfClosing(
    kind: NetBound | 'request.refused',
    reason: string,
    fields: Readonly<Record<string, unknown>>,
  ): void {
    this.#env.limitedLog.warn(kind, 'closing connection', () => ({
      connection: this.id,
      client: this.clientHost,
      reason,
      ...fields,
    }))
  }

  /** Counts a bound that a request has met, and tells the log now and then. */
  boundMet(bound: NetBound, clientId: string | null): void {
    this.#env.metrics.boundMet(bound, this.listenerName)
    this.#env.limitedLog.warn(bound, 'bound met', () => ({
      connection: this.id,
      client: this.clientHost,
      clientId,
      bound,
    }))
  }

  /** Counts a bound that holds the connection up, and tells the log now and then. */
  #heldUpBy(bound: NetBound): void {
    this.#env.metrics.boundMet(bound, this.listenerName)
    this.#env.limitedLog.info(bound, 'connection held up', () => ({
      connection: this.id,
      client: this.clientHost,
      bound,
    }))
  }

  /** Ends the connection now, whatever is under way. */
  destroy(): void {
    this.#socket.destroy()
  }

  /** Looks at the clock: called every now and then for each connection. */
  sweep(nowMs: number, maxIdleMs: number, maxStallMs: number): void {
    const { requests, answers, metrics, limitedLog } = this.#env
    if (this.#state === 'lingering' && nowMs >= this.#lingerUntilMs) {
      this.destroy()
      return
    }
    const unmovedMs = nowMs - this.#progressSinceMs
    const isTooLong = ({ isFull, isStrained }: ByteBudget, patience = 1) =>
      (isFull && unmovedMs >= patience * maxStallMs) ||
      (isStrained && unmovedMs >= patience * STRAINED_STALL_MS)
    const stalledReading =
      this.#unfinishedBytes > 0 && isTooLong(requests, this.#reading ? 1 : PATIENCE_WITH_HELD_UP)
    const stalledWriting = this.#output.waitsForPeer && isTooLong(answers)
    if (stalledReading || stalledWriting) {
      metrics.boundMet('connection.stalled', this.listenerName)
      this.#warnOfClosing('connection.stalled', 'no progress while others wait for the memory it holds', {
        requestBytes: this.#unfinishedBytes,
        answerBytes: this.#output.bytes,
      })
      // At once, so that no more connections go than have to.
      this.#dropUnfinished()
      this.#dropAnswers()
      this.destroy()
      return
    }
    if (this.#handling || this.#muted !== undefined || this.#waitingToAnswer) return
    if (maxIdleMs >= 0 && nowMs - this.#lastActivityMs >= maxIdleMs) {
      metrics.boundMet('connection.idle', this.listenerName)
      limitedLog.info('connection.idle', 'closing connection', () => ({
        connection: this.id,
        client: this.clientHost,
        reason: 'idle',
      }))
      if (this.#output.writing) this.destroy()
      else this.finish()
    }
  }

  #received(chunk: Buffer): void {
    if (this.#state !== 'open') return
    this.#take(chunk.length)
    this.#assembler.push(chunk)
    this.#afterInput()
  }

  #filled(bytes: number): void {
    // What came was read for a request that was given up meanwhile.
    if (this.#state !== 'open') return
    this.#take(bytes)
    this.#assembler.advance(bytes)
    this.#afterInput()
  }

  #take(bytes: number): void {
    this.#env.requests.take(bytes)
    this.#unfinishedBytes += bytes
    this.#progress(bytes)
  }

  #afterInput(): void {
    this.#leftAtOnce = REQUESTS_AT_ONCE
    this.#pump()
    const fault = this.#assembler.fault
    if (fault !== undefined) {
      this.#env.metrics.boundMet('request.size', this.listenerName)
      this.refuse('request.size', 'request size out of range', {
        size: fault.length,
        maxSize: this.#env.maxRequestBytes,
      })
    }
  }

  #enqueue(frame: Buffer): void {
    const cost = requestCost(frame)
    this.#env.requests.take(REQUEST_OVERHEAD_BYTES)
    this.#env.requests.settle(this.#reader, cost)
    this.#unfinishedBytes += REQUEST_OVERHEAD_BYTES - cost
    this.#settledBytes += cost
    this.#queuedBytes += cost
    this.#queue.push(frame)
    this.#progressBytes = PROGRESS_BYTES
    this.#progress(0)
  }

  /** Begins the next request if nothing stands before it, and the next, until one has to be waited for. */
  #pump(): void {
    if (this.#pumping || this.#state === 'lingering' || this.#state === 'closed') return
    this.#pumping = true
    while (this.#queue.length > 0 && this.#mayBegin()) {
      if (this.#leftAtOnce-- === 0) {
        this.#pumpLater()
        break
      }
      const request = this.#queue.shift()!
      this.#queuedBytes -= requestCost(request)
      this.#begin(request)
    }
    this.#output.flush()
    this.#pumping = false
    if (
      this.#state === 'finishing' &&
      this.#queue.length === 0 &&
      !this.#handling &&
      this.#output.bytes === 0
    )
      this.#end()
    else this.#updateReading()
  }

  /** A read holds thousands of small requests; connections that send them so take turns. */
  #pumpLater(): void {
    this.#waitingForTurn = true
    void this.#env.slices.nextTurn().then(() => {
      this.#waitingForTurn = false
      this.#leftAtOnce = REQUESTS_AT_ONCE
      this.#pump()
    })
  }

  #mayBegin(): boolean {
    if (this.#waitingForTurn || this.#handling || this.#muted !== undefined || this.#waitingToAnswer)
      return false
    if (this.#output.bytes >= CORKED_BYTES) this.#output.flush()
    if (this.#output.writing) return false
    const { answers } = this.#env
    if (answers.allows(this.#answerer)) return true
    this.#heldUpBy('answers.bytes')
    this.#waitingToAnswer = true
    this.#output.flush()
    answers.wait(this.#answerer)
    return !this.#waitingToAnswer
  }

  #begin(request: Buffer): void {
    const outcome = this.#env.serve(request, this)
    if (!(outcome instanceof Promise)) {
      this.#done(request, outcome)
      return
    }
    this.#handling = true
    this.#output.flush()
    void outcome.then((result) => {
      this.#handling = false
      if (this.#state === 'closed') {
        this.#env.buffers.giveBackAll(result.buffers)
        return
      }
      this.#lastActivityMs = this.#env.clock.monotonicMs()
      this.#done(request, result)
      this.#pump()
    })
  }

  #done(request: Buffer, outcome: Outcome): void {
    const cost = requestCost(request)
    this.#settledBytes -= cost
    this.#env.requests.giveSettled(cost)
    if (outcome.requestIsFree === true) this.#env.buffers.giveBack(request)
    if (outcome.buffers.length > 0) this.#env.answers.takeSettled(this.#output.add(outcome.buffers))
    if (outcome.onWritten !== undefined) {
      const beganMs = this.#env.clock.monotonicMs()
      this.#output.flush()
      outcome.onWritten(this.#env.clock.monotonicMs() - beganMs)
    }
    if (outcome.closeReason !== undefined) {
      this.#dropQueue()
      this.refuse(outcome.closeBound ?? 'request.refused', outcome.closeReason)
    } else if (outcome.muteMs > 0) {
      this.#muted = this.#env.clock.setTimer(outcome.muteMs, () => {
        this.#muted = undefined
        this.#pump()
      })
    }
  }

  /** The kernel has taken `bytes` of the answers. */
  #sent(bytes: number): void {
    this.#env.answers.giveSettled(bytes)
    this.#progress(bytes)
    this.#pump()
  }

  #progress(bytes: number): void {
    this.#lastActivityMs = this.#env.clock.monotonicMs()
    this.#progressBytes += bytes
    if (this.#progressBytes < PROGRESS_BYTES) return
    this.#progressBytes = 0
    this.#progressSinceMs = this.#lastActivityMs
  }

  #updateReading(): void {
    if (this.#state === 'closed') return
    const read = this.#state !== 'open' || this.#mayRead()
    if (read === this.#reading) return
    this.#reading = read
    // What was not read while it was held up is not held against it.
    this.#progressSinceMs = this.#env.clock.monotonicMs()
    if (read) this.#socket.resume()
    else this.#socket.pause()
  }

  #mayRead(): boolean {
    const { requests, readAheadBytes } = this.#env
    if (this.#queuedBytes >= readAheadBytes) {
      if (this.#reading) this.#heldUpBy('connection.readahead')
      return false
    }
    if (requests.allows(this.#reader)) return true
    if (this.#reading) this.#heldUpBy('requests.bytes')
    requests.wait(this.#reader)
    return requests.allows(this.#reader)
  }

  #end(): void {
    this.#state = 'lingering'
    this.#lingerUntilMs = this.#env.clock.monotonicMs() + LINGER_MS
    this.#socket.end()
    this.#updateReading()
  }

  #closed(): void {
    const { requests, answers } = this.#env
    const wasOpen = this.#state === 'open'
    this.#state = 'closed'
    this.#muted?.cancel()
    this.#dropUnfinished()
    this.#queue = []
    this.#queuedBytes = 0
    // Those of a request that is still being handled too.
    const settled = this.#settledBytes
    this.#settledBytes = 0
    requests.giveSettled(settled)
    requests.leave(this.#reader)
    this.#dropAnswers()
    answers.leave(this.#answerer)
    if (wasOpen) this.#tellGone()
    this.#env.onClosed(this)
  }

  #dropUnfinished(): void {
    const bytes = this.#unfinishedBytes
    this.#unfinishedBytes = 0
    this.#assembler.discard()
    this.#env.requests.giveUnfinished(bytes)
  }

  #dropAnswers(): void {
    const unsent = this.#output.bytes
    this.#output.clear()
    this.#env.answers.giveSettled(unsent)
  }

  /** Requests behind one that ended the connection are not begun. */
  #dropQueue(): void {
    const bytes = this.#queuedBytes
    this.#queue = []
    this.#queuedBytes = 0
    this.#settledBytes -= bytes
    this.#env.requests.giveSettled(bytes)
  }

  #tellGone(): void {
    const callbacks = this.#onGone ?? []
    this.#onGone = undefined
    for (const callback of callbacks) {
      try {
        callback()
      } catch (err) {
        this.#env.logger.error('a request failed to end with its connection', { connection: this.id, err })
      }
    }
  }
}

function requestCost(request: Buffer): number {
  return request.length + 4 + REQUEST_OVERHEAD_BYTES
}
