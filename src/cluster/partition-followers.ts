/** A time before all others. */
export const NEVER = Number.NEGATIVE_INFINITY

/** What a leader knows of one follower: Kafka's `Replica` and `ReplicaState`. */
export class FollowerState {
  /** The follower has everything before this; -1 until it fetches in this leader epoch. */
  logEndOffset = -1
  logStartOffset = -1
  /** -1 until a request carries one. */
  brokerEpoch = -1
  /** When it last had everything that the leader had at the time of one of its fetches; `NEVER` is possible. */
  lastCaughtUpMs: number
  #lastFetchMs = NEVER
  #leaderEndAtLastFetch = 0

  constructor(lastCaughtUpMs: number) {
    this.lastCaughtUpMs = lastCaughtUpMs
  }

  /** False, with nothing changed, for a request of an earlier life of the follower's broker. */
  fetched(
    fetch: {
      readonly fetchOffset: number
      readonly logStartOffset: number
      readonly replicaEpoch: number
    },
    leaderEndOffset: number,
    nowMs: number,
  ): boolean {
    if (fetch.replicaEpoch !== -1 && fetch.replicaEpoch < this.brokerEpoch) return false
    if (fetch.fetchOffset >= leaderEndOffset) {
      this.lastCaughtUpMs = Math.max(this.lastCaughtUpMs, nowMs)
    } else if (fetch.fetchOffset >= this.#leaderEndAtLastFetch) {
      // Never quite at the end under a steady load, but at each fetch where the end was at the one before.
      this.lastCaughtUpMs = Math.max(this.lastCaughtUpMs, this.#lastFetchMs)
    }
    this.logEndOffset = fetch.fetchOffset
    this.logStartOffset = fetch.logStartOffset
    this.#lastFetchMs = nowMs
    this.#leaderEndAtLastFetch = Math.max(leaderEndOffset, this.#leaderEndAtLastFetch)
    if (fetch.replicaEpoch !== -1) this.brokerEpoch = fetch.replicaEpoch
    return true
  }

  isCaughtUp(leaderEndOffset: number, nowMs: number, replicaLagTimeMaxMs: number): boolean {
    return this.logEndOffset === leaderEndOffset || nowMs - this.lastCaughtUpMs <= replicaLagTimeMaxMs
  }
}
