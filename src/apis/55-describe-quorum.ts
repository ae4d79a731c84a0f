/**
 * DescribeQuorum, versions 0–2 (KIP-595): who keeps the metadata. Here it is the node itself, the one voter, whose log
 * is the metadata store: its versions stand for offsets, and every registration of the node begins a leader epoch.
 *
 * - v1: when the voter has last fetched, which for a leader is now; v2: directory ids, error texts and nodes.
 * - Only partition 0 of Kafka's metadata topic is known, and only when nothing else is asked for.
 */
import type { MetadataImage } from '../cluster/metadata/image.ts'
import { CLUSTER_METADATA_TOPIC } from '../cluster/topic-names.ts'
import { defaultErrorMessage, ErrorCode } from '../wire/error-codes.ts'
import { ZERO_UUID } from '../wire/schema.ts'
import {
  type DescribeQuorumRequest,
  describeQuorumRequest,
  describeQuorumResponse,
} from '../wire/schemas/55-describe-quorum.ts'
import { handler } from './handler.ts'

const METADATA_PARTITION = 0

export const describeQuorum = handler({
  request: describeQuorumRequest,
  response: describeQuorumResponse,
  minVersion: 0,
  maxVersion: 2,

  handle(context, { topics }, services) {
    if (!asksForMetadata(topics)) {
      const partitionError = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
      return { errorCode: ErrorCode.NONE, errorMessage: '', topics: failed(topics, partitionError) }
    }
    const { nodeId } = services
    const image = services.metadata.image()
    const nowMs = services.clock.now()
    const voter = {
      replicaId: nodeId,
      // As under Kafka's kraft.version 0, where voters are known by their ids alone.
      replicaDirectoryId: ZERO_UUID,
      logEndOffset: image.version,
      lastFetchTimestamp: nowMs,
      lastCaughtUpTimestamp: nowMs,
    }
    const partition = {
      partitionIndex: METADATA_PARTITION,
      errorCode: ErrorCode.NONE,
      errorMessage: '',
      leaderId: nodeId,
      leaderEpoch: image.brokers.get(nodeId)?.epoch ?? 0,
      highWatermark: image.version,
      currentVoters: [voter],
      observers: [],
    }
    return {
      errorCode: ErrorCode.NONE,
      errorMessage: '',
      topics: [{ topicName: CLUSTER_METADATA_TOPIC, partitions: [partition] }],
      ...(context.apiVersion >= 2 && { nodes: [{ nodeId, listeners: endpoints(image, nodeId) }] }),
    }
  },

  refuse: ({ topics }, errorCode) => ({
    errorCode,
    errorMessage: null,
    topics: failed(topics, errorCode),
  }),
})

/** Kafka's `KafkaRaftClient.hasValidTopicPartition`. */
function asksForMetadata(topics: DescribeQuorumRequest['topics']): boolean {
  const [topic, ...more] = topics
  if (topic?.topicName !== CLUSTER_METADATA_TOPIC || more.length > 0) return false
  return topic.partitions.length === 1 && topic.partitions[0]!.partitionIndex === METADATA_PARTITION
}

function failed(topics: DescribeQuorumRequest['topics'], errorCode: number) {
  return topics.map(({ topicName, partitions }) => ({
    topicName,
    partitions: partitions.map(({ partitionIndex }) => ({
      partitionIndex,
      errorCode,
      errorMessage: defaultErrorMessage(errorCode),
      leaderId: 0,
      leaderEpoch: 0,
      highWatermark: 0,
      currentVoters: [],
      observers: [],
    })),
  }))
}

function endpoints(image: MetadataImage, nodeId: number) {
  const listeners = image.brokers.get(nodeId)?.listeners ?? []
  return listeners.map(({ name, host, port }) => ({ name, host, port }))
}
