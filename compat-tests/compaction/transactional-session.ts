/** What the comparison of transactions asks of a broker. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { BatchReader } from '../../src/wire/batch.ts'
import { ErrorCode, errorName, isRetriable } from '../../src/wire/error-codes.ts'
import { readRecords } from '../../src/wire/record-reader.ts'
import { encodeBatch } from '../../src/wire/records.ts'
import { produceRequest, produceResponse } from '../../src/wire/schemas/00-produce.ts'
import { fetchRequest, fetchResponse } from '../../src/wire/schemas/01-fetch.ts'
import {
  findCoordinatorRequest,
  findCoordinatorResponse,
} from '../../src/wire/schemas/10-find-coordinator.ts'
import { initProducerIdRequest, initProducerIdResponse } from '../../src/wire/schemas/22-init-producer-id.ts'
import {
  addPartitionsToTxnRequest,
  addPartitionsToTxnResponse,
} from '../../src/wire/schemas/24-add-partitions-to-txn.ts'
import { endTxnRequest, endTxnResponse } from '../../src/wire/schemas/26-end-txn.ts'
import {
  describeTransactionsRequest,
  describeTransactionsResponse,
} from '../../src/wire/schemas/65-describe-transactions.ts'
import { segmentsOf, type TestedBroker } from './brokers.ts'
import { earliestOffset } from './session.ts'
import { bumpsEpoch, type Step } from './transactional-history.ts'

const MAX_BATCH_BYTES = 16 * 1024 * 1024
const TRANSACTION_INDEX_ENTRY_BYTES = 34
const TRANSACTION_TIMEOUT_MS = 900_000
const SETTLES_WITHIN_MS = 30_000

/** Asks again while the answer is one that a client repeats. */
async function settled<T>(what: string, ask: () => Promise<T>, codeOf: (answer: T) => number): Promise<T> {
  for (const deadline = Date.now() + SETTLES_WITHIN_MS; ; ) {
    const answer = await ask()
    const code = codeOf(answer)
    if (code === ErrorCode.NONE) return answer
    if (!isRetriable(code) || Date.now() > deadline) throw new Error(`${what}: ${errorName(code)}`)
  }
}

/** The producers of one topic's transactions on one broker. */
export class TransactionalSession {
  readonly #broker: TestedBroker
  readonly #topic: string
  /** By producer. */
  readonly producerIds: number[] = []
  readonly #epochs: number[] = []
  /** Classic producers whose transaction has the partition. */
  readonly #added = new Set<number>()

  private constructor(broker: TestedBroker, topic: string) {
    this.#broker = broker
    this.#topic = topic
  }

  static async begin(broker: TestedBroker, topic: string, producers: number): Promise<TransactionalSession> {
    const session = new TransactionalSession(broker, topic)
    for (let producer = 0; producer < producers; producer++) await session.#begin(producer)
    return session
  }

  /** The offset of a batch. */
  async do(step: Step): Promise<number | undefined> {
    if (step.kind === 'end') {
      await this.#end(step.producer, step.result === 'commit')
      return undefined
    }
    return this.#produce(step)
  }

