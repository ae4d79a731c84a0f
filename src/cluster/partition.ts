/**
 * One replica's view of its partition: who leads, who is in sync, and how far everything is replicated. After Kafka's
 * `Partition` and `Replica`. Pure: it is told what the log, the followers and the metadata did, and says what follows.
 *
 * - none: this broker is no replica, or was told nothing yet.
 * - follower: fetches from the leader; its high watermark is what the leader told it, never beyond its own log.
 * - leader: appends and serves; its high watermark is the smallest log end of the in-sync replicas. A follower that
 *   has fetched past it, and past the start of this leader epoch, is proposed for the ISR; one that has not caught up
 *   for `replicaLagTimeMaxMs` is proposed to be taken out. While a proposal is under way the larger ISR counts.
 *
 * An image of a higher partition epoch moves it between them; nothing else does. With one replica the same rules hold
 * and the high watermark is the log end at once.
 */
import { invariant } from '../base/invariant.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import { NO_LEADER, type PartitionImage, withIsr } from './metadata/image.ts'
import { FollowerState, NEVER } from './partition-followers.ts'

export interface PartitionOptions {
  readonly partition: number
  readonly brokerId: number
  /** `replica.lag.time.max.ms`; read at each use. */
  readonly replicaLagTimeMaxMs: () => number
  /** `min.insync.replicas` of the topic; read at each use. */
  readonly minInsyncReplicas: () => number
  /**
   * Whether the metadata knows this broker as live, and in this epoch where one is given (-1: not known): only then it
   * may join the ISR.
   */
  readonly mayJoinIsr: (brokerId: number, brokerEpoch: number) => boolean
}

/** What an image made of this replica. `stale`: the image is not newer than the one known, and changed nothing. */
export type RoleChange =
  | 'stale'
  /** Leads in a new leader epoch: the log's epoch cache gets it, from the log end on. */
  | 'became-leader'
  /** Another leader or epoch to fetch from: truncate to where the logs part, then fetch. */
  | 'became-follower'
  /** The ISR or the assignment changed, the leader and its epoch did not. */
  | 'updated'
  | 'removed'

/** An ISR to commit, as a `changePartition` that expects the topic unchanged. */
export interface IsrProposal {
  readonly partition: PartitionImage
}

export interface FollowerFetch {
  readonly replicaId: number
  /** From Fetch v15's replica state; -1 where the request has none. */
  readonly replicaEpoch: number
  /** -1 where the request has none. */
  readonly currentLeaderEpoch: number
  /** What the follower has of the log: everything before this. */
  readonly fetchOffset: number
  /** -1 where the request has none. */
  readonly logStartOffset: number
}

/** Of all partitions that have none, since most have one replica. */
const NO_FOLLOWERS: ReadonlyMap<number, FollowerState> = new Map()

export class Partition {
  readonly #options: PartitionOptions
  #role: 'none' | 'leader' | 'follower' = 'none'
  #image: PartitionImage
  #highWatermark = 0
  #logEndOffset = 0
  #leaderEpochStartOffset = -1
  /** Of a leader: the other replicas. */
  #followers: ReadonlyMap<number, FollowerState> = NO_FOLLOWERS
  #proposal: IsrProposal | undefined

