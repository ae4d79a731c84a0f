import { expect, test } from 'vitest'
import type { File, FileSystem } from './logstore/file-system.ts'
import { MemoryFileSystem } from './logstore/memory-fs.ts'
import { startTestBroker } from './testing/test-broker.ts'
import { TestClient } from './testing/test-client.ts'
import { BatchReader } from './wire/batch.ts'
import { ErrorCode } from './wire/error-codes.ts'
import { encodeBatch } from './wire/records.ts'
import type { Message } from './wire/schema.ts'
import { produceRequest, produceResponse } from './wire/schemas/00-produce.ts'
import { fetchRequest, fetchResponse } from './wire/schemas/01-fetch.ts'
import { offsetFetchRequest, offsetFetchResponse } from './wire/schemas/09-offset-fetch.ts'
import { findCoordinatorRequest, findCoordinatorResponse } from './wire/schemas/10-find-coordinator.ts'
import { createTopicsRequest, createTopicsResponse } from './wire/schemas/19-create-topics.ts'
import { initProducerIdRequest, initProducerIdResponse } from './wire/schemas/22-init-producer-id.ts'
import { endTxnRequest, endTxnResponse } from './wire/schemas/26-end-txn.ts'
import { txnOffsetCommitRequest, txnOffsetCommitResponse } from './wire/schemas/28-txn-offset-commit.ts'
import {
  describeTransactionsRequest,
  describeTransactionsResponse,
} from './wire/schemas/65-describe-transactions.ts'

const ID = 'orders'
const GROUP = 'readers'
const TOPIC = 'paid'
const SETTLED_WITHIN_MS = 10_000

/** The process is killed at a write to a log: that write and all after it don't happen. */
class KilledAtWrite {
  readonly disk = new MemoryFileSystem()
  /** Of log files, until the kill. */
  writesLeft = Number.POSITIVE_INFINITY

  get fs(): FileSystem {
    return new Proxy<FileSystem>(this.disk, {
      get: (_target, key) => {
        if (key === 'open') return (path: string, mode: 'read' | 'write' | 'create') => this.#open(path, mode)
        const member: unknown = Reflect.get(this.disk, key)
        return typeof member === 'function' ? member.bind(this.disk) : member
      },
    })
  }

  #open(path: string, mode: 'read' | 'write' | 'create'): File {
    const file = this.disk.open(path, mode)
    if (!path.endsWith('.log')) return file
    const write = file.write.bind(file)
    file.write = (buffers, position) => {
      this.writesLeft -= 1
      if (this.writesLeft < 0) this.disk.kill()
      write(buffers, position)
    }
    return file
  }
}

async function start(fs: FileSystem, atEnd: (end: () => Promise<void>) => void) {
  const broker = await startTestBroker(fs, {
    overrides: { 'offsets.topic.num.partitions': '1', 'transaction.state.log.num.partitions': '1' },
  })
  atEnd(() => broker.close())
  const { host, port } = broker.listeners[0]!
  const client = await TestClient.connect(host, port)
  atEnd(() => client.close())
  const ask = <Input, Value>(
    request: Message<unknown, Input>,
    response: Message<Value, unknown>,
    version: number,
    input: NoInfer<Input>,
  ) => client.send(request, response, version, input)
  return { ask }
}

type Ask = Awaited<ReturnType<typeof start>>['ask']

async function begin(ask: Ask, transactionalId: string | null = ID) {
  for (const [keyType, key] of [
    [0, GROUP],
    [1, ID],
  ] as const) {
    await ask(findCoordinatorRequest, findCoordinatorResponse, 4, { keyType, coordinatorKeys: [key] })
  }
  const input = { transactionalId, transactionTimeoutMs: 60_000 }
  const answer = await ask(initProducerIdRequest, initProducerIdResponse, 5, input)
  expect(answer.errorCode).toBe(ErrorCode.NONE)
  return { producerId: answer.producerId, producerEpoch: answer.producerEpoch }
}

