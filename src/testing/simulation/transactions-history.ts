import type { PartitionHistory } from './partition-history.ts'
import { senderOf } from './partition-history.ts'
import type { World } from './world.ts'

/**
 * `open`: nobody has asked for its commit, or the commit was refused; `ending`: somebody has, and the answer is not
 * known; `committed`: it was acknowledged, or seen.
 */
type State = 'open' | 'ending' | 'committed'

interface Transaction {
  readonly label: string
  state: State
  /** What was acknowledged in it. */
  readonly written: Map<PartitionHistory, Set<string>>
}

const TRANSACTIONAL = '$'

/** What is known of transactions: none is seen in part, and none whose commit was not asked for. */
export class TransactionsHistory {
  readonly #world: World
  readonly #transactions = new Map<string, Transaction>()
  /** The newest owner of each transactional id, and since when. */
  readonly #owners = new Map<
    string,
    { readonly producerId: number; readonly epoch: number; readonly since: number }
  >()

  constructor(world: World) {
    this.#world = world
  }

  /** Gives the name that its values are sent under. */
  begin(label: string): string {
    const sender = `${TRANSACTIONAL}${label}`
    this.#transactions.set(sender, { label: sender, state: 'open', written: new Map() })
    return sender
  }

  written(sender: string, partition: PartitionHistory, values: readonly string[]): void {
    const { written } = this.#get(sender)
    const known = written.get(partition) ?? new Set()
    for (const value of values) known.add(value)
    written.set(partition, known)
  }

  commitAsked(sender: string): void {
    const transaction = this.#get(sender)
    if (transaction.state === 'open') transaction.state = 'ending'
  }

  /** As though it had not been asked for. */
  commitRefused(sender: string): void {
    const transaction = this.#get(sender)
    this.#world.check(
      transaction.state !== 'committed',
      () => `${sender} was seen, and its commit is refused`,
    )
    transaction.state = 'open'
  }

  committed(sender: string): void {
    this.#get(sender).state = 'committed'
  }

  /** A reader of committed records got it. */
  seen(value: string, partition: PartitionHistory): void {
    if (!value.startsWith(TRANSACTIONAL)) return
    const transaction = this.#get(senderOf(value).sender)
    this.#world.check(
      transaction.state !== 'open',
      () => `${partition.name}: ${value} is read as committed, and is not`,
    )
    transaction.state = 'committed'
  }

  /** All that a reader of committed records sees, at the end of everything. */
  audited(visible: ReadonlyMap<PartitionHistory, ReadonlySet<string>>): void {
    for (const { label, state, written } of this.#transactions.values()) {
      for (const [partition, values] of written) {
        for (const value of values) {
          this.#world.check(
            (visible.get(partition)?.has(value) ?? false) === (state === 'committed'),
            () =>
              `${partition.name}: ${value} of ${label}, which is ${state}, is ${state === 'committed' ? 'missing' : 'there'}`,
          )
        }
      }
    }
  }

  /** A producer has taken the transactional id over. */
  owned(transactionalId: string, producerId: number, epoch: number): void {
    const before = this.#owners.get(transactionalId)
    if (before !== undefined && before.producerId === producerId && before.epoch > epoch) return
    this.#owners.set(transactionalId, { producerId, epoch, since: this.#world.tick() })
  }

  /** Something succeeded that the producer of this epoch had asked for at `askedAt`. */
  succeeded(transactionalId: string, producerId: number, epoch: number, askedAt: number, what: string): void {
    const owner = this.#owners.get(transactionalId)
    if (owner === undefined || owner.producerId !== producerId) return
    this.#world.check(
      epoch >= owner.epoch || askedAt < owner.since,
      () =>
        `${transactionalId}: ${what} of epoch ${epoch} succeeds, and epoch ${owner.epoch} was given before`,
    )
  }

  #get(sender: string): Transaction {
    const transaction = this.#transactions.get(sender)
    if (transaction === undefined) throw new Error(`${sender} was never begun`)
    return transaction
  }
}
