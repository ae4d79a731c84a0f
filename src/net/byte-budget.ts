/** Who stopped at a full budget and goes on when there is room. */
export interface BudgetWaiter {
  /** Room has come; the waiter is no longer in the queue. It may find the budget full again and wait anew. */
  proceed(): void
  /** Whether it holds bytes of the budget that only its own progress can free (a request half read). */
  readonly holdsUnfinished: boolean
  /** Whether it holds nothing of the budget now. */
  readonly holdsNothing: boolean
}

/** Where those that hold nothing have to wait, too, as a multiple of the capacity. */
const RESERVE_FACTOR = 2
/** Beyond this multiple of the capacity the reserve is going, too. */
const STRAINED_FACTOR = 1.5

/** Who was there at so many calls of `nudge` has waited for long. */
const LONG_NUDGES = 2

/** How much room one waiter is assumed to use when it goes on. */
const GRANT_BYTES = 64 * 1024

/**
 * Bytes that all connections together may hold, with a queue, first come first served, of those that wait for room.
 * Nothing is refused and nothing queued here: a connection that finds the budget full stops by itself. What it has in
 * hand may exceed the capacity by what one step of it takes.
 *
 * Who holds nothing has a reserve as large as the capacity: those who hold much and let it lie, however many they are,
 * don't keep a client with a small request waiting.
 *
 * Bytes are either *unfinished* (of a request half read: only more reading frees them) or *settled* (of a request
 * being handled or an answer being sent: they get free by themselves). A budget full of unfinished bytes would never
 * empty, so then one waiter has the overdraft: it goes on until its request is whole.
 *
 * The usual part of the capacity counts as all of it until someone has waited for long. What comes in and is handled a
 * little at a time takes as long as all at once, and less memory; where it comes in slowly or is held for long (by
 * clients on slow lines, or by a follower that lags), more at a time is of use.
 */
export class ByteBudget {
  readonly capacity: number
  readonly #usual: number
  #used = 0
  #settled = 0
  /** And the nudges there had been when each came. */
  readonly #waiters = new Map<BudgetWaiter, number>()
  #nudges = 0
  /** Bytes at which it counts as full now. */
  #bound: number
  #overdraft: BudgetWaiter | undefined
  #waking = false
  #givenSinceNudge = false

  /** `usual` is the part of the capacity that is used as long as nobody waits for long; all in bytes. */
  constructor(capacity: number, usual = capacity) {
    this.capacity = capacity
    this.#usual = usual
    this.#bound = usual
  }

  get used(): number {
    return this.#used
  }

  /** Whether some wait for room, and not only for others to come in first. */
  get isFull(): boolean {
    return this.#waiters.size > 0 && this.#used >= this.capacity
  }

  /** Whether `who` may take more now. */
  allows(who: BudgetWaiter): boolean {
    if (this.#used < this.#bound || this.#overdraft === who) return true
    return who.holdsNothing && this.#used < RESERVE_FACTOR * this.capacity
  }

  /** What may be taken before it is full, in bytes. */
  get room(): number {
    return Math.max(0, this.capacity - this.#used)
  }

  /** Whether so much of the reserve is taken that who holds bytes without using them should go. */
  get isStrained(): boolean {
    return this.#used >= STRAINED_FACTOR * this.capacity
  }

  take(bytes: number): void {
    this.#used += bytes
  }

  takeSettled(bytes: number): void {
    this.#used += bytes
    this.#settled += bytes
  }

  /** `bytes` of those taken are no longer unfinished. Ends an overdraft of `who`. */
  settle(who: BudgetWaiter, bytes: number): void {
    this.#settled += bytes
    if (this.#overdraft === who) this.#overdraft = undefined
  }

  giveUnfinished(bytes: number): void {
    this.#give(bytes)
  }

  giveSettled(bytes: number): void {
    this.#settled -= bytes
    this.#give(bytes)
  }

  wait(who: BudgetWaiter): void {
    if (!this.#waiters.has(who)) this.#waiters.set(who, this.#nudges)
    this.#wake()
  }

  /** `who` is gone: it neither waits nor has an overdraft. */
  leave(who: BudgetWaiter): void {
    const had = this.#waiters.delete(who)
    if (this.#overdraft === who) this.#overdraft = undefined
    else if (!had) return
    this.#wake()
  }

  /**
   * Called once a second or so: when the budget is full and nothing was given back since the last call, someone goes on
   * all the same, so that requests which are handled for long (long polls) cannot hold up everyone who is half read.
   * When someone has waited for long, all of the capacity is used.
   */
  nudge(): void {
    this.#nudges++
    const [oldest] = this.#waiters.values()
    if (oldest !== undefined && this.#nudges - oldest >= LONG_NUDGES) {
      this.#bound = this.capacity
      this.#wake()
    }
    if (!this.#givenSinceNudge && this.#used >= this.#bound) this.#grantOverdraft()
    this.#givenSinceNudge = false
  }

  #give(bytes: number): void {
    this.#used -= bytes
    if (bytes > 0) this.#givenSinceNudge = true
    this.#wake()
  }

  #wake(): void {
    // Who proceeds may give or wait in turn; the loop below sees that.
    if (this.#waking) return
    this.#waking = true
    if (this.#waiters.size === 0 && this.#used < this.#usual) this.#bound = this.#usual
    let room = this.#bound - this.#used
    for (const waiter of this.#waiters.keys()) {
      if (room <= 0 || this.#used >= this.#bound) break
      room -= GRANT_BYTES
      this.#waiters.delete(waiter)
      waiter.proceed()
    }
    if (this.#used - this.#settled >= this.#bound) this.#grantOverdraft()
    this.#waking = false
  }

  #grantOverdraft(): void {
    if (this.#overdraft !== undefined) return
    for (const waiter of this.#waiters.keys()) {
      if (!waiter.holdsUnfinished) continue
      this.#overdraft = waiter
      this.#waiters.delete(waiter)
      waiter.proceed()
      return
    }
  }
}