/** A transaction over two partitions and an offset, that is open. */
async function open(ask: Ask) {
  const made = await ask(createTopicsRequest, createTopicsResponse, 7, {
    topics: [{ name: TOPIC, numPartitions: 2, replicationFactor: 1, assignments: [], configs: [] }],
    timeoutMs: 5000,
  })
  const producer = await begin(ask)
  const records = encodeBatch({
    ...producer,
    baseSequence: 0,
    isTransactional: true,
    baseTimestamp: 1_700_000_000_000,
    records: [{ value: Buffer.from('v') }],
  })
  const { topicId } = made.topics[0]!
  const produced = await ask(produceRequest, produceResponse, 13, {
    transactionalId: ID,
    acks: -1,
    timeoutMs: 5000,
    topicData: [
      { topicId, partitionData: [0, 1].map((index) => ({ index, records: Buffer.from(records) })) },
    ],
  })
  for (const { errorCode } of produced.responses[0]!.partitionResponses)
    expect(errorCode).toBe(ErrorCode.NONE)
  const committed = await ask(txnOffsetCommitRequest, txnOffsetCommitResponse, 5, {
    transactionalId: ID,
    groupId: GROUP,
    ...producer,
    topics: [
      {
        name: TOPIC,
        partitions: [{ partitionIndex: 0, committedOffset: 5n, committedMetadata: '' }],
      },
    ],
  })
  expect(committed.topics[0]!.partitions[0]!.errorCode).toBe(ErrorCode.NONE)
  return producer
}

/** The state when no markers are to be written any more. */
async function settled(ask: Ask): Promise<string> {
  const deadline = Date.now() + SETTLED_WITHIN_MS
  for (;;) {
    const answer = await ask(describeTransactionsRequest, describeTransactionsResponse, 0, {
      transactionalIds: [ID],
    })
    const { transactionState } = answer.transactionStates[0]!
    if (transactionState !== '' && !transactionState.startsWith('Prepare')) return transactionState
    if (Date.now() > deadline) throw new Error(`still ${transactionState}`)
  }
}

/** What a reader of committed records sees in each partition, and the committed offset. */
async function seen(ask: Ask) {
  const fetched = await ask(fetchRequest, fetchResponse, 12, {
    maxWaitMs: 0,
    minBytes: 0,
    isolationLevel: 1,
    topics: [
      {
        topic: TOPIC,
        partitions: [0, 1].map((partition) => ({ partition, fetchOffset: 0, partitionMaxBytes: 10_000 })),
      },
    ],
    forgottenTopicsData: [],
  })
  const offsets = await ask(offsetFetchRequest, offsetFetchResponse, 8, {
    groups: [{ groupId: GROUP, topics: [{ name: TOPIC, partitionIndexes: [0] }] }],
    requireStable: true,
  })
  const { errorCode, committedOffset } = offsets.groups[0]!.topics[0]!.partitions[0]!
  return {
    records: fetched.responses[0]!.partitions.map(({ records, abortedTransactions }) =>
      abortedTransactions?.length === 0
        ? [...new BatchReader(records ?? Buffer.alloc(0))].filter(({ isControl }) => !isControl).length
        : 0,
    ),
    offset: errorCode === ErrorCode.NONE ? committedOffset : errorCode,
  }
}

const COMMITTED = { records: [1, 1], offset: 5n }
const NOTHING = { records: [0, 0], offset: -1n }

test.concurrent.for([0, 1, 2, 3, 4, 5])(
  'a commit that a kill cuts off before write %d is carried out whole after the restart, or not at all',
  async (writes, { onTestFinished }) => {
    const machine = new KilledAtWrite()
    const before = await start(machine.fs, onTestFinished)
    const producer = await open(before.ask)
    machine.writesLeft = writes
    const commit = { transactionalId: ID, ...producer, committed: true }
    const answered = await before.ask(endTxnRequest, endTxnResponse, 5, commit).then(
      ({ errorCode }) => errorCode,
      () => 'none',
    )
    machine.disk.kill()

    const { ask } = await start(machine.disk, onTestFinished)
    const state = await settled(ask)
    // The first write is the decision.
    expect(state).toBe(writes === 0 ? 'Ongoing' : 'CompleteCommit')
    if (answered === ErrorCode.NONE) expect(state).toBe('CompleteCommit')
    if (state === 'CompleteCommit') expect(await seen(ask)).toEqual(COMMITTED)
    else {
      expect(await seen(ask)).toEqual({ records: [0, 0], offset: ErrorCode.UNSTABLE_OFFSET_COMMIT })
      const abort = { transactionalId: ID, ...producer, committed: false }
      expect((await ask(endTxnRequest, endTxnResponse, 5, abort)).errorCode).toBe(ErrorCode.NONE)
      expect(await seen(ask)).toEqual(NOTHING)
    }
    expect((await begin(ask, null)).producerId).toBeGreaterThan(producer.producerId)
  },
)
