import { servedRanges } from '../../src/apis/table.ts'
import type { FieldMap, FieldSchema, Message, MessageSchema } from '../../src/wire/schema.ts'
import { produceRequest, produceResponse } from '../../src/wire/schemas/00-produce.ts'
import { fetchRequest, fetchResponse } from '../../src/wire/schemas/01-fetch.ts'
import { listOffsetsRequest, listOffsetsResponse } from '../../src/wire/schemas/02-list-offsets.ts'
import { metadataRequest, metadataResponse } from '../../src/wire/schemas/03-metadata.ts'
import { offsetCommitRequest, offsetCommitResponse } from '../../src/wire/schemas/08-offset-commit.ts'
import { offsetFetchRequest, offsetFetchResponse } from '../../src/wire/schemas/09-offset-fetch.ts'
import {
  findCoordinatorRequest,
  findCoordinatorResponse,
} from '../../src/wire/schemas/10-find-coordinator.ts'
import { joinGroupRequest, joinGroupResponse } from '../../src/wire/schemas/11-join-group.ts'
import { heartbeatRequest, heartbeatResponse } from '../../src/wire/schemas/12-heartbeat.ts'
import { leaveGroupRequest, leaveGroupResponse } from '../../src/wire/schemas/13-leave-group.ts'
import { syncGroupRequest, syncGroupResponse } from '../../src/wire/schemas/14-sync-group.ts'
import { describeGroupsRequest, describeGroupsResponse } from '../../src/wire/schemas/15-describe-groups.ts'
import { listGroupsRequest, listGroupsResponse } from '../../src/wire/schemas/16-list-groups.ts'
import { apiVersionsRequest, apiVersionsResponse } from '../../src/wire/schemas/18-api-versions.ts'
import { createTopicsRequest, createTopicsResponse } from '../../src/wire/schemas/19-create-topics.ts'
import { deleteTopicsRequest, deleteTopicsResponse } from '../../src/wire/schemas/20-delete-topics.ts'
import { deleteRecordsRequest, deleteRecordsResponse } from '../../src/wire/schemas/21-delete-records.ts'
import { initProducerIdRequest, initProducerIdResponse } from '../../src/wire/schemas/22-init-producer-id.ts'
import {
  offsetForLeaderEpochRequest,
  offsetForLeaderEpochResponse,
} from '../../src/wire/schemas/23-offset-for-leader-epoch.ts'
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
  writeTxnMarkersRequest,
  writeTxnMarkersResponse,
} from '../../src/wire/schemas/27-write-txn-markers.ts'
import {
  txnOffsetCommitRequest,
  txnOffsetCommitResponse,
} from '../../src/wire/schemas/28-txn-offset-commit.ts'
import { describeAclsRequest, describeAclsResponse } from '../../src/wire/schemas/29-describe-acls.ts'
import { createAclsRequest, createAclsResponse } from '../../src/wire/schemas/30-create-acls.ts'
import { deleteAclsRequest, deleteAclsResponse } from '../../src/wire/schemas/31-delete-acls.ts'
import {
  describeConfigsRequest,
  describeConfigsResponse,
} from '../../src/wire/schemas/32-describe-configs.ts'
import { alterConfigsRequest, alterConfigsResponse } from '../../src/wire/schemas/33-alter-configs.ts'
import {
  alterReplicaLogDirsRequest,
  alterReplicaLogDirsResponse,
} from '../../src/wire/schemas/34-alter-replica-log-dirs.ts'
import {
  describeLogDirsRequest,
  describeLogDirsResponse,
} from '../../src/wire/schemas/35-describe-log-dirs.ts'
import {
  createPartitionsRequest,
  createPartitionsResponse,
} from '../../src/wire/schemas/37-create-partitions.ts'
import { deleteGroupsRequest, deleteGroupsResponse } from '../../src/wire/schemas/42-delete-groups.ts'
import { electLeadersRequest, electLeadersResponse } from '../../src/wire/schemas/43-elect-leaders.ts'
import {
  incrementalAlterConfigsRequest,
  incrementalAlterConfigsResponse,
} from '../../src/wire/schemas/44-incremental-alter-configs.ts'
import {
  alterPartitionReassignmentsRequest,
  alterPartitionReassignmentsResponse,
} from '../../src/wire/schemas/45-alter-partition-reassignments.ts'
import {
  listPartitionReassignmentsRequest,
  listPartitionReassignmentsResponse,
} from '../../src/wire/schemas/46-list-partition-reassignments.ts'
import { offsetDeleteRequest, offsetDeleteResponse } from '../../src/wire/schemas/47-offset-delete.ts'
import {
  describeClientQuotasRequest,
  describeClientQuotasResponse,
} from '../../src/wire/schemas/48-describe-client-quotas.ts'
import {
  alterClientQuotasRequest,
  alterClientQuotasResponse,
} from '../../src/wire/schemas/49-alter-client-quotas.ts'
import {
  describeUserScramCredentialsRequest,
  describeUserScramCredentialsResponse,
} from '../../src/wire/schemas/50-describe-user-scram-credentials.ts'
import { describeQuorumRequest, describeQuorumResponse } from '../../src/wire/schemas/55-describe-quorum.ts'
import { updateFeaturesRequest, updateFeaturesResponse } from '../../src/wire/schemas/57-update-features.ts'
import {
  describeClusterRequest,
  describeClusterResponse,
} from '../../src/wire/schemas/60-describe-cluster.ts'
import {
  describeProducersRequest,
  describeProducersResponse,
} from '../../src/wire/schemas/61-describe-producers.ts'
import {
  unregisterBrokerRequest,
  unregisterBrokerResponse,
} from '../../src/wire/schemas/64-unregister-broker.ts'
import {
  describeTransactionsRequest,
  describeTransactionsResponse,
} from '../../src/wire/schemas/65-describe-transactions.ts'
import {
  listTransactionsRequest,
  listTransactionsResponse,
} from '../../src/wire/schemas/66-list-transactions.ts'
import {
  consumerGroupHeartbeatRequest,
  consumerGroupHeartbeatResponse,
} from '../../src/wire/schemas/68-consumer-group-heartbeat.ts'
import {
  consumerGroupDescribeRequest,
  consumerGroupDescribeResponse,
} from '../../src/wire/schemas/69-consumer-group-describe.ts'
import {
  listConfigResourcesRequest,
  listConfigResourcesResponse,
} from '../../src/wire/schemas/74-list-config-resources.ts'
import {
  describeTopicPartitionsRequest,
  describeTopicPartitionsResponse,
} from '../../src/wire/schemas/75-describe-topic-partitions.ts'
import { includesVersion, parseVersions } from '../../src/wire/versions.ts'

