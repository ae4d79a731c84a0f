import { setTimeout as delay } from 'node:timers/promises'
import { TestClient } from '../../src/testing/test-client.ts'
import { ErrorCode, errorName, isRetriable } from '../../src/wire/error-codes.ts'
import { encodeBatch } from '../../src/wire/records.ts'
import { produceRequest, produceResponse } from '../../src/wire/schemas/00-produce.ts'
import { offsetCommitRequest, offsetCommitResponse } from '../../src/wire/schemas/08-offset-commit.ts'
import { offsetFetchRequest, offsetFetchResponse } from '../../src/wire/schemas/09-offset-fetch.ts'
import { joinGroupRequest, joinGroupResponse } from '../../src/wire/schemas/11-join-group.ts'
import { syncGroupRequest, syncGroupResponse } from '../../src/wire/schemas/14-sync-group.ts'
import { initProducerIdRequest, initProducerIdResponse } from '../../src/wire/schemas/22-init-producer-id.ts'

/** Where the broker is now; asked again for each connection, as a broker that was killed comes back elsewhere. */
export type Address = () => { readonly host: string; readonly port: number } | undefined

const RETRY_MS = 5
/** The broker remembers five batches of a producer. */
const MAX_IN_FLIGHT = 5
const PRODUCE_VERSION = 9

/** The connection is given up; what is unanswered is sent again on the next one. */
export class TryAgain extends Error {}

async function connect(address: Address): Promise<TestClient> {
  const at = address()
  if (at === undefined) throw new TryAgain('the broker is down')
  return TestClient.connect(at.host, at.port, 'load')
}

/** Refused, reset or ended, or given up by ourselves. */
function isOfConnection(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  return (
    error instanceof TryAgain || 'code' in error || /^the (broker closed the )?connection/.test(error.message)
  )
}

/** Something that goes on over connections that break, until it is stopped or meets what a client could not survive. */
export abstract class Load {
  readonly #address: Address
  #stopping = false
  #abandoned = false
  #client: TestClient | undefined
  #running: Promise<void> | undefined
  /** What must never happen to a client. */
  readonly faults: string[] = []

  constructor(address: Address) {
    this.#address = address
  }

  start(): void {
    this.#running = this.#run()
  }

  /** Ends after the answers that are due have come. The broker has to be up. */
  async stop(): Promise<void> {
    this.#stopping = true
    await this.#running
  }

  /** Drops the connection, as a broker that dies does. */
  disconnect(): void {
    this.#client?.socket.destroy()
  }

  /** Makes `stop` end at once, whatever is still unanswered. */
  abandon(): void {
    this.#abandoned = true
    this.disconnect()
  }

  protected get stopping(): boolean {
    return this.#stopping
  }

  /** Works on one connection until there is nothing more to do. */
  protected abstract work(client: TestClient): Promise<void>

  protected fault(what: string): void {
    this.faults.push(what)
  }

  async #run(): Promise<void> {
    while (!this.#abandoned) {
      try {
        this.#client = await connect(this.#address)
        await this.work(this.#client)
        if (this.#stopping || this.faults.length > 0) return
      } catch (error) {
        if (!isOfConnection(error)) {
          this.fault(String(error))
          return
        }
        await delay(RETRY_MS)
      } finally {
        this.#client?.socket.destroy()
        this.#client = undefined
      }
    }
  }
}

export interface IdempotentProducerOptions {
  readonly address: Address
  /** Is in the values. */
  readonly name: string
  readonly topic: string
  readonly partition: number
  readonly recordsPerBatch: number
  /** After each answer. */
  readonly pauseMs: number
}

interface Pending {
  readonly firstSequence: number
  readonly count: number
}

/** An idempotent acks=all producer of one partition that sends the same sequences again until they are acknowledged. */
export class IdempotentProducer extends Load {
  readonly topic: string
  readonly partition: number
  readonly name: string
  readonly recordsPerBatch: number
  readonly #pauseMs: number
  readonly #pending: Pending[] = []
  #producerId = -1
  #nextSequence = 0
  /** Offset at which each sequence was acknowledged, by sequence. */
  readonly acknowledged: number[] = []

  constructor(options: IdempotentProducerOptions) {
    super(options.address)
    this.name = options.name
    this.topic = options.topic
    this.partition = options.partition
    this.recordsPerBatch = options.recordsPerBatch
    this.#pauseMs = options.pauseMs
  }