  constructor(options: PartitionOptions) {
    this.#options = options
    this.#image = {
      partition: options.partition,
      replicas: [],
      isr: [],
      leader: NO_LEADER,
      leaderEpoch: -1,
      partitionEpoch: -1,
    }
  }

  get partition(): number {
    return this.#options.partition
  }
  get role(): 'none' | 'leader' | 'follower' {
    return this.#role
  }
  get isLeader(): boolean {
    return this.#role === 'leader'
  }
  get leader(): number {
    return this.#image.leader
  }
  get leaderEpoch(): number {
    return this.#image.leaderEpoch
  }
  get partitionEpoch(): number {
    return this.#image.partitionEpoch
  }
  get replicas(): readonly number[] {
    return this.#image.replicas
  }
  /** As committed; `maximalIsr` has those that a proposal may have added too. */
  get isr(): readonly number[] {
    return this.#image.isr
  }
  get highWatermark(): number {
    return this.#highWatermark
  }
  /** Where the log ended when this broker was elected; -1 unless it leads. */
  get leaderEpochStartOffset(): number {
    return this.#leaderEpochStartOffset
  }
  get proposal(): IsrProposal | undefined {
    return this.#proposal
  }
  get isUnderMinIsr(): boolean {
    return this.#role === 'leader' && this.#image.isr.length < this.#effectiveMinIsr()
  }
  /** How many offsets a follower is behind; undefined for one that has not fetched in this leader epoch. */
  followerLag(replicaId: number): number | undefined {
    const end = this.#followers.get(replicaId)?.logEndOffset ?? -1
    return end === -1 ? undefined : Math.max(0, this.#logEndOffset - end)
  }

  /**
   * A newer image of this partition. `log` tells where this replica's log stands; its high watermark is taken over
   * when the role is new, and only then. Of a log whose last appends do not count yet, `countedEndOffset` is where
   * those begin.
   */
  apply(
    image: PartitionImage,
    log: {
      readonly logEndOffset: number
      readonly highWatermark: number
      readonly countedEndOffset?: number
    },
    nowMs: number,
  ): RoleChange {
    if (image.partitionEpoch <= this.#image.partitionEpoch) return 'stale'
    const wasNone = this.#role === 'none'
    const before = this.#image
    this.#image = image
    this.#logEndOffset = log.countedEndOffset ?? log.logEndOffset
    // Whatever was proposed, this image is the answer to it or has overtaken it.
    this.#proposal = undefined
    if (!image.replicas.includes(this.#options.brokerId)) {
      this.#role = 'none'
      this.#followers = NO_FOLLOWERS
      this.#leaderEpochStartOffset = -1
      return 'removed'
    }
    if (wasNone) this.#highWatermark = Math.min(log.highWatermark, log.logEndOffset)
    const isNewEpoch = wasNone || image.leaderEpoch !== before.leaderEpoch
    if (image.leader === this.#options.brokerId) return this.#lead(isNewEpoch, log.logEndOffset, nowMs)
    this.#role = 'follower'
    this.#followers = NO_FOLLOWERS
    this.#leaderEpochStartOffset = -1
    return isNewEpoch ? 'became-follower' : 'updated'
  }

  /** The leader has appended: its log ends here now. True when that advanced the high watermark. */
  appended(logEndOffset: number, nowMs: number): boolean {
    invariant(this.#role === 'leader', 'only a leader appends')
    this.#logEndOffset = logEndOffset
    return this.#advance(nowMs)
  }

  /**
   * A follower asks for what comes after `fetchOffset`, so it has all before. Returns an error code, with nothing
   * changed, where it must not be served.
   */
  followerFetched(
    fetch: FollowerFetch,
    nowMs: number,
  ): { readonly errorCode: number; readonly highWatermarkAdvanced: boolean } {
    const refused = this.checkEpoch(fetch.currentLeaderEpoch, true)
    if (refused !== ErrorCode.NONE) return { errorCode: refused, highWatermarkAdvanced: false }
    const follower = this.#followers.get(fetch.replicaId)
    if (follower === undefined) {
      // With the right epoch in its request it knows more than this broker does: a reassignment on its way here
      // (`Partition.followerReplicaOrThrow`).
      const errorCode =
        fetch.currentLeaderEpoch === -1 ? ErrorCode.NOT_LEADER_OR_FOLLOWER : ErrorCode.UNKNOWN_LEADER_EPOCH
      return { errorCode, highWatermarkAdvanced: false }
    }
    if (!follower.fetched(fetch, this.#logEndOffset, nowMs)) {
      return { errorCode: ErrorCode.NOT_LEADER_OR_FOLLOWER, highWatermarkAdvanced: false }
    }
    return { errorCode: ErrorCode.NONE, highWatermarkAdvanced: this.#advance(nowMs) }
  }

  /** A follower has appended or truncated, and learned the leader's high watermark. True when its own changed. */
  followed(logEndOffset: number, leaderHighWatermark: number): boolean {
    invariant(this.#role === 'follower', 'only a follower follows')
    this.#logEndOffset = logEndOffset
    const next = Math.max(0, Math.min(leaderHighWatermark, logEndOffset))
    const changed = next !== this.#highWatermark
    this.#highWatermark = next
    return changed
  }

  /** The next ISR where this follower belongs into it and nothing is proposed yet; asked after each of its fetches. */
  proposeExpansion(replicaId: number): IsrProposal | undefined {
    if (this.#role !== 'leader' || this.#proposal !== undefined) return undefined
    const follower = this.#followers.get(replicaId)
    if (follower === undefined || this.#image.isr.includes(replicaId)) return undefined
    if (follower.logEndOffset < this.#highWatermark) return undefined
    // Records of earlier epochs may yet be truncated on it (KIP-101).
    if (follower.logEndOffset < this.#leaderEpochStartOffset) return undefined
    if (!this.#options.mayJoinIsr(replicaId, follower.brokerEpoch)) return undefined
    return this.#propose([...this.#image.isr, replicaId])
  }

  /** The next ISR where a member has fallen behind and nothing is proposed yet; asked twice per lag time. */
  proposeShrink(nowMs: number): IsrProposal | undefined {
    if (this.#role !== 'leader' || this.#proposal !== undefined) return undefined
    const isr = this.#image.isr.filter((id) => id === this.#options.brokerId || this.#isCaughtUp(id, nowMs))
    return isr.length === this.#image.isr.length ? undefined : this.#propose(isr)
  }

  /** The proposal lost or could not be committed; a new one may be made. One that was committed comes by `apply`. */
  proposalEnded(): void {
    this.#proposal = undefined
  }

  /** Before an append: NOT_ENOUGH_REPLICAS for acks=all (-1) with too few in sync. */
  checkAppend(requiredAcks: number): number {
    if (this.#role !== 'leader') return ErrorCode.NOT_LEADER_OR_FOLLOWER
    return requiredAcks === -1 && this.isUnderMinIsr ? ErrorCode.NOT_ENOUGH_REPLICAS : ErrorCode.NONE
  }

  /**
   * What to answer an acks=all append that ended before `requiredOffset` (the offset after its last record), undefined
   * while it has to wait (`Partition.checkEnoughReplicasReachOffset`).
   */
  checkReplicated(requiredOffset: number): number | undefined {
    if (this.#role !== 'leader') return ErrorCode.NOT_LEADER_OR_FOLLOWER
    if (this.#highWatermark < requiredOffset) return undefined
    return this.#maximalIsrSize() < this.#effectiveMinIsr()
      ? ErrorCode.NOT_ENOUGH_REPLICAS_AFTER_APPEND
      : ErrorCode.NONE
  }

  /** Of a request: `currentLeaderEpoch` is -1 where it names none. The epoch counts before the role, as in Kafka. */
  checkEpoch(currentLeaderEpoch: number, requireLeader: boolean): number {
    if (currentLeaderEpoch !== -1) {
      if (currentLeaderEpoch < this.#image.leaderEpoch) return ErrorCode.FENCED_LEADER_EPOCH
      if (currentLeaderEpoch > this.#image.leaderEpoch) return ErrorCode.UNKNOWN_LEADER_EPOCH
    }
    if (this.#role === 'none' || (requireLeader && this.#role !== 'leader')) {
      return ErrorCode.NOT_LEADER_OR_FOLLOWER
    }
    return ErrorCode.NONE
  }

  #lead(isNewEpoch: boolean, epochStartOffset: number, nowMs: number): RoleChange {
    this.#role = 'leader'
    if (isNewEpoch) {
      this.#leaderEpochStartOffset = epochStartOffset
      this.#followers = NO_FOLLOWERS
    }
    const followers = new Map<number, FollowerState>()
    for (const id of this.#image.replicas) {
      if (id === this.#options.brokerId) continue
      // A member of the ISR gets the lag time to make itself heard; one outside has to catch up first.
      const sinceMs = this.#image.isr.includes(id) ? nowMs : NEVER
      followers.set(id, this.#followers.get(id) ?? new FollowerState(sinceMs))
    }
    this.#followers = followers.size === 0 ? NO_FOLLOWERS : followers
    this.#advance(nowMs)
    return isNewEpoch ? 'became-leader' : 'updated'
  }

  #propose(isr: readonly number[]): IsrProposal {
    this.#proposal = { partition: withIsr(this.#image, isr) }
    return this.#proposal
  }

  /** `Partition.maybeIncrementLeaderHW`. */
  #advance(nowMs: number): boolean {
    // What too few replicas hold is not committed, so that a clean election cannot lose it (KIP-966).
    if (this.isUnderMinIsr) return false
    let end = this.#logEndOffset
    for (const [id, follower] of this.#followers) {
      if (follower.logEndOffset < end && this.#countsForHighWatermark(id, follower, nowMs)) {
        end = follower.logEndOffset
      }
    }
    if (end <= this.#highWatermark) return false
    this.#highWatermark = end
    return true
  }

  /** Waiting for one that has caught up, though not in the ISR yet, lets it join: else the mark always outruns it. */
  #countsForHighWatermark(id: number, follower: FollowerState, nowMs: number): boolean {
    return (
      this.#image.isr.includes(id) ||
      this.#proposal?.partition.isr.includes(id) === true ||
      (this.#isCaughtUp(id, nowMs) && this.#options.mayJoinIsr(id, follower.brokerEpoch))
    )
  }

  #isCaughtUp(replicaId: number, nowMs: number): boolean {
    const follower = this.#followers.get(replicaId)
    return follower?.isCaughtUp(this.#logEndOffset, nowMs, this.#options.replicaLagTimeMaxMs()) ?? false
  }

  #maximalIsrSize(): number {
    return Math.max(this.#image.isr.length, this.#proposal?.partition.isr.length ?? 0)
  }

  /** No more than there are replicas: `min.insync.replicas=2` does not stop a topic with one replica. */
  #effectiveMinIsr(): number {
    return Math.min(this.#options.minInsyncReplicas(), this.#image.replicas.length)
  }
}
