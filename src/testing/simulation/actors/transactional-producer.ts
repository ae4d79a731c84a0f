import { ErrorCode, isRetriable } from '../../../wire/error-codes.ts'
import { initProducerIdRequest, initProducerIdResponse } from '../../../wire/schemas/22-init-producer-id.ts'
import {
  addPartitionsToTxnRequest,
  addPartitionsToTxnResponse,
} from '../../../wire/schemas/24-add-partitions-to-txn.ts'
import {
  addOffsetsToTxnRequest,
  addOffsetsToTxnResponse,
} from '../../../wire/schemas/25-add-offsets-to-txn.ts'
import { endTxnRequest, endTxnResponse } from '../../../wire/schemas/26-end-txn.ts'
import {
  txnOffsetCommitRequest,
  txnOffsetCommitResponse,
} from '../../../wire/schemas/28-txn-offset-commit.ts'
import { type Link, LinkBroken } from '../link.ts'
import { value } from '../partition-history.ts'
import { produceOnce } from '../producing.ts'
import type { Register } from '../register.ts'
import type { Actor, Scene, SimulatedPartition } from '../scene.ts'

/** Somebody else has the transactional id, or the coordinator has ended the transaction. */
class Fenced extends Error {
  override name = 'Fenced'
  /** What was refused has not happened, not even by an earlier attempt. */
  readonly isCertain: boolean

  constructor(message: string, isCertain: boolean) {
    super(message)
    this.isCertain = isCertain
  }
}

/** An offset that counts when the transaction is committed. */
interface PendingOffset {
  readonly register: Register
  readonly committedOffset: bigint
}

/** What one program with the transactional id has; when another begins, this one is a zombie. */
interface Instance {
  readonly label: string
  readonly link: Link
  /** Transactions of the second version: partitions are added by what is produced, each end gives a new epoch. */
  readonly bumps: boolean
  producerId: number
  producerEpoch: number
  sequences: Map<SimulatedPartition, number>
}

export interface TransactionalProducerOptions {
  readonly partitions: readonly SimulatedPartition[]
  /** Whose offsets are committed in the transactions. */
  readonly group: string
}

export const TRANSACTION_TIMEOUT_MS = 4000

/** A program that produces and commits offsets in transactions, dies in the middle, and comes back beside its zombie. */
export class TransactionalProducer implements Actor {
  readonly name: string
  readonly #scene: Scene
  readonly #options: TransactionalProducerOptions
  readonly #random
  #instances = 0
  #transactions = 0
  readonly #zombies: Promise<void>[] = []

  constructor(scene: Scene, name: string, options: TransactionalProducerOptions) {
    this.name = name
    this.#scene = scene
    this.#options = options
    this.#random = scene.world.random.fork()
  }

