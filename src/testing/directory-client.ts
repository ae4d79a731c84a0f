import { BatchReader } from '../wire/batch.ts'
import { readRecords } from '../wire/record-reader.ts'
import { encodeBatch } from '../wire/records.ts'
import { produceRequest, produceResponse } from '../wire/schemas/00-produce.ts'
import { fetchRequest, fetchResponse } from '../wire/schemas/01-fetch.ts'
import { listOffsetsRequest, listOffsetsResponse } from '../wire/schemas/02-list-offsets.ts'
import { metadataRequest, metadataResponse } from '../wire/schemas/03-metadata.ts'
import { offsetCommitRequest, offsetCommitResponse } from '../wire/schemas/08-offset-commit.ts'
import { offsetFetchRequest, offsetFetchResponse } from '../wire/schemas/09-offset-fetch.ts'
import { findCoordinatorRequest, findCoordinatorResponse } from '../wire/schemas/10-find-coordinator.ts'
import { createTopicsRequest, createTopicsResponse } from '../wire/schemas/19-create-topics.ts'
import { deleteTopicsRequest, deleteTopicsResponse } from '../wire/schemas/20-delete-topics.ts'
import { deleteRecordsRequest, deleteRecordsResponse } from '../wire/schemas/21-delete-records.ts'
import {
  alterReplicaLogDirsRequest,
  alterReplicaLogDirsResponse,
} from '../wire/schemas/34-alter-replica-log-dirs.ts'
import { describeLogDirsRequest, describeLogDirsResponse } from '../wire/schemas/35-describe-log-dirs.ts'
import {
  incrementalAlterConfigsRequest,
  incrementalAlterConfigsResponse,
} from '../wire/schemas/44-incremental-alter-configs.ts'
import { newTopic } from './new-topic.ts'
import { TestClient } from './test-client.ts'

/** Where a log is, or a copy that is being made of it. */
export interface LogPlace {
  readonly path: string
  readonly topic: string
  readonly partition: number
  readonly size: number
  readonly lag: number
  readonly isFuture: boolean
}

const BROKER = 4
const SET = 0
const MAX_BYTES = 64 * 1024 * 1024

/** What the tests of log directories ask a broker. */
export class DirectoryClient {
  readonly client: TestClient

  private constructor(client: TestClient) {
    this.client = client
  }

  static async connect(host: string, port: number): Promise<DirectoryClient> {
    return new DirectoryClient(await TestClient.connect(host, port))
  }

  close(): Promise<void> {
    return this.client.close()
  }

  async create(name: string, numPartitions: number, configs: Record<string, string> = {}): Promise<string> {
    const { topics } = await this.client.send(createTopicsRequest, createTopicsResponse, 7, {
      topics: [newTopic(name, numPartitions, configs)],
      timeoutMs: 1000,
    })
    if (topics[0]!.errorCode !== 0) throw new Error(`${name} is not made: ${topics[0]!.errorMessage}`)
    return topics[0]!.topicId
  }

  async delete(name: string): Promise<number> {
    const input = { topics: [{ name }], timeoutMs: 1000 }
    const { responses } = await this.client.send(deleteTopicsRequest, deleteTopicsResponse, 6, input)
    return responses[0]!.errorCode
  }

  async produce(topic: string, partition: number, value: string | Buffer): Promise<number> {
    return this.produceBatch(
      topic,
      partition,
      encodeBatch({ baseTimestamp: Date.now(), records: [{ value: Buffer.from(value) }] }),
    )
  }

  async produceBatch(topic: string, partition: number, records: Buffer): Promise<number> {
    const { responses } = await this.client.send(produceRequest, produceResponse, 9, {
      acks: -1,
      timeoutMs: 1000,
      topicData: [{ name: topic, partitionData: [{ index: partition, records }] }],
    })
    return responses[0]!.partitionResponses[0]!.errorCode
  }

  async fetch(topic: string, partition: number, fetchOffset = 0, maxWaitMs = 0) {
    const { responses } = await this.client.send(fetchRequest, fetchResponse, 12, {
      maxWaitMs,
      minBytes: maxWaitMs > 0 ? 1 : 0,
      maxBytes: MAX_BYTES,
      topics: [{ topic, partitions: [{ partition, fetchOffset, partitionMaxBytes: MAX_BYTES }] }],
    })
    return responses[0]!.partitions[0]!
  }

  /** All values of a partition, from the beginning. */
  async values(topic: string, partition: number): Promise<string[]> {
    const values: string[] = []
    for (let offset = 0; ; ) {
      const { errorCode, records, highWatermark } = await this.fetch(topic, partition, offset)
      if (errorCode !== 0) throw new Error(`${topic}-${partition} at ${offset}: error ${errorCode}`)
      for (const batch of new BatchReader(records ?? Buffer.alloc(0))) {
        for (const record of readRecords(batch, MAX_BYTES)) values.push(String(record.value))
        offset = batch.nextOffset
      }
      if (offset >= highWatermark) return values
    }
  }

