/** A transactional producer and readers of both isolation levels, request by request, in version 2 of the protocol. */
import { BatchReader, type RecordBatch } from '../wire/batch.ts'
import { ErrorCode, KafkaError } from '../wire/error-codes.ts'
import { readRecords } from '../wire/record-reader.ts'
import { encodeBatch } from '../wire/records.ts'
import { produceRequest, produceResponse } from '../wire/schemas/00-produce.ts'
import { fetchRequest, fetchResponse } from '../wire/schemas/01-fetch.ts'
import { offsetFetchRequest, offsetFetchResponse } from '../wire/schemas/09-offset-fetch.ts'
import { findCoordinatorRequest, findCoordinatorResponse } from '../wire/schemas/10-find-coordinator.ts'
import { createTopicsRequest, createTopicsResponse } from '../wire/schemas/19-create-topics.ts'
import { deleteTopicsRequest, deleteTopicsResponse } from '../wire/schemas/20-delete-topics.ts'
import { initProducerIdRequest, initProducerIdResponse } from '../wire/schemas/22-init-producer-id.ts'
import { endTxnRequest, endTxnResponse } from '../wire/schemas/26-end-txn.ts'
import { txnOffsetCommitRequest, txnOffsetCommitResponse } from '../wire/schemas/28-txn-offset-commit.ts'
import {
  incrementalAlterConfigsRequest,
  incrementalAlterConfigsResponse,
} from '../wire/schemas/44-incremental-alter-configs.ts'
import { describeProducersRequest, describeProducersResponse } from '../wire/schemas/61-describe-producers.ts'
import {
  describeTransactionsRequest,
  describeTransactionsResponse,
} from '../wire/schemas/65-describe-transactions.ts'
import { newTopic } from './new-topic.ts'
import { TestClient } from './test-client.ts'

type Isolation = 'committed' | 'uncommitted'

export interface TestProducer {
  readonly transactionalId: string
  readonly producerId: number
  readonly producerEpoch: number
}

const TOPIC = 2
const SET = 0
const FIRST_TIMESTAMP = 1_700_000_000_000
const TIMESTAMP_STEP_MS = 10
const SETTLED_WITHIN_MS = 20_000
const MAX_BYTES = 1_000_000

export class TransactionalClient {
  readonly client: TestClient
  /** The sequence that comes next, by producer, epoch and partition. */
  readonly #sequences = new Map<string, number>()
  #timestamp = FIRST_TIMESTAMP

  private constructor(client: TestClient) {
    this.client = client
  }

  /** When the coordinators of a group and of transactional ids are there. */
  static async connect(host: string, port: number): Promise<TransactionalClient> {
    const self = new TransactionalClient(await TestClient.connect(host, port))
    for (const keyType of [0, 1]) {
      await self.client.send(findCoordinatorRequest, findCoordinatorResponse, 4, {
        keyType,
        coordinatorKeys: ['any'],
      })
    }
    return self
  }

  close(): Promise<void> {
    return this.client.close()
  }

  async createTopic(name: string, numPartitions = 1, configs: Record<string, string> = {}): Promise<void> {
    const { topics } = await this.client.send(createTopicsRequest, createTopicsResponse, 7, {
      topics: [newTopic(name, numPartitions, configs)],
      timeoutMs: 5000,
    })
    check(topics[0]!.errorCode)
  }

  async alterTopic(resourceName: string, name: string, value: string): Promise<void> {
    const { responses } = await this.client.send(
      incrementalAlterConfigsRequest,
      incrementalAlterConfigsResponse,
      1,
      {
        resources: [{ resourceType: TOPIC, resourceName, configs: [{ name, configOperation: SET, value }] }],
        validateOnly: false,
      },
    )
    check(responses[0]!.errorCode)
  }

