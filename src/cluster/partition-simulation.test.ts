import { expect, test } from 'vitest'
import { SeededRandom } from '../testing/seeded-random.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import { NO_LEADER, type PartitionImage, withIsr, withLeader } from './metadata/image.ts'
import { type IsrProposal, Partition } from './partition.ts'

/**
 * Brokers that append, fetch, fall behind, crash and are elected, in any order that a seed gives; messages between them
 * and the metadata arrive late or not at all. What acks=all has acknowledged must outlive all of it, as long as leaders
 * come from the ISR.
 */
const BROKERS = [1, 2, 3] as const
const LAG_MS = 1000

interface Entry {
  readonly epoch: number
  readonly value: number
}

interface Broker {
  readonly id: number
  readonly state: Partition
  log: Entry[]
  alive: boolean
}

class Cluster {
  readonly #random: SeededRandom
  readonly #minIsr: number
  readonly #brokers: Broker[]
  #image: PartitionImage
  #nowMs = 0
  #nextValue = 0
  readonly #waiting: { broker: Broker; epoch: number; requiredOffset: number; value: number }[] = []
  /** Value at its offset. */
  readonly acknowledged = new Map<number, number>()
  elections = 0

  constructor(random: SeededRandom, minIsr: number) {
    this.#random = random
    this.#minIsr = minIsr
    this.#image = {
      partition: 0,
      replicas: BROKERS,
      isr: BROKERS,
      leader: 1,
      leaderEpoch: 0,
      partitionEpoch: 0,
    }
    this.#brokers = BROKERS.map((id) => ({ id, state: this.#newState(id), log: [], alive: true }))
    for (const broker of this.#brokers) this.#learn(broker)
  }

  step(): void {
    this.#nowMs += this.#random.integer(0, 200)
    const broker = this.#random.pick(this.#brokers)
    switch (this.#random.integer(0, 9)) {
      case 0:
        if (this.#random.chance(0.25)) this.#crash(broker)
        else this.#restart(broker)
        break
      case 1:
        if (broker.alive) this.#learn(broker)
        break
      case 2:
        if (broker.alive) this.#commit(broker, broker.state.proposeShrink(this.#nowMs))
        break
      case 3:
      case 4:
        if (broker.alive) this.#append(broker)
        break
      default:
        if (broker.alive) this.#fetch(broker)
    }
    this.#answerWaiting()
    this.#check()
  }

  #newState(id: number): Partition {
    return new Partition({
      partition: 0,
      brokerId: id,
      replicaLagTimeMaxMs: () => LAG_MS,
      minInsyncReplicas: () => this.#minIsr,
      mayJoinIsr: (brokerId) => this.#broker(brokerId).alive,
    })
  }

