/**
 * DescribeProducers, version 0: the producers that a partition remembers, with the transaction that each has open there.
 * Only the leader answers.
 */
import type { HostedPartition } from '../cluster/replicas/hosted-partition.ts'
import { topicNameProblem } from '../cluster/topic-names.ts'
import { defaultErrorMessage, ErrorCode, KafkaError } from '../wire/error-codes.ts'
import {
  type DescribeProducersResponseInput,
  describeProducersRequest,
  describeProducersResponse,
} from '../wire/schemas/61-describe-producers.ts'
import { handler } from './handler.ts'
import type { Services } from './services.ts'

type PartitionAnswer = DescribeProducersResponseInput['topics'][number]['partitions'][number]

const NO_EPOCH = -1

export const describeProducers = handler({
  request: describeProducersRequest,
  response: describeProducersResponse,
  minVersion: 0,
  maxVersion: 0,

  async handle({ time }, request, services) {
    const { slices } = services
    const turn = slices.turn()
    const topics = await slices.map(
      request.topics,
      async ({ name, partitionIndexes }) => {
        const refusal = topicRefusal(name, services)
        const answer = (partition: number) =>
          refusal === undefined
            ? describe(name, partition, services)
            : failed(partition, refusal.code, refusal.message)
        return { name, partitions: await slices.map(partitionIndexes, answer, turn, time) }
      },
      turn,
      time,
    )
    return { topics }
  },

  refuse: (request, errorCode) => ({
    topics: request.topics.map(({ name, partitionIndexes }) => ({
      name,
      partitions: partitionIndexes.map((partition) =>
        failed(partition, errorCode, defaultErrorMessage(errorCode)),
      ),
    })),
  }),
})

function failed(partitionIndex: number, errorCode: number, errorMessage: string | null): PartitionAnswer {
  return { partitionIndex, errorCode, errorMessage, activeProducers: [] }
}

function topicRefusal(name: string, services: Services): KafkaError | undefined {
  const problem = topicNameProblem(name)
  if (problem !== undefined) return new KafkaError(ErrorCode.INVALID_TOPIC_EXCEPTION, problem)
  if (services.metadata.image().topics.has(name)) return undefined
  return new KafkaError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
}

function describe(topic: string, partitionIndex: number, services: Services): PartitionAnswer {
  const partition = services.partitions.get(topic, partitionIndex)
  if (partition === undefined)
    return failed(partitionIndex, services.partitions.missing(topic, partitionIndex), null)
  const errorCode = partition.epochError(NO_EPOCH)
  if (errorCode !== ErrorCode.NONE) return failed(partitionIndex, errorCode, null)
  return { partitionIndex, errorCode, errorMessage: null, activeProducers: activeProducers(partition) }
}

function activeProducers({ log }: HostedPartition): PartitionAnswer['activeProducers'] {
  return Array.from(log.producers.entries.values(), (entry) => ({
    producerId: entry.producerId,
    producerEpoch: entry.producerEpoch,
    lastSequence: entry.lastSequence,
    lastTimestamp: entry.lastTimestamp,
    coordinatorEpoch: entry.coordinatorEpoch,
    currentTxnStartOffset: entry.currentTxnFirstOffset ?? -1,
  }))
}