/** A request with its answer. */
export type Call<Input, Value> = readonly [
  request: Message<unknown, Input>,
  response: Message<Value, unknown>,
]

export const api = {
  produce: [produceRequest, produceResponse],
  fetch: [fetchRequest, fetchResponse],
  listOffsets: [listOffsetsRequest, listOffsetsResponse],
  metadata: [metadataRequest, metadataResponse],
  offsetCommit: [offsetCommitRequest, offsetCommitResponse],
  offsetFetch: [offsetFetchRequest, offsetFetchResponse],
  findCoordinator: [findCoordinatorRequest, findCoordinatorResponse],
  joinGroup: [joinGroupRequest, joinGroupResponse],
  heartbeat: [heartbeatRequest, heartbeatResponse],
  leaveGroup: [leaveGroupRequest, leaveGroupResponse],
  syncGroup: [syncGroupRequest, syncGroupResponse],
  describeGroups: [describeGroupsRequest, describeGroupsResponse],
  listGroups: [listGroupsRequest, listGroupsResponse],
  apiVersions: [apiVersionsRequest, apiVersionsResponse],
  createTopics: [createTopicsRequest, createTopicsResponse],
  deleteTopics: [deleteTopicsRequest, deleteTopicsResponse],
  deleteRecords: [deleteRecordsRequest, deleteRecordsResponse],
  initProducerId: [initProducerIdRequest, initProducerIdResponse],
  offsetForLeaderEpoch: [offsetForLeaderEpochRequest, offsetForLeaderEpochResponse],
  addPartitionsToTxn: [addPartitionsToTxnRequest, addPartitionsToTxnResponse],
  addOffsetsToTxn: [addOffsetsToTxnRequest, addOffsetsToTxnResponse],
  endTxn: [endTxnRequest, endTxnResponse],
  writeTxnMarkers: [writeTxnMarkersRequest, writeTxnMarkersResponse],
  txnOffsetCommit: [txnOffsetCommitRequest, txnOffsetCommitResponse],
  describeTransactions: [describeTransactionsRequest, describeTransactionsResponse],
  listTransactions: [listTransactionsRequest, listTransactionsResponse],
  describeConfigs: [describeConfigsRequest, describeConfigsResponse],
  alterReplicaLogDirs: [alterReplicaLogDirsRequest, alterReplicaLogDirsResponse],
  describeLogDirs: [describeLogDirsRequest, describeLogDirsResponse],
  createPartitions: [createPartitionsRequest, createPartitionsResponse],
  deleteGroups: [deleteGroupsRequest, deleteGroupsResponse],
  incrementalAlterConfigs: [incrementalAlterConfigsRequest, incrementalAlterConfigsResponse],
  offsetDelete: [offsetDeleteRequest, offsetDeleteResponse],
  updateFeatures: [updateFeaturesRequest, updateFeaturesResponse],
  describeClientQuotas: [describeClientQuotasRequest, describeClientQuotasResponse],
  describeUserScramCredentials: [describeUserScramCredentialsRequest, describeUserScramCredentialsResponse],
  alterClientQuotas: [alterClientQuotasRequest, alterClientQuotasResponse],
  describeCluster: [describeClusterRequest, describeClusterResponse],
  describeProducers: [describeProducersRequest, describeProducersResponse],
  describeTopicPartitions: [describeTopicPartitionsRequest, describeTopicPartitionsResponse],
  describeAcls: [describeAclsRequest, describeAclsResponse],
  createAcls: [createAclsRequest, createAclsResponse],
  deleteAcls: [deleteAclsRequest, deleteAclsResponse],
  alterConfigs: [alterConfigsRequest, alterConfigsResponse],
  electLeaders: [electLeadersRequest, electLeadersResponse],
  alterPartitionReassignments: [alterPartitionReassignmentsRequest, alterPartitionReassignmentsResponse],
  listPartitionReassignments: [listPartitionReassignmentsRequest, listPartitionReassignmentsResponse],
  describeQuorum: [describeQuorumRequest, describeQuorumResponse],
  unregisterBroker: [unregisterBrokerRequest, unregisterBrokerResponse],
  consumerGroupHeartbeat: [consumerGroupHeartbeatRequest, consumerGroupHeartbeatResponse],
  consumerGroupDescribe: [consumerGroupDescribeRequest, consumerGroupDescribeResponse],
  listConfigResources: [listConfigResourcesRequest, listConfigResourcesResponse],
} as const