  protected async work(client: TestClient): Promise<void> {
    if (this.#producerId < 0) {
      const { errorCode, producerId } = await client.send(initProducerIdRequest, initProducerIdResponse, 4, {
        transactionalId: null,
        transactionTimeoutMs: 60_000,
      })
      if (errorCode !== ErrorCode.NONE) throw new TryAgain(errorName(errorCode))
      this.#producerId = producerId
    }
    const answers = this.#pending.map((batch) => this.#send(client, batch))
    for (;;) {
      while (!this.stopping && answers.length < MAX_IN_FLIGHT) {
        const batch = { firstSequence: this.#nextSequence, count: this.recordsPerBatch }
        this.#nextSequence += batch.count
        this.#pending.push(batch)
        answers.push(this.#send(client, batch))
      }
      const answer = answers.shift()
      if (answer === undefined) return
      const { errorCode, baseOffset } = await answer
      const batch = this.#pending[0]!
      if (errorCode !== ErrorCode.NONE) {
        if (isRetriable(errorCode)) throw new TryAgain(errorName(errorCode))
        this.fault(`${this.name}: sequence ${batch.firstSequence}: ${errorName(errorCode)}`)
        return
      }
      for (let index = 0; index < batch.count; index++) this.acknowledged.push(baseOffset + index)
      this.#pending.shift()
      if (this.#pauseMs > 0) await delay(this.#pauseMs)
    }
  }

  #send(client: TestClient, { firstSequence, count }: Pending) {
    const records = encodeBatch({
      producerId: this.#producerId,
      producerEpoch: 0,
      baseSequence: firstSequence,
      baseTimestamp: Date.now(),
      records: Array.from({ length: count }, (_, index) => ({
        value: Buffer.from(`${this.name}:${firstSequence + index}`),
      })),
    })
    const answer = client
      .send(produceRequest, produceResponse, PRODUCE_VERSION, {
        acks: -1,
        timeoutMs: 30_000,
        topicData: [{ name: this.topic, partitionData: [{ index: this.partition, records: [records] }] }],
      })
      .then(({ responses }) => responses[0]!.partitionResponses[0]!)
    // Answers behind the one that failed are of no interest.
    answer.catch(() => {})
    return answer
  }
}

/** The only member of a group, which commits ever higher offsets and looks whether they are there after each connect. */
export class CommittingMember extends Load {
  readonly groupId: string
  readonly topic: string
  #memberId = ''
  #generationId = -1
  /** The highest offset that a commit was sent for. */
  sent = 0
  /** The highest offset whose commit was acknowledged. */
  committed = -1
  commits = 0
  rejoins = 0

  constructor(address: Address, groupId: string, topic: string) {
    super(address)
    this.groupId = groupId
    this.topic = topic
  }

  protected async work(client: TestClient): Promise<void> {
    const found = await this.fetchCommitted(client)
    if (found < this.committed || found > this.sent) {
      this.fault(`committed ${found}, acknowledged ${this.committed}, sent ${this.sent}`)
      return
    }
    while (!this.stopping) {
      if (this.#generationId < 0) await this.#join(client)
      const errorCode = await this.#commit(client, ++this.sent)
      if (errorCode === ErrorCode.NONE) {
        this.committed = this.sent
        this.commits++
      } else if (errorCode === ErrorCode.UNKNOWN_MEMBER_ID || errorCode === ErrorCode.ILLEGAL_GENERATION) {
        this.#generationId = -1
        this.rejoins++
      } else if (isRetriable(errorCode)) throw new TryAgain(errorName(errorCode))
      else this.fault(`commit of ${this.sent}: ${errorName(errorCode)}`)
    }
  }

  fetchCommitted(client: TestClient): Promise<number> {
    return fetchCommitted(client, this.groupId, this.topic)
  }

  async #join(client: TestClient): Promise<void> {
    const joined = await client.send(joinGroupRequest, joinGroupResponse, 7, {
      groupId: this.groupId,
      sessionTimeoutMs: 30_000,
      rebalanceTimeoutMs: 30_000,
      memberId: this.#memberId,
      protocolType: 'consumer',
      protocols: [{ name: 'range', metadata: Buffer.alloc(0) }],
    })
    if (joined.errorCode === ErrorCode.MEMBER_ID_REQUIRED) {
      this.#memberId = joined.memberId
      return this.#join(client)
    }
    if (joined.errorCode === ErrorCode.UNKNOWN_MEMBER_ID) this.#memberId = ''
    if (joined.errorCode !== ErrorCode.NONE) throw new TryAgain(errorName(joined.errorCode))
    const synced = await client.send(syncGroupRequest, syncGroupResponse, 5, {
      groupId: this.groupId,
      generationId: joined.generationId,
      memberId: joined.memberId,
      protocolType: 'consumer',
      protocolName: 'range',
      assignments: [{ memberId: joined.memberId, assignment: Buffer.from('all') }],
    })
    if (synced.errorCode !== ErrorCode.NONE) throw new TryAgain(errorName(synced.errorCode))
    this.#generationId = joined.generationId
  }

  #commit(client: TestClient, offset: number): Promise<number> {
    const member = { generationId: this.#generationId, memberId: this.#memberId }
    return commitOffset(client, this.groupId, this.topic, offset, member)
  }
}

/** Of partition 0; -1 where there is none. */
export async function fetchCommitted(client: TestClient, groupId: string, topic: string): Promise<number> {
  const { groups } = await client.send(offsetFetchRequest, offsetFetchResponse, 8, {
    groups: [{ groupId, topics: [{ name: topic, partitionIndexes: [0] }] }],
  })
  const group = groups[0]!
  const partition = group.topics[0]?.partitions[0]
  const errorCode = group.errorCode || (partition?.errorCode ?? 0)
  if (errorCode !== ErrorCode.NONE) throw new TryAgain(errorName(errorCode))
  return Number(partition!.committedOffset)
}

/** Of partition 0, without a membership unless one is given. The error code. */
export async function commitOffset(
  client: TestClient,
  groupId: string,
  topic: string,
  offset: number,
  { generationId, memberId } = { generationId: -1, memberId: '' },
): Promise<number> {
  const { topics } = await client.send(offsetCommitRequest, offsetCommitResponse, 8, {
    groupId,
    generationIdOrMemberEpoch: generationId,
    memberId,
    topics: [
      {
        name: topic,
        partitions: [{ partitionIndex: 0, committedOffset: BigInt(offset), committedMetadata: null }],
      },
    ],
  })
  return topics[0]!.partitions[0]!.errorCode
}
