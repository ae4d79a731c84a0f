/**
 * Incremental fetch sessions (KIP-227): what a client last asked for and was told of each partition, so that requests
 * and answers carry only what changed. After Kafka's `FetchSession` and `FetchManager`.
 *
 * A session is named by id and epoch; the epoch moves with each request, so that a lost answer is noticed. The cache
 * is bounded: a new session takes the place of one unused for the eviction time, or of an older, smaller one.
 */
import { ErrorCode } from '../wire/error-codes.ts'

const NO_SESSION = 0
const INITIAL_EPOCH = 0
const FINAL_EPOCH = -1
/** Kafka's `ServerConfigs.MIN_INCREMENTAL_FETCH_SESSION_EVICTION_MS`. */
const EVICTION_MS = 120_000
const MAX_INT32 = 2 ** 31 - 1

/** What a client asks of one partition. `topic` is undefined where its id is not known here (any more). */
export interface FetchTarget {
  topic: string | undefined
  topicId: string
  partition: number
  currentLeaderEpoch: number
  fetchOffset: number
  lastFetchedEpoch: number
  logStartOffset: number
  partitionMaxBytes: number
}

/** The part of an answer about one partition that decides whether it has to be sent again. */
export interface FetchedState {
  errorCode: number
  recordBytes: number
  highWatermark: number
  logStartOffset: number
  diverging: boolean
  preferredReadReplica: number
}

class SessionPartition {
  readonly key: string
  readonly target: FetchTarget
  sentHighWatermark = -1
  sentLogStartOffset = -1
  constructor(key: string, target: FetchTarget) {
    this.key = key
    this.target = target
  }

  /** Whether the answer must name this partition; with `commit`, what is sent is remembered. */
  mustSend(state: FetchedState, commit: boolean): boolean {
    let must = state.recordBytes > 0 || state.preferredReadReplica !== -1 || state.diverging
    if (this.sentHighWatermark !== state.highWatermark) {
      must = true
      if (commit) this.sentHighWatermark = state.highWatermark
    }
    if (this.sentLogStartOffset !== state.logStartOffset) {
      must = true
      if (commit) this.sentLogStartOffset = state.logStartOffset
    }
    if (state.errorCode !== ErrorCode.NONE) {
      must = true
      // Makes the partition be sent once more when the error has gone.
      if (commit) this.sentHighWatermark = -1
    }
    return must
  }
}

interface Session {
  readonly id: number
  readonly usesTopicIds: boolean
  readonly privileged: boolean
  readonly createdMs: number
  lastUsedMs: number
  epoch: number
  /** In the order in which they are read: a partition whose records were sent goes to the end. */
  readonly partitions: Map<string, SessionPartition>
}

/** How one fetch request is to be answered. */
export interface FetchContext {
  /** Set where the request as a whole is refused. */
  readonly errorCode: number
  /** Partitions to read, in order. */
  readonly targets: readonly FetchTarget[]
  /** Whether the answer names `targets[index]`. Nothing is remembered. */
  mustSend(index: number, state: FetchedState): boolean
  /** The session id for an answer that tells nothing, so that all is asked for again. */
  readonly throttledId: number
  /** The session id for the answer. Call once, with a state for each of `targets`: remembers what is sent. */
  finish(states: readonly FetchedState[], nowMs: number): number
}

export interface FetchSessionRequest {
  readonly version: number
  readonly sessionId: number
  readonly sessionEpoch: number
  /** Followers' sessions are not evicted for consumers'. */
  readonly isFollower: boolean
  readonly targets: readonly FetchTarget[]
  /** Is told when a new session found all places taken, whether or not it got one. */
  readonly client?: { boundMet(bound: 'fetch.sessions'): void }
  readonly forgotten: readonly {
    readonly topic: string
    readonly topicId: string
    readonly partition: number
  }[]
}

export class FetchSessions {
  readonly #maxSessions: number
  readonly #nextId: () => number
  /** Least recently used first. */
  readonly #sessions = new Map<number, Session>()

  /**
   * `maxSessions`: 0 and up; `randomInt32` gives candidates for session ids.
   */
  constructor(maxSessions: number, randomInt32: () => number) {
    this.#maxSessions = maxSessions
    this.#nextId = randomInt32
  }

  get size(): number {
    return this.#sessions.size
  }

