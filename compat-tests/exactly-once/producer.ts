import { setTimeout as delay } from 'node:timers/promises'
import { ErrorCode, errorName, isRetriable } from '../../src/wire/error-codes.ts'
import { encodeBatch } from '../../src/wire/records.ts'
import { produceRequest, produceResponse } from '../../src/wire/schemas/00-produce.ts'
import { initProducerIdRequest, initProducerIdResponse } from '../../src/wire/schemas/22-init-producer-id.ts'
import {
  addPartitionsToTxnRequest,
  addPartitionsToTxnResponse,
} from '../../src/wire/schemas/24-add-partitions-to-txn.ts'
import {
  addOffsetsToTxnRequest,
  addOffsetsToTxnResponse,
} from '../../src/wire/schemas/25-add-offsets-to-txn.ts'
import { endTxnRequest, endTxnResponse } from '../../src/wire/schemas/26-end-txn.ts'
import {
  txnOffsetCommitRequest,
  txnOffsetCommitResponse,
} from '../../src/wire/schemas/28-txn-offset-commit.ts'
import type { Connection } from './connection.ts'

/** The protocol that a client speaks: the classic one, or version 2 of KIP-890. */
export type Protocol = 'classic' | 'bumping'

const VERSIONS = {
  classic: { produce: 11, initProducerId: 4, txnOffsetCommit: 3, endTxn: 3 },
  bumping: { produce: 12, initProducerId: 5, txnOffsetCommit: 5, endTxn: 5 },
} as const
const ADD_PARTITIONS_VERSION = 3
const ADD_OFFSETS_VERSION = 3
const RETRY_MS = 10

/** The broker said no in a way that a client can't repeat. */
export class Refused extends Error {
  readonly errorCode: number
  constructor(what: string, errorCode: number) {
    super(`${what}: ${errorName(errorCode)}`)
    this.errorCode = errorCode
  }
}

export interface ToPartition {
  readonly topic: string
  readonly partition: number
  readonly values: readonly string[]
}

export interface TransactionalProducerOptions {
  readonly connection: Connection
  readonly transactionalId: string
  readonly timeoutMs: number
  readonly protocol: Protocol
  /** Called when the connection broke in a request; may throw to give up. */
  readonly onBreak: () => void
}

/** What a transactional client sends, each request again until there is an answer that is not retriable. */
export class TransactionalProducer {
  readonly #options: TransactionalProducerOptions
  readonly #versions: (typeof VERSIONS)[Protocol]
  #producerId = -1
  #producerEpoch = -1
  readonly #sequences = new Map<string, number>()
  /** How often the request to end the present transaction may have reached the broker. */
  endsSent = 0

  constructor(options: TransactionalProducerOptions) {
    this.#options = options
    this.#versions = VERSIONS[options.protocol]
  }