  #idOf(producer: number): string {
    return `${this.#topic}-${producer}`
  }

  async #begin(producer: number): Promise<void> {
    const { client, name } = this.#broker
    const transactionalId = this.#idOf(producer)
    await settled(
      `${name}: FindCoordinator`,
      () =>
        client.send(findCoordinatorRequest, findCoordinatorResponse, 4, {
          keyType: 1,
          coordinatorKeys: [transactionalId],
        }),
      ({ coordinators }) => coordinators[0]!.errorCode,
    )
    const { producerId, producerEpoch } = await settled(
      `${name}: InitProducerId`,
      () =>
        client.send(initProducerIdRequest, initProducerIdResponse, bumpsEpoch(producer) ? 5 : 4, {
          transactionalId,
          transactionTimeoutMs: TRANSACTION_TIMEOUT_MS,
        }),
      ({ errorCode }) => errorCode,
    )
    this.producerIds[producer] = producerId
    this.#epochs[producer] = producerEpoch
  }

  async #produce({ producer, batch }: Extract<Step, { kind: 'batch' }>): Promise<number> {
    const { client, name } = this.#broker
    const ids = producer === undefined ? {} : { producerId: this.producerIds[producer]! }
    if (producer !== undefined && !bumpsEpoch(producer)) await this.#add(producer)
    const { responses } = await settled(
      `${name}: Produce to ${this.#topic}`,
      () =>
        client.send(produceRequest, produceResponse, 12, {
          transactionalId: producer === undefined ? null : this.#idOf(producer),
          acks: -1,
          timeoutMs: 10_000,
          // The broker may patch what it was sent, so each gets its own.
          topicData: [
            {
              name: this.#topic,
              partitionData: [{ index: 0, records: [encodeBatch({ ...batch, ...ids })] }],
            },
          ],
        }),
      (answer) => answer.responses[0]!.partitionResponses[0]!.errorCode,
    )
    return responses[0]!.partitionResponses[0]!.baseOffset
  }

  async #add(producer: number): Promise<void> {
    if (this.#added.has(producer)) return
    const { client, name } = this.#broker
    await settled(
      `${name}: AddPartitionsToTxn`,
      () =>
        client.send(addPartitionsToTxnRequest, addPartitionsToTxnResponse, 3, {
          v3AndBelowTransactionalId: this.#idOf(producer),
          v3AndBelowProducerId: this.producerIds[producer]!,
          v3AndBelowProducerEpoch: this.#epochs[producer]!,
          v3AndBelowTopics: [{ name: this.#topic, partitions: [0] }],
        }),
      ({ resultsByTopicV3AndBelow }) =>
        resultsByTopicV3AndBelow[0]!.resultsByPartition[0]!.partitionErrorCode,
    )
    this.#added.add(producer)
  }

  /** Ends the transaction, and waits for its marker, so that it comes at the same place on every broker. */
  async #end(producer: number, committed: boolean): Promise<void> {
    const { client, name } = this.#broker
    const transactionalId = this.#idOf(producer)
    const ended = await settled(
      `${name}: EndTxn`,
      () =>
        client.send(endTxnRequest, endTxnResponse, bumpsEpoch(producer) ? 5 : 3, {
          transactionalId,
          producerId: this.producerIds[producer]!,
          producerEpoch: this.#epochs[producer]!,
          committed,
        }),
      ({ errorCode }) => errorCode,
    )
    if (bumpsEpoch(producer)) this.#epochs[producer] = ended.producerEpoch
    this.#added.delete(producer)
    for (const deadline = Date.now() + SETTLES_WITHIN_MS; ; ) {
      const { transactionStates } = await client.send(
        describeTransactionsRequest,
        describeTransactionsResponse,
        0,
        { transactionalIds: [transactionalId] },
      )
      if (transactionStates[0]!.transactionState.startsWith('Complete')) return
      if (Date.now() > deadline) throw new Error(`${name}: no marker for ${transactionalId}`)
    }
  }

  /** The last value of each key that a reader of committed records finds, `gone` for a tombstone; by key. */
  async committedValues(): Promise<Map<string, string>> {
    const { client } = this.#broker
    const values = new Map<string, string>()
    let fetchOffset = await earliestOffset(this.#broker, this.#topic)
    for (;;) {
      const { responses } = await client.send(fetchRequest, fetchResponse, 12, {
        maxWaitMs: 0,
        minBytes: 1,
        isolationLevel: 1,
        topics: [
          { topic: this.#topic, partitions: [{ partition: 0, fetchOffset, partitionMaxBytes: 1 << 22 }] },
        ],
      })
      const { records, abortedTransactions, lastStableOffset } = responses[0]!.partitions[0]!
      if (fetchOffset >= lastStableOffset) return values
      const from = fetchOffset
      const pending = [...(abortedTransactions ?? [])].sort((a, b) => a.firstOffset - b.firstOffset)
      const aborted = new Set<number>()
      for (const batch of new BatchReader(records ?? Buffer.alloc(0))) {
        fetchOffset = batch.nextOffset
        while (pending[0] !== undefined && pending[0].firstOffset <= batch.lastOffset)
          aborted.add(pending.shift()!.producerId)
        if (batch.isControl) aborted.delete(batch.producerId)
        else if (!batch.isTransactional || !aborted.has(batch.producerId))
          for (const { key, value } of readRecords(batch, MAX_BATCH_BYTES))
            values.set(String(key), textOf(value))
      }
      // Nothing whole up to the last stable offset: what is left there was compacted away.
      if (fetchOffset === from) return values
    }
  }

  /** The entries of the transaction indexes of all segments, in words that do not depend on the broker. */
  abortedIndex(): string[] {
    const { dir } = this.#broker
    return segmentsOf(this.#broker, this.#topic).flatMap((segment) => {
      const path = join(dir, `${this.#topic}-0`, `${String(segment).padStart(20, '0')}.txnindex`)
      const bytes = readIfThere(path)
      const entries: string[] = []
      for (let at = 0; at < bytes.length; at += TRANSACTION_INDEX_ENTRY_BYTES) {
        const [producerId, first, last, stable] = [2, 10, 18, 26].map((field) =>
          Number(bytes.readBigInt64BE(at + field)),
        )
        const producer = this.producerIds.indexOf(producerId!)
        entries.push(`segment ${segment}: producer ${producer} from ${first} to ${last}, stable ${stable}`)
      }
      return entries
    })
  }
}

const textOf = (value: Buffer | null): string => (value === null ? 'gone' : String(value))

function readIfThere(path: string): Buffer {
  try {
    return readFileSync(path)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return Buffer.alloc(0)
    throw error
  }
}
