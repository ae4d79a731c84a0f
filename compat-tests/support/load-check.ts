import { setTimeout as delay } from 'node:timers/promises'
import { TestClient } from '../../src/testing/test-client.ts'
import { createTopicsRequest, createTopicsResponse } from '../../src/wire/schemas/19-create-topics.ts'
import { type Address, CommittingMember, IdempotentProducer } from './load.ts'
import { readPartition } from './read-partition.ts'

const TOPIC = 'load'
const PARTITIONS = 2

/** Two producers to each of two partitions and a member that commits, and what has to hold of all they were told. */
export class LoadCheck {
  readonly #address: Address
  readonly producers: readonly IdempotentProducer[]
  readonly member: CommittingMember

  /** @param pauseMs of each producer after each answer */
  constructor(address: Address, pauseMs = 0) {
    this.#address = address
    this.producers = Array.from(
      { length: PARTITIONS * 2 },
      (_, index) =>
        new IdempotentProducer({
          address,
          name: `p${index}`,
          topic: TOPIC,
          partition: index % PARTITIONS,
          recordsPerBatch: 1 + index * 3,
          pauseMs,
        }),
    )
    this.member = new CommittingMember(address, 'committers', TOPIC)
  }

  async start(): Promise<void> {
    const client = await this.#connect()
    await client.send(createTopicsRequest, createTopicsResponse, 5, {
      topics: [
        { name: TOPIC, numPartitions: PARTITIONS, replicationFactor: 1, assignments: [], configs: [] },
      ],
      timeoutMs: 10_000,
    })
    await client.close()
    for (const load of this.#loads) load.start()
  }

  disconnect(): void {
    for (const load of this.#loads) load.disconnect()
  }

  /** Ends without waiting for what is unanswered; the broker may be gone. */
  async abandon(): Promise<void> {
    for (const load of this.#loads) load.abandon()
    await this.stop()
  }

  async stop(): Promise<void> {
    await Promise.all(this.#loads.map((load) => load.stop()))
  }

  get acknowledged(): number {
    return this.producers.reduce((sum, { acknowledged }) => sum + acknowledged.length, 0)
  }

  get faults(): string[] {
    return this.#loads.flatMap(({ faults }) => faults)
  }

  /** Resolves when this many more records and one more commit were acknowledged, or something went wrong. */
  async progress(records: number): Promise<void> {
    const target = this.acknowledged + records
    const commits = this.member.commits
    while ((this.acknowledged < target || this.member.commits === commits) && this.faults.length === 0)
      await delay(2)
  }

  /**
   * What is wrong with the log where the ends of its partitions may be lost: anything but the records of each producer
   * from its first on, in order, in whole batches with a right CRC.
   */
  async inspectPrefix(): Promise<string[]> {
    const wrong: string[] = []
    const client = await this.#connect()
    for (let partition = 0; partition < PARTITIONS; partition++) {
      const records = await readPartition(client, TOPIC, partition)
      for (const [index, { offset }] of records.entries())
        if (offset !== index) wrong.push(`partition ${partition}: offset ${offset} where ${index} was due`)
      for (const { name, acknowledged, recordsPerBatch } of this.producers.filter(
        (producer) => producer.partition === partition,
      )) {
        const own = records.filter(({ value }) => value.startsWith(`${name}:`))
        if (own.length % recordsPerBatch !== 0) wrong.push(`${name}: part of a batch of ${recordsPerBatch}`)
        for (const [sequence, { offset, value }] of own.entries()) {
          if (value !== `${name}:${sequence}`) wrong.push(`${value} in place of ${sequence}`)
          if (sequence < acknowledged.length && acknowledged[sequence] !== offset)
            wrong.push(`${value} at ${offset}, acknowledged at ${acknowledged[sequence]}`)
        }
      }
    }
    const committed = await this.member.fetchCommitted(client)
    if (committed > this.member.sent) wrong.push(`committed ${committed}, sent ${this.member.sent}`)
    await client.close()
    return wrong
  }

  /** What is wrong with the log and the committed offset; call after `stop`. */
  async inspect(): Promise<string[]> {
    const wrong = [...this.faults]
    const client = await this.#connect()
    for (let partition = 0; partition < PARTITIONS; partition++) {
      const records = await readPartition(client, TOPIC, partition)
      for (const [index, { offset }] of records.entries())
        if (offset !== index) wrong.push(`partition ${partition}: offset ${offset} where ${index} was due`)
      for (const producer of this.producers) {
        if (producer.partition !== partition) continue
        const own = records.filter(({ value }) => value.startsWith(`${producer.name}:`))
        for (const [sequence, { value }] of own.entries())
          if (value !== `${producer.name}:${sequence}`) wrong.push(`${value} in place of ${sequence}`)
        if (own.length !== producer.acknowledged.length)
          wrong.push(`${producer.name}: ${own.length} records, ${producer.acknowledged.length} acknowledged`)
        for (const [sequence, offset] of producer.acknowledged.entries())
          if (records[offset]?.value !== `${producer.name}:${sequence}`)
            wrong.push(`${producer.name}:${sequence} acknowledged at ${offset}: ${records[offset]?.value}`)
      }
    }
    const committed = await this.member.fetchCommitted(client)
    const { committed: acknowledged, sent } = this.member
    if (committed < acknowledged || committed > sent)
      wrong.push(`committed ${committed}, acknowledged ${acknowledged}, sent ${sent}`)
    await client.close()
    return wrong
  }

  get #loads() {
    return [...this.producers, this.member]
  }

  #connect(): Promise<TestClient> {
    const { host, port } = this.#address()!
    return TestClient.connect(host, port)
  }
}