  /** Gets an id and epoch; what a predecessor left open is aborted, and it is fenced. */
  async init(): Promise<void> {
    const { transactionalId, timeoutMs: transactionTimeoutMs } = this.#options
    const { producerId, producerEpoch } = await this.#untilDone('InitProducerId', (connection) =>
      connection.use((client) =>
        client.send(initProducerIdRequest, initProducerIdResponse, this.#versions.initProducerId, {
          transactionalId,
          transactionTimeoutMs,
        }),
      ),
    )
    this.#begin(producerId, producerEpoch)
  }

  async send(batches: readonly ToPartition[]): Promise<void> {
    if (this.#options.protocol === 'classic') await this.#addPartitions(batches)
    const { transactionalId } = this.#options
    const encoded = batches.map(({ topic, partition, values }) => {
      const key = `${topic}-${partition}`
      const baseSequence = this.#sequences.get(key) ?? 0
      this.#sequences.set(key, baseSequence + values.length)
      const records = encodeBatch({
        producerId: this.#producerId,
        producerEpoch: this.#producerEpoch,
        baseSequence,
        isTransactional: true,
        baseTimestamp: Date.now(),
        records: values.map((value) => ({ value: Buffer.from(value) })),
      })
      return { topic, partition, records }
    })
    let pending = encoded
    while (pending.length > 0) {
      const sent = pending
      const { responses } = await this.#use((client) =>
        client.send(produceRequest, produceResponse, this.#versions.produce, {
          transactionalId,
          acks: -1,
          timeoutMs: 30_000,
          topicData: [...new Set(sent.map(({ topic }) => topic))].map((name) => ({
            name,
            partitionData: sent
              .filter(({ topic }) => topic === name)
              .map(({ partition, records }) => ({ index: partition, records: [records] })),
          })),
        }),
      )
      const answers = responses.flatMap(({ name, partitionResponses }) =>
        partitionResponses.map(({ index, errorCode }) => ({ topic: name, partition: index, errorCode })),
      )
      const refused = answers.find(({ errorCode }) => errorCode !== ErrorCode.NONE && !isRetriable(errorCode))
      if (refused !== undefined) throw new Refused('Produce', refused.errorCode)
      const again = answers.filter(({ errorCode }) => errorCode !== ErrorCode.NONE)
      pending = sent.filter((batch) =>
        again.some(({ topic, partition }) => topic === batch.topic && partition === batch.partition),
      )
      if (pending.length > 0) await delay(RETRY_MS)
    }
  }

  async sendOffset(groupId: string, topic: string, partition: number, offset: number): Promise<void> {
    const { transactionalId, protocol } = this.#options
    const producer = { transactionalId, producerId: this.#producerId, producerEpoch: this.#producerEpoch }
    if (protocol === 'classic') {
      await this.#untilDone('AddOffsetsToTxn', () =>
        this.#use((client) =>
          client.send(addOffsetsToTxnRequest, addOffsetsToTxnResponse, ADD_OFFSETS_VERSION, {
            ...producer,
            groupId,
          }),
        ),
      )
    }
    const committed = {
      partitionIndex: partition,
      committedOffset: BigInt(offset),
      committedMetadata: null,
    }
    await this.#untilDone('TxnOffsetCommit', async () => {
      const { topics } = await this.#use((client) =>
        client.send(txnOffsetCommitRequest, txnOffsetCommitResponse, this.#versions.txnOffsetCommit, {
          ...producer,
          groupId,
          topics: [{ name: topic, partitions: [committed] }],
        }),
      )
      return topics[0]!.partitions[0]!
    })
  }

  async end(commit: boolean): Promise<void> {
    const { transactionalId } = this.#options
    this.endsSent = 0
    const answer = await this.#untilDone('EndTxn', () =>
      this.#use((client) => {
        this.endsSent++
        return client.send(endTxnRequest, endTxnResponse, this.#versions.endTxn, {
          transactionalId,
          producerId: this.#producerId,
          producerEpoch: this.#producerEpoch,
          committed: commit,
        })
      }),
    )
    this.endsSent = 0
    if (this.#options.protocol === 'bumping') this.#begin(answer.producerId, answer.producerEpoch)
  }

  #begin(producerId: number, producerEpoch: number): void {
    this.#producerId = producerId
    this.#producerEpoch = producerEpoch
    this.#sequences.clear()
  }

  async #addPartitions(batches: readonly ToPartition[]): Promise<void> {
    await this.#untilDone('AddPartitionsToTxn', async () => {
      const { resultsByTopicV3AndBelow } = await this.#use((client) =>
        client.send(addPartitionsToTxnRequest, addPartitionsToTxnResponse, ADD_PARTITIONS_VERSION, {
          v3AndBelowTransactionalId: this.#options.transactionalId,
          v3AndBelowProducerId: this.#producerId,
          v3AndBelowProducerEpoch: this.#producerEpoch,
          v3AndBelowTopics: batches.map(({ topic, partition }) => ({ name: topic, partitions: [partition] })),
        }),
      )
      const codes = resultsByTopicV3AndBelow.flatMap(({ resultsByPartition }) =>
        resultsByPartition.map(({ partitionErrorCode }) => partitionErrorCode),
      )
      return { errorCode: codes.find((code) => code !== ErrorCode.NONE) ?? ErrorCode.NONE }
    })
  }

  #use: Connection['use'] = (use) => this.#options.connection.use(use, this.#options.onBreak)

  async #untilDone<T extends { readonly errorCode: number }>(
    what: string,
    ask: (connection: Connection) => Promise<T>,
  ): Promise<T> {
    for (;;) {
      const answer = await ask(this.#options.connection)
      if (answer.errorCode === ErrorCode.NONE) return answer
      if (!isRetriable(answer.errorCode)) throw new Refused(what, answer.errorCode)
      await delay(RETRY_MS)
    }
  }
}