  open(request: FetchSessionRequest, nowMs: number): FetchContext {
    const { sessionId, sessionEpoch } = request
    if (sessionEpoch === INITIAL_EPOCH || sessionEpoch === FINAL_EPOCH) {
      if (sessionId !== NO_SESSION) this.#sessions.delete(sessionId)
      return sessionEpoch === FINAL_EPOCH ? sessionless(request.targets) : this.#full(request)
    }
    const session = this.#sessions.get(sessionId)
    if (session === undefined) return refused(ErrorCode.FETCH_SESSION_ID_NOT_FOUND)
    if (session.epoch !== sessionEpoch) return refused(ErrorCode.INVALID_FETCH_SESSION_EPOCH)
    if (session.usesTopicIds !== usesTopicIds(request)) return refused(ErrorCode.FETCH_SESSION_TOPIC_ID_ERROR)
    update(session, request)
    if (session.partitions.size === 0) {
      this.#sessions.delete(session.id)
      return sessionless([])
    }
    this.#touch(session, nowMs)
    session.epoch = session.epoch === MAX_INT32 ? 1 : session.epoch + 1
    return incremental(session)
  }

  #full(request: FetchSessionRequest): FetchContext {
    return {
      errorCode: ErrorCode.NONE,
      targets: request.targets,
      throttledId: NO_SESSION,
      mustSend: () => true,
      finish: (states, nowMs) => {
        const session = this.#create(request, nowMs)
        if (session === undefined) return NO_SESSION
        request.targets.forEach((target, index) => {
          const partition = new SessionPartition(keyOf(session.usesTopicIds, target), target)
          partition.mustSend(states[index]!, true)
          session.partitions.set(partition.key, partition)
        })
        return session.id
      },
    }
  }

  #create(request: FetchSessionRequest, nowMs: number): Session | undefined {
    const size = request.targets.length
    if (this.#sessions.size >= this.#maxSessions) {
      request.client?.boundMet('fetch.sessions')
      if (!this.#evict(request.isFollower, size, nowMs)) return undefined
    }
    let id: number
    do id = this.#nextId() & MAX_INT32
    while (id === NO_SESSION || this.#sessions.has(id))
    const session: Session = {
      id,
      usesTopicIds: usesTopicIds(request),
      privileged: request.isFollower,
      createdMs: nowMs,
      lastUsedMs: nowMs,
      epoch: 1,
      partitions: new Map(),
    }
    this.#sessions.set(id, session)
    return session
  }

  /** Makes room for a session of `size` partitions; false where every session has the better claim. */
  #evict(privileged: boolean, size: number, nowMs: number): boolean {
    let victim: Session | undefined
    for (const session of this.#sessions.values()) {
      if (nowMs - session.lastUsedMs > EVICTION_MS) {
        victim = session
        break
      }
      const outranked = privileged !== session.privileged ? privileged : session.partitions.size < size
      if (!outranked || (nowMs - session.createdMs <= EVICTION_MS && privileged === session.privileged))
        continue
      if (victim === undefined || session.partitions.size < victim.partitions.size) victim = session
    }
    if (victim === undefined) return false
    this.#sessions.delete(victim.id)
    return true
  }

  #touch(session: Session, nowMs: number): void {
    session.lastUsedMs = nowMs
    this.#sessions.delete(session.id)
    this.#sessions.set(session.id, session)
  }
}

function usesTopicIds(request: FetchSessionRequest): boolean {
  return request.version >= 13
}

function keyOf(
  byId: boolean,
  target: { topic: string | undefined; topicId: string; partition: number },
): string {
  return byId ? `${target.topicId}/${target.partition}` : `${target.topic}/${target.partition}`
}

function update(session: Session, request: FetchSessionRequest): void {
  for (const target of request.targets) {
    const key = keyOf(session.usesTopicIds, target)
    const known = session.partitions.get(key)
    if (known === undefined) session.partitions.set(key, new SessionPartition(key, target))
    else Object.assign(known.target, target)
  }
  for (const forgotten of request.forgotten) session.partitions.delete(keyOf(session.usesTopicIds, forgotten))
}

function refused(errorCode: number): FetchContext {
  return { errorCode, targets: [], throttledId: NO_SESSION, mustSend: () => false, finish: () => NO_SESSION }
}

function sessionless(targets: readonly FetchTarget[]): FetchContext {
  return {
    errorCode: ErrorCode.NONE,
    targets,
    throttledId: NO_SESSION,
    mustSend: () => true,
    finish: () => NO_SESSION,
  }
}

function incremental(session: Session): FetchContext {
  const partitions = Array.from(session.partitions.values())
  return {
    errorCode: ErrorCode.NONE,
    targets: partitions.map((partition) => partition.target),
    throttledId: session.id,
    mustSend: (index, state) => partitions[index]!.mustSend(state, false),
    finish: (states) => {
      partitions.forEach((partition, index) => {
        const state = states[index]!
        partition.mustSend(state, true)
        // The request may have been overtaken by one that forgot the partition.
        if (state.recordBytes > 0 && session.partitions.delete(partition.key)) {
          session.partitions.set(partition.key, partition)
        }
      })
      return session.id
    },
  }
}