  async endOffset(topic: string, partition: number): Promise<{ errorCode: number; offset: number }> {
    const { topics } = await this.client.send(listOffsetsRequest, listOffsetsResponse, 7, {
      replicaId: -1,
      topics: [{ name: topic, partitions: [{ partitionIndex: partition, timestamp: -1 }] }],
    })
    const { errorCode, offset } = topics[0]!.partitions[0]!
    return { errorCode, offset }
  }

  async partition(topic: string, partition: number) {
    const input = { topics: [{ name: topic }], allowAutoTopicCreation: false }
    const { topics } = await this.client.send(metadataRequest, metadataResponse, 12, input)
    const found = topics[0]!.partitions.find(({ partitionIndex }) => partitionIndex === partition)
    if (found === undefined) throw new Error(`${topic} has no partition ${partition}`)
    return found
  }

  async describe() {
    const { results } = await this.client.send(describeLogDirsRequest, describeLogDirsResponse, 5, {
      topics: null,
    })
    return results
  }

  /** In the order of the partitions. */
  async places(): Promise<LogPlace[]> {
    const places: LogPlace[] = []
    for (const { logDir, topics } of await this.describe()) {
      for (const { name, partitions } of topics) {
        for (const { partitionIndex, partitionSize, offsetLag, isFutureKey } of partitions)
          places.push({
            path: logDir,
            topic: name,
            partition: partitionIndex,
            size: partitionSize,
            lag: offsetLag,
            isFuture: isFutureKey,
          })
      }
    }
    return places.sort((a, b) =>
      a.topic === b.topic ? a.partition - b.partition : a.topic < b.topic ? -1 : 1,
    )
  }

  async placeOf(topic: string, partition: number): Promise<LogPlace> {
    const places = await this.places()
    const found = places.filter(
      (each) => each.topic === topic && each.partition === partition && !each.isFuture,
    )
    if (found.length !== 1) throw new Error(`${topic}-${partition} is in ${found.length} places`)
    return found[0]!
  }

  async alter(topic: string, partition: number, path: string): Promise<number> {
    const { results } = await this.client.send(alterReplicaLogDirsRequest, alterReplicaLogDirsResponse, 2, {
      dirs: [{ path, topics: [{ name: topic, partitions: [partition] }] }],
    })
    return results[0]!.partitions[0]!.errorCode
  }

  async deleteRecords(topic: string, partition: number, offset: number): Promise<number> {
    const { topics } = await this.client.send(deleteRecordsRequest, deleteRecordsResponse, 2, {
      topics: [{ name: topic, partitions: [{ partitionIndex: partition, offset }] }],
      timeoutMs: 1000,
    })
    return topics[0]!.partitions[0]!.errorCode
  }

  /** Of broker 1. */
  async setBrokerConfig(name: string, value: string): Promise<number> {
    const { responses } = await this.client.send(
      incrementalAlterConfigsRequest,
      incrementalAlterConfigsResponse,
      1,
      {
        resources: [
          { resourceType: BROKER, resourceName: '1', configs: [{ name, configOperation: SET, value }] },
        ],
        validateOnly: false,
      },
    )
    return responses[0]!.errorCode
  }

  async findCoordinator(group: string): Promise<number> {
    const input = { key: group }
    return (await this.client.send(findCoordinatorRequest, findCoordinatorResponse, 3, input)).errorCode
  }

  async commit(groupId: string, topic: string, offset: bigint): Promise<number> {
    const { topics } = await this.client.send(offsetCommitRequest, offsetCommitResponse, 8, {
      groupId,
      topics: [
        { name: topic, partitions: [{ partitionIndex: 0, committedOffset: offset, committedMetadata: '' }] },
      ],
    })
    return topics[0]!.partitions[0]!.errorCode
  }

  async committedOffset(
    groupId: string,
    topic: string,
  ): Promise<{ errorCode: number; offset: bigint | undefined }> {
    const { errorCode, topics } = await this.client.send(offsetFetchRequest, offsetFetchResponse, 7, {
      groupId,
      topics: [{ name: topic, partitionIndexes: [0] }],
    })
    return { errorCode, offset: topics[0]?.partitions[0]?.committedOffset }
  }

  /** Asks again until it is so: for what the broker does by itself. */
  async until(isSo: () => Promise<boolean>): Promise<void> {
    while (!(await isSo())) await new Promise((resolve) => setImmediate(resolve))
  }
}