  async deleteTopic(name: string): Promise<void> {
    const { responses } = await this.client.send(deleteTopicsRequest, deleteTopicsResponse, 6, {
      topics: [{ name }],
      timeoutMs: 5000,
    })
    check(responses[0]!.errorCode)
  }

  /** Its producers go on here: only they know their sequences. */
  goOnWith(other: TransactionalClient): void {
    for (const [key, sequence] of other.#sequences) this.#sequences.set(key, sequence)
  }

  /** Throws KafkaError for a refusal. */
  async begin(transactionalId: string, timeoutMs = 60_000): Promise<TestProducer> {
    const { errorCode, producerId, producerEpoch } = await this.client.send(
      initProducerIdRequest,
      initProducerIdResponse,
      5,
      { transactionalId, transactionTimeoutMs: timeoutMs },
    )
    check(errorCode)
    return { transactionalId, producerId, producerEpoch }
  }

  /** A record, in a transaction or outside of any, 10 ms after the one before it; the error code. */
  async produce(producer: TestProducer | undefined, topic: string, value: string, partition = 0) {
    const key = `${producer?.producerId}:${producer?.producerEpoch}:${topic}:${partition}`
    const baseSequence = this.#sequences.get(key) ?? 0
    const records = encodeBatch({
      ...(producer && { ...producer, baseSequence, isTransactional: true }),
      baseTimestamp: this.#timestamp,
      records: [{ value: Buffer.from(value) }],
    })
    this.#timestamp += TIMESTAMP_STEP_MS
    const { responses } = await this.client.send(produceRequest, produceResponse, 12, {
      transactionalId: producer?.transactionalId ?? null,
      acks: -1,
      timeoutMs: 5000,
      topicData: [{ name: topic, partitionData: [{ index: partition, records }] }],
    })
    const { errorCode } = responses[0]!.partitionResponses[0]!
    if (errorCode === ErrorCode.NONE) this.#sequences.set(key, baseSequence + 1)
    return errorCode
  }

  async commitOffset(producer: TestProducer, groupId: string, topic: string, offset: bigint) {
    const { topics } = await this.client.send(txnOffsetCommitRequest, txnOffsetCommitResponse, 5, {
      ...producer,
      groupId,
      topics: [
        { name: topic, partitions: [{ partitionIndex: 0, committedOffset: offset, committedMetadata: '' }] },
      ],
    })
    return topics[0]!.partitions[0]!.errorCode
  }

  /** The producer as it goes on. Throws KafkaError for a refusal. */
  async end(producer: TestProducer, result: 'commit' | 'abort'): Promise<TestProducer> {
    const { errorCode, producerId, producerEpoch } = await this.client.send(
      endTxnRequest,
      endTxnResponse,
      5,
      {
        ...producer,
        committed: result === 'commit',
      },
    )
    check(errorCode)
    return { ...producer, producerId, producerEpoch }
  }

  /** What the coordinator says; the empty string for an id that it does not know. */
  async stateOf(transactionalId: string): Promise<string> {
    const { transactionStates } = await this.client.send(
      describeTransactionsRequest,
      describeTransactionsResponse,
      0,
      { transactionalIds: [transactionalId] },
    )
    return transactionStates[0]!.transactionState
  }

  /** When the transaction has come to a state; `meanwhile` is called between the looks. */
  async reaches(transactionalId: string, state: string, meanwhile = () => {}): Promise<void> {
    const deadline = Date.now() + SETTLED_WITHIN_MS
    for (;;) {
      const found = await this.stateOf(transactionalId)
      if (found === state) return
      meanwhile()
      if (Date.now() > deadline) throw new Error(`${transactionalId} is ${found}, not ${state}`)
    }
  }

  /** A partition from the start to what is its end at this level. */
  async read(topic: string, { partition = 0, isolation = 'committed' as Isolation } = {}) {
    const aborted = new Map<number, { readonly producerId: number; readonly firstOffset: number }>()
    const values: string[] = []
    for await (const { batches, abortedTransactions, ...ends } of this.#fetch(topic, partition, isolation)) {
      for (const each of abortedTransactions) aborted.set(each.firstOffset, each)
      values.push(...valuesOf(batches, abortedTransactions))
      if (batches.length === 0) return { ...ends, aborted: [...aborted.values()], values }
    }
    throw new Error('a partition without an end')
  }

  /** Of all records in partition 0. */
  async keysOf(topic: string): Promise<string[]> {
    const keys: string[] = []
    for await (const { batches } of this.#fetch(topic, 0, 'uncommitted'))
      for (const batch of batches) for (const { key } of readRecords(batch, MAX_BYTES)) keys.push(String(key))
    return keys
  }

  /** By as many requests as it takes; the last one brings nothing. */
  async *#fetch(topic: string, partition: number, isolation: Isolation) {
    for (let fetchOffset = 0; ; ) {
      const { responses } = await this.client.send(fetchRequest, fetchResponse, 12, {
        maxWaitMs: 0,
        minBytes: 0,
        isolationLevel: isolation === 'committed' ? 1 : 0,
        topics: [{ topic, partitions: [{ partition, fetchOffset, partitionMaxBytes: MAX_BYTES }] }],
        forgottenTopicsData: [],
      })
      const { errorCode, records, highWatermark, lastStableOffset, abortedTransactions } =
        responses[0]!.partitions[0]!
      check(errorCode)
      const batches = [...new BatchReader(records ?? Buffer.alloc(0))]
      yield { batches, abortedTransactions: abortedTransactions ?? [], highWatermark, lastStableOffset }
      const last = batches.at(-1)
      if (last === undefined) return
      fetchOffset = last.nextOffset
    }
  }

  /** The committed offset; UNSTABLE_OFFSET_COMMIT where a transaction has another one pending. */
  async committedOffset(groupId: string, topic: string): Promise<bigint | 'unstable'> {
    const { groups } = await this.client.send(offsetFetchRequest, offsetFetchResponse, 8, {
      groups: [{ groupId, topics: [{ name: topic, partitionIndexes: [0] }] }],
      requireStable: true,
    })
    const { errorCode, committedOffset } = groups[0]!.topics[0]!.partitions[0]!
    if (errorCode === ErrorCode.UNSTABLE_OFFSET_COMMIT) return 'unstable'
    check(errorCode)
    return committedOffset
  }

  /** Those that a partition knows, and where their transactions begin; -1 for none. */
  async producersOf(topic: string): Promise<{ producerId: number; producerEpoch: number; begins: number }[]> {
    const { topics } = await this.client.send(describeProducersRequest, describeProducersResponse, 0, {
      topics: [{ name: topic, partitionIndexes: [0] }],
    })
    return topics[0]!.partitions[0]!.activeProducers.map(
      ({ producerId, producerEpoch, currentTxnStartOffset }) => ({
        producerId,
        producerEpoch,
        begins: currentTxnStartOffset,
      }),
    )
  }
}

/** As a client filters: what an aborted producer wrote, until its marker, is left out. */
function valuesOf(
  batches: readonly RecordBatch[],
  aborted: readonly { readonly producerId: number; readonly firstOffset: number }[],
): string[] {
  const values: string[] = []
  const pending = [...aborted].sort((a, b) => a.firstOffset - b.firstOffset)
  const skipped = new Set<number>()
  for (const batch of batches) {
    while (pending[0] !== undefined && pending[0].firstOffset <= batch.lastOffset)
      skipped.add(pending.shift()!.producerId)
    if (batch.isControl) skipped.delete(batch.producerId)
    else if (!batch.isTransactional || !skipped.has(batch.producerId))
      for (const { value } of readRecords(batch, MAX_BYTES)) values.push(String(value))
  }
  return values
}

function check(errorCode: number): void {
  if (errorCode !== ErrorCode.NONE) throw new KafkaError(errorCode)
}
