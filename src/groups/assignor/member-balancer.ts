const NOBODY = -1

/** Loads further apart than this many times the number of members are sorted by comparing them. */
const MAX_COUNTED = 16

/**
 * Says which of some members is to get a partition next, and which is to give one up, such that their loads even out
 * (the inner class `MemberAssignmentBalancer` of Kafka's `UniformHeterogeneousAssignmentBuilder`). It sorts the members
 * by load once and then keeps two ranges at the ends: each grows inwards when all its members have moved by one
 * partition and the next member has the same load.
 *
 * It assumes that the partition is indeed given to, or taken from, the member that it names.
 */
export class MemberBalancer {
  /** Number of partitions by index of the member; the owner of this object changes it. */
  readonly #loads: Int32Array
  /** Indexes of members. */
  #sorted: Int32Array
  readonly #space: Int32Array
  /** Members before this one are the least loaded, and had `#leastLoad` partitions when all of them got the same. */
  #leastEnd = 0
  #leastLoad = 0
  #nextLeast = 0
  /** Members from here to `#mostEnd` are the most loaded; those behind it have nothing to give up. */
  #mostStart = 0
  #mostEnd = 0
  #mostLoad = 0
  #nextMost = 0

  constructor(loads: Int32Array) {
    this.#loads = loads
    this.#space = new Int32Array(loads.length)
    this.#sorted = this.#space
  }

  /** Begins anew with these members, by their loads now and then in their order here. There has to be one. */
  start(members: readonly number[]): void {
    const loads = this.#loads
    const sorted = this.#sort(members)
    this.#sorted = sorted
    this.#leastEnd = 0
    this.#leastLoad = loads[sorted[0]!]! - 1
    this.#nextLeast = 0
    this.#mostStart = sorted.length
    this.#mostEnd = sorted.length
    this.#mostLoad = loads[sorted.at(-1)!]! + 1
    this.#nextMost = sorted.length - 1
  }

  /** The member that gets the next partition. */
  nextLeastLoaded(): number {
    if (this.#nextLeast >= this.#leastEnd) {
      this.#leastLoad++
      while (this.#leastEnd < this.#sorted.length && this.#loadAt(this.#leastEnd) === this.#leastLoad) {
        this.#leastEnd++
      }
      this.#nextLeast = 0
    }
    return this.#sorted[this.#nextLeast++]!
  }

  /** The member that gives up the next partition; -1 when there is none. */
  nextMostLoaded(): number {
    if (this.#nextMost < this.#mostStart) {
      // Where all of the range were excluded, it moves to wherever the next load is.
      if (this.#mostEnd <= this.#mostStart && this.#mostStart > 0) {
        this.#mostLoad = this.#loadAt(this.#mostStart - 1)
      } else {
        this.#mostLoad--
      }
      while (this.#mostStart > 0 && this.#loadAt(this.#mostStart - 1) === this.#mostLoad) this.#mostStart--
      this.#nextMost = this.#mostEnd - 1
    }
    return this.#nextMost < 0 ? NOBODY : this.#sorted[this.#nextMost--]!
  }

  /** The member that was named last has nothing to give up: not to name it again. */
  excludeMostLoaded(): void {
    const at = this.#nextMost + 1
    const last = --this.#mostEnd
    const excluded = this.#sorted[at]!
    this.#sorted[at] = this.#sorted[last]!
    this.#sorted[last] = excluded
  }

  /** Whether moving a partition from the most to the least loaded range would change nothing. */
  get isBalanced(): boolean {
    return this.#mostLoad - this.#leastLoad <= 1
  }

  /** A counting sort: a group of a thousand topics and members sorts a million members, of few different loads. */
  #sort(members: readonly number[]): Int32Array {
    const loads = this.#loads
    let least = loads[members[0]!]!
    let most = least
    for (const member of members) {
      const load = loads[member]!
      if (load < least) least = load
      if (load > most) most = load
    }
    const sorted = this.#space.subarray(0, members.length)
    if (most - least > MAX_COUNTED * members.length) {
      return sorted
        .fill(0)
        .map((_, i) => members[i]!)
        .sort((a, b) => loads[a]! - loads[b]! || a - b)
    }
    const places = new Int32Array(most - least + 1)
    for (const member of members) places[loads[member]! - least]!++
    let place = 0
    for (let i = 0; i < places.length; i++) {
      const count = places[i]!
      places[i] = place
      place += count
    }
    for (const member of members) sorted[places[loads[member]! - least]!++] = member
    return sorted
  }

  #loadAt(position: number): number {
    return this.#loads[this.#sorted[position]!]!
  }
}