  #broker(id: number): Broker {
    return this.#brokers.find((each) => each.id === id)!
  }

  #learn(broker: Broker): void {
    const { highWatermark } = broker.state
    broker.state.apply(this.#image, { logEndOffset: broker.log.length, highWatermark }, this.#nowMs)
  }

  /** The log stays; what the broker knew of the partition does not. */
  #crash(broker: Broker): void {
    if (!broker.alive) return
    broker.alive = false
    const isr = this.#image.isr.filter((id) => id !== broker.id)
    if (this.#image.leader === broker.id) {
      // Without another member nobody may lead, and the last one stays in.
      if (isr.length === 0) this.#image = withLeader(this.#image, NO_LEADER)
      else this.#image = withLeader(this.#image, this.#random.pick(isr), isr)
      this.elections += 1
    } else if (isr.length > 0 && isr.length < this.#image.isr.length) {
      this.#image = withIsr(this.#image, isr)
    }
  }

  #restart(broker: Broker): void {
    if (broker.alive) return
    broker.alive = true
    const fresh: Broker = { ...broker, state: this.#newState(broker.id) }
    this.#brokers[this.#brokers.indexOf(broker)] = fresh
    if (this.#image.leader === NO_LEADER && this.#image.isr.includes(broker.id)) {
      this.#image = withLeader(this.#image, broker.id)
    }
    // Learns its role at once: a fetch or an append before it would be refused anyway.
    this.#learn(fresh)
  }

  #append(broker: Broker): void {
    if (broker.state.checkAppend(-1) !== ErrorCode.NONE) return
    const value = this.#nextValue++
    broker.log.push({ epoch: broker.state.leaderEpoch, value })
    broker.state.appended(broker.log.length, this.#nowMs)
    this.#waiting.push({ broker, epoch: broker.state.leaderEpoch, requiredOffset: broker.log.length, value })
  }

  #fetch(broker: Broker): void {
    if (broker.state.role !== 'follower' || broker.state.leader === NO_LEADER) return
    const leader = this.#broker(broker.state.leader)
    if (!leader.alive || leader.state.leaderEpoch !== broker.state.leaderEpoch || !leader.state.isLeader)
      return
    this.#truncateToCommon(broker, leader)
    const outcome = leader.state.followerFetched(
      {
        replicaId: broker.id,
        replicaEpoch: -1,
        currentLeaderEpoch: broker.state.leaderEpoch,
        fetchOffset: broker.log.length,
        logStartOffset: 0,
      },
      this.#nowMs,
    )
    expect(outcome.errorCode).toBe(ErrorCode.NONE)
    this.#commit(leader, leader.state.proposeExpansion(broker.id))
    if (this.#random.chance(0.2)) return
    broker.log.push(...leader.log.slice(broker.log.length, broker.log.length + this.#random.integer(0, 3)))
    broker.state.followed(broker.log.length, leader.state.highWatermark)
  }

  /** By epochs, as OffsetForLeaderEpoch lets a follower do it. */
  #truncateToCommon(broker: Broker, leader: Broker): void {
    let common = 0
    while (common < broker.log.length && broker.log[common]?.epoch === leader.log[common]?.epoch) common += 1
    if (common < broker.log.length) broker.log = broker.log.slice(0, common)
  }

  #commit(broker: Broker, proposal: IsrProposal | undefined): void {
    if (proposal === undefined) return
    const fits = proposal.partition.partitionEpoch === this.#image.partitionEpoch + 1
    const areAlive = proposal.partition.isr.every((id) => this.#broker(id).alive)
    if (!fits || !areAlive) {
      broker.state.proposalEnded()
      return
    }
    this.#image = proposal.partition
    // The answer may be late: until it comes the proposal stays open.
    if (this.#random.chance(0.6)) this.#learn(broker)
  }

  #answerWaiting(): void {
    for (const each of this.#waiting.splice(0)) {
      const { broker, epoch, requiredOffset, value } = each
      if (!broker.alive || broker.state.leaderEpoch !== epoch) continue
      const answer = broker.state.checkReplicated(requiredOffset)
      if (answer === undefined) this.#waiting.push(each)
      else if (answer === ErrorCode.NONE) this.acknowledged.set(requiredOffset - 1, value)
    }
  }

  /** Whoever the metadata counts as in sync may be elected next, so each of them has all that was acknowledged. */
  #check(): void {
    for (const id of this.#image.isr) {
      const { log } = this.#broker(id)
      for (const [offset, value] of this.acknowledged) {
        if (log[offset]?.value === value) continue
        throw new Error(`broker ${id} is in sync without value ${value} at ${offset}`)
      }
    }
    for (const { state, log } of this.#brokers) {
      if (state.highWatermark > log.length) throw new Error('a high watermark beyond the end of the log')
    }
  }
}

test.each([1, 2])(
  'what acks=all acknowledged is in every replica that may be elected, min ISR %d',
  (minIsr) => {
    let acknowledged = 0
    let elections = 0
    for (let seed = 1; seed <= 150; seed++) {
      const cluster = new Cluster(new SeededRandom(seed), minIsr)
      for (let step = 0; step < 400; step++) {
        try {
          cluster.step()
        } catch (cause) {
          throw new Error(`seed ${seed}, step ${step}`, { cause })
        }
      }
      acknowledged += cluster.acknowledged.size
      elections += cluster.elections
    }
    // The schedules are of use only where both happen often.
    expect(acknowledged).toBeGreaterThan(1000)
    expect(elections).toBeGreaterThan(300)
  },
)