  async run(): Promise<void> {
    while (!this.#scene.isEnding) {
      const instance = await this.#begin()
      if (instance === undefined) continue
      const transactions = this.#random.integer(1, 6)
      const working = this.#work(instance, transactions)
      // A new instance comes before the old one knows of its end.
      if (this.#random.chance(0.3)) {
        this.#zombies.push(working)
        await this.#scene.world.sleep(this.#random.float() * 200)
      } else await working
    }
    await Promise.all(this.#zombies)
  }

  async #begin(): Promise<Instance | undefined> {
    const { world, transactions } = this.#scene
    const label = `${this.name}.${this.#instances++}`
    const link = this.#scene.link(label)
    const instance = {
      label,
      link,
      bumps: this.#random.chance(0.5),
      producerId: -1,
      producerEpoch: -1,
      sequences: new Map<SimulatedPartition, number>(),
    }
    try {
      const input = { transactionalId: this.name, transactionTimeoutMs: TRANSACTION_TIMEOUT_MS }
      const answer = await this.#insist(instance, 'InitProducerId', () =>
        link.ask(initProducerIdRequest, initProducerIdResponse, 4, input),
      )
      instance.producerId = answer.producerId
      instance.producerEpoch = answer.producerEpoch
      transactions.owned(this.name, answer.producerId, answer.producerEpoch)
      world.note(label, `is producer ${answer.producerId} in epoch ${answer.producerEpoch}`)
      return instance
    } catch (error) {
      await link.close()
      if (!(error instanceof Fenced)) throw error
      await world.sleep(50)
      return undefined
    }
  }

  async #work(instance: Instance, transactions: number): Promise<void> {
    try {
      for (let done = 0; done < transactions && !this.#scene.isEnding; done++) {
        await this.#transact(instance)
        await this.#scene.world.sleep(this.#random.float() * 50)
      }
    } catch (error) {
      if (!(error instanceof Fenced)) throw error
      this.#scene.count('fenced')
      this.#scene.world.note(instance.label, error.message)
    } finally {
      await instance.link.close()
    }
  }

  async #transact(instance: Instance): Promise<void> {
    const { world, transactions } = this.#scene
    const sender = transactions.begin(`${instance.label}/${this.#transactions++}`)
    const batches = this.#random.integer(1, 4)
    let number = 0
    const added = new Set<SimulatedPartition>()
    for (let batch = 0; batch < batches; batch++) {
      const partition = this.#random.pick(this.#options.partitions)
      if (!instance.bumps && !added.has(partition)) await this.#addPartition(instance, partition)
      added.add(partition)
      const values = Array.from({ length: this.#random.integer(1, 3) }, () => value(sender, number++))
      await this.#produce(instance, sender, partition, values)
    }
    const offset = this.#random.chance(0.4) ? await this.#commitOffset(instance) : undefined
    // It may take longer than the coordinator waits.
    if (this.#random.chance(0.05)) await world.sleep(this.#random.float() * 3 * TRANSACTION_TIMEOUT_MS)
    // The program dies and leaves it open.
    if (this.#random.chance(0.08)) throw new Fenced('dies with an open transaction', true)
    const commit = this.#random.chance(0.7)
    await this.#end(instance, sender, commit, offset)
  }

  async #addPartition(instance: Instance, partition: SimulatedPartition): Promise<void> {
    await this.#insist(instance, 'AddPartitionsToTxn', async () => {
      const answer = await instance.link.ask(addPartitionsToTxnRequest, addPartitionsToTxnResponse, 3, {
        v3AndBelowTransactionalId: this.name,
        v3AndBelowProducerId: instance.producerId,
        v3AndBelowProducerEpoch: instance.producerEpoch,
        v3AndBelowTopics: [{ name: partition.topic, partitions: [partition.index] }],
      })
      return { errorCode: answer.resultsByTopicV3AndBelow[0]!.resultsByPartition[0]!.partitionErrorCode }
    })
  }

  async #produce(
    instance: Instance,
    sender: string,
    partition: SimulatedPartition,
    values: readonly string[],
  ): Promise<void> {
    const { world, transactions } = this.#scene
    const { producerId, producerEpoch, link, sequences } = instance
    const baseSequence = sequences.get(partition) ?? 0
    // With keys of their own, so that compaction takes away what was aborted, and nothing else.
    const keys = partition.isCompacted ? { keys: values } : {}
    const batch = { values, ...keys, producerId, producerEpoch, baseSequence, isTransactional: true }
    const versions = instance.bumps ? [12, 13] : [9, 11]
    const { baseOffset } = await this.#insist(instance, 'Produce', () => {
      partition.history.attempted(values)
      return produceOnce(link, partition, batch, -1, world.clock.now(), {
        transactionalId: this.name,
        versions,
      })
    })
    sequences.set(partition, baseSequence + values.length)
    if (baseOffset >= 0) partition.history.acknowledged(baseOffset, values)
    transactions.written(sender, partition.history, values)
    this.#scene.count('acknowledged in transactions', values.length)
  }

  async #commitOffset(instance: Instance): Promise<PendingOffset> {
    const { group } = this.#options
    const { offsets } = this.#scene
    const partition = this.#random.pick(this.#options.partitions)
    const { link, producerId, producerEpoch } = instance
    const ids = { transactionalId: this.name, producerId, producerEpoch }
    if (!instance.bumps) {
      await this.#insist(instance, 'AddOffsetsToTxn', () =>
        link.ask(addOffsetsToTxnRequest, addOffsetsToTxnResponse, 3, { ...ids, groupId: group }),
      )
    }
    const committedOffset = offsets.next()
    await this.#insist(instance, 'TxnOffsetCommit', async () => {
      const answer = await link.ask(txnOffsetCommitRequest, txnOffsetCommitResponse, instance.bumps ? 5 : 3, {
        ...ids,
        groupId: group,
        topics: [
          {
            name: partition.topic,
            partitions: [{ partitionIndex: partition.index, committedOffset, committedMetadata: '' }],
          },
        ],
      })
      return answer.topics[0]!.partitions[0]!
    })
    return { register: offsets.of(group, partition), committedOffset }
  }

  async #end(
    instance: Instance,
    sender: string,
    committed: boolean,
    offset: PendingOffset | undefined,
  ): Promise<void> {
    const { world, transactions } = this.#scene
    const { link, producerId, producerEpoch, bumps } = instance
    if (committed) transactions.commitAsked(sender)
    const write = committed ? offset?.register.write(String(offset.committedOffset)) : undefined
    const input = { transactionalId: this.name, producerId, producerEpoch, committed }
    try {
      const answer = await this.#insist(instance, 'EndTxn', () =>
        link.ask(endTxnRequest, endTxnResponse, bumps ? 5 : 3, input),
      )
      if (committed) transactions.committed(sender)
      write?.acknowledged()
      this.#scene.count(committed ? 'transactions committed' : 'transactions aborted')
      world.note(instance.label, `${committed ? 'committed' : 'aborted'} ${sender}`)
      if (!bumps) return
      if (answer.producerEpoch !== producerEpoch) instance.sequences = new Map()
      instance.producerId = answer.producerId
      instance.producerEpoch = answer.producerEpoch
    } catch (error) {
      if (error instanceof Fenced && committed && error.isCertain) {
        transactions.commitRefused(sender)
        write?.refused()
      }
      throw error
    }
  }

  /** Asks until it succeeds; throws Fenced when it never will. */
  async #insist<T extends { readonly errorCode: number }>(
    instance: Instance,
    what: string,
    ask: () => Promise<T>,
  ): Promise<T> {
    const { world, transactions } = this.#scene
    const { producerId, producerEpoch } = instance
    let isCertain = true
    for (;;) {
      await this.#scene.passGate()
      const askedAt = world.tick()
      try {
        const answer = await ask()
        world.note(instance.label, `${what} -> ${answer.errorCode}`)
        if (answer.errorCode === 0) {
          transactions.succeeded(this.name, producerId, producerEpoch, askedAt, what)
          return answer
        }
        if (!isRetriable(answer.errorCode))
          throw new Fenced(`${what} is refused with ${answer.errorCode}`, isCertain)
        // What a coordinator wrote before it lost its log may be found by the next one.
        if (answer.errorCode === ErrorCode.NOT_COORDINATOR) isCertain = false
      } catch (error) {
        if (!(error instanceof LinkBroken)) throw error
        isCertain = false
      }
      await world.sleep(10 + this.#random.float() * 60)
    }
  }
}