/** The first version that Kafka 4 serves, of the APIs that Sluice serves from an older one. */
const FIRST_IN_KAFKA_4: Readonly<Record<number, number>> = {
  0: 3,
  1: 4,
  2: 1,
  8: 2,
  9: 1,
  19: 2,
  20: 1,
  23: 2,
  29: 1,
  30: 1,
  31: 1,
  32: 1,
  34: 1,
  35: 1,
}

/** Every version that is served here and by Kafka 4. */
export function versionsOf([request]: readonly [MessageSchema, MessageSchema]): number[] {
  return servedVersions(request).filter((version) => version >= firstInKafka4(request))
}

/** Every version that is served here and was dropped by Kafka 4. */
export function droppedVersionsOf([request]: readonly [MessageSchema, MessageSchema]): number[] {
  return servedVersions(request).filter((version) => version < firstInKafka4(request))
}

function servedVersions(request: MessageSchema): number[] {
  const range = servedRanges.find(({ apiKey }) => apiKey === request.key)
  if (range === undefined) throw new TypeError(`${request.name} is not served`)
  const { minVersion, maxVersion } = range
  return Array.from({ length: maxVersion - minVersion + 1 }, (_, index) => minVersion + index)
}

function firstInKafka4({ key }: MessageSchema): number {
  return FIRST_IN_KAFKA_4[key ?? -1] ?? 0
}

/** The answer as Kafka 4 knows it: without the fields of dropped versions alone, unless it is in one of them. */
export function withoutDroppedFields(response: MessageSchema, version: number, answer: unknown): unknown {
  const first = firstInKafka4(response)
  if (version < first) return answer
  return pick(response.fields, ({ versions }) => parseVersions(versions ?? '0+').max >= first, answer)
}

/** The input without the fields that the version lacks, so that one input serves all versions. */
export function inVersion<Input>(request: Message<unknown, Input>, version: number, input: Input): Input {
  // What is left out is optional by its version range.
  return pick(
    request.fields,
    ({ versions }) => versions === undefined || includesVersion(versions, version),
    input,
  ) as Input
}

function pick(fields: FieldMap, isKept: (field: FieldSchema) => boolean, input: unknown): unknown {
  if (typeof input !== 'object' || input === null) return input
  const result: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(input)) {
    const field = fields[name]
    if (field !== undefined && !isKept(field)) continue
    const element = field?.kind === 'array' ? field.element : field
    if (element?.fields === undefined) result[name] = value
    else {
      const inner = element.fields
      result[name] = Array.isArray(value)
        ? value.map((item) => pick(inner, isKept, item))
        : pick(inner, isKept, value)
    }
  }
  return result
}
