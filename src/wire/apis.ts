import type { Message } from './schema.ts'
import { produceRequest, produceResponse } from './schemas/00-produce.ts'
import { fetchRequest, fetchResponse } from './schemas/01-fetch.ts'
import { listOffsetsRequest, listOffsetsResponse } from './schemas/02-list-offsets.ts'
import { metadataRequest, metadataResponse } from './schemas/03-metadata.ts'
import { offsetCommitRequest, offsetCommitResponse } from './schemas/08-offset-commit.ts'
import { offsetFetchRequest, offsetFetchResponse } from './schemas/09-offset-fetch.ts'
import { findCoordinatorRequest, findCoordinatorResponse } from './schemas/10-find-coordinator.ts'
import { joinGroupRequest, joinGroupResponse } from './schemas/11-join-group.ts'
import { heartbeatRequest, heartbeatResponse } from './schemas/12-heartbeat.ts'
import { leaveGroupRequest, leaveGroupResponse } from './schemas/13-leave-group.ts'
import { syncGroupRequest, syncGroupResponse } from './schemas/14-sync-group.ts'
import { describeGroupsRequest, describeGroupsResponse } from './schemas/15-describe-groups.ts'
import { listGroupsRequest, listGroupsResponse } from './schemas/16-list-groups.ts'
import { saslHandshakeRequest, saslHandshakeResponse } from './schemas/17-sasl-handshake.ts'
import { apiVersionsRequest, apiVersionsResponse } from './schemas/18-api-versions.ts'
import { createTopicsRequest, createTopicsResponse } from './schemas/19-create-topics.ts'
import { deleteTopicsRequest, deleteTopicsResponse } from './schemas/20-delete-topics.ts'
import { deleteRecordsRequest, deleteRecordsResponse } from './schemas/21-delete-records.ts'
import { initProducerIdRequest, initProducerIdResponse } from './schemas/22-init-producer-id.ts'
import {
  offsetForLeaderEpochRequest,
  offsetForLeaderEpochResponse,
} from './schemas/23-offset-for-leader-epoch.ts'
import { addPartitionsToTxnRequest, addPartitionsToTxnResponse } from './schemas/24-add-partitions-to-txn.ts'
import { addOffsetsToTxnRequest, addOffsetsToTxnResponse } from './schemas/25-add-offsets-to-txn.ts'
import { endTxnRequest, endTxnResponse } from './schemas/26-end-txn.ts'
import { writeTxnMarkersRequest, writeTxnMarkersResponse } from './schemas/27-write-txn-markers.ts'
import { txnOffsetCommitRequest, txnOffsetCommitResponse } from './schemas/28-txn-offset-commit.ts'
import { describeAclsRequest, describeAclsResponse } from './schemas/29-describe-acls.ts'
import { createAclsRequest, createAclsResponse } from './schemas/30-create-acls.ts'
import { deleteAclsRequest, deleteAclsResponse } from './schemas/31-delete-acls.ts'
import { describeConfigsRequest, describeConfigsResponse } from './schemas/32-describe-configs.ts'
import { alterConfigsRequest, alterConfigsResponse } from './schemas/33-alter-configs.ts'
import {
  alterReplicaLogDirsRequest,
  alterReplicaLogDirsResponse,
} from './schemas/34-alter-replica-log-dirs.ts'
import { describeLogDirsRequest, describeLogDirsResponse } from './schemas/35-describe-log-dirs.ts'
import { saslAuthenticateRequest, saslAuthenticateResponse } from './schemas/36-sasl-authenticate.ts'
import { createPartitionsRequest, createPartitionsResponse } from './schemas/37-create-partitions.ts'
import {
  createDelegationTokenRequest,
  createDelegationTokenResponse,
} from './schemas/38-create-delegation-token.ts'
import {
  renewDelegationTokenRequest,
  renewDelegationTokenResponse,
} from './schemas/39-renew-delegation-token.ts'
import {
  expireDelegationTokenRequest,
  expireDelegationTokenResponse,
} from './schemas/40-expire-delegation-token.ts'
import {
  describeDelegationTokenRequest,
  describeDelegationTokenResponse,
} from './schemas/41-describe-delegation-token.ts'
import { deleteGroupsRequest, deleteGroupsResponse } from './schemas/42-delete-groups.ts'
import { electLeadersRequest, electLeadersResponse } from './schemas/43-elect-leaders.ts'
import {
  incrementalAlterConfigsRequest,
  incrementalAlterConfigsResponse,
} from './schemas/44-incremental-alter-configs.ts'
import {
  alterPartitionReassignmentsRequest,
  alterPartitionReassignmentsResponse,
} from './schemas/45-alter-partition-reassignments.ts'
import {
  listPartitionReassignmentsRequest,
  listPartitionReassignmentsResponse,
} from './schemas/46-list-partition-reassignments.ts'
import { offsetDeleteRequest, offsetDeleteResponse } from './schemas/47-offset-delete.ts'
import {
  describeClientQuotasRequest,
  describeClientQuotasResponse,
} from './schemas/48-describe-client-quotas.ts'
import { alterClientQuotasRequest, alterClientQuotasResponse } from './schemas/49-alter-client-quotas.ts'
import {
  describeUserScramCredentialsRequest,
  describeUserScramCredentialsResponse,
} from './schemas/50-describe-user-scram-credentials.ts'
import {
  alterUserScramCredentialsRequest,
  alterUserScramCredentialsResponse,
} from './schemas/51-alter-user-scram-credentials.ts'
import { describeQuorumRequest, describeQuorumResponse } from './schemas/55-describe-quorum.ts'
import { updateFeaturesRequest, updateFeaturesResponse } from './schemas/57-update-features.ts'
import { describeClusterRequest, describeClusterResponse } from './schemas/60-describe-cluster.ts'
import { describeProducersRequest, describeProducersResponse } from './schemas/61-describe-producers.ts'
import { unregisterBrokerRequest, unregisterBrokerResponse } from './schemas/64-unregister-broker.ts'
import {
  describeTransactionsRequest,
  describeTransactionsResponse,
} from './schemas/65-describe-transactions.ts'
import { listTransactionsRequest, listTransactionsResponse } from './schemas/66-list-transactions.ts'
import {
  consumerGroupHeartbeatRequest,
  consumerGroupHeartbeatResponse,
} from './schemas/68-consumer-group-heartbeat.ts'
import {
  consumerGroupDescribeRequest,
  consumerGroupDescribeResponse,
} from './schemas/69-consumer-group-describe.ts'
import {
  getTelemetrySubscriptionsRequest,
  getTelemetrySubscriptionsResponse,
} from './schemas/71-get-telemetry-subscriptions.ts'
import { pushTelemetryRequest, pushTelemetryResponse } from './schemas/72-push-telemetry.ts'
import {
  listConfigResourcesRequest,
  listConfigResourcesResponse,
} from './schemas/74-list-config-resources.ts'
import {
  describeTopicPartitionsRequest,
  describeTopicPartitionsResponse,
} from './schemas/75-describe-topic-partitions.ts'
import {
  shareGroupHeartbeatRequest,
  shareGroupHeartbeatResponse,
} from './schemas/76-share-group-heartbeat.ts'
import { shareGroupDescribeRequest, shareGroupDescribeResponse } from './schemas/77-share-group-describe.ts'
import { shareFetchRequest, shareFetchResponse } from './schemas/78-share-fetch.ts'
import { shareAcknowledgeRequest, shareAcknowledgeResponse } from './schemas/79-share-acknowledge.ts'
import { addRaftVoterRequest, addRaftVoterResponse } from './schemas/80-add-raft-voter.ts'
import { removeRaftVoterRequest, removeRaftVoterResponse } from './schemas/81-remove-raft-voter.ts'
import {
  initializeShareGroupStateRequest,
  initializeShareGroupStateResponse,
} from './schemas/83-initialize-share-group-state.ts'
import {
  readShareGroupStateRequest,
  readShareGroupStateResponse,
} from './schemas/84-read-share-group-state.ts'
import {
  writeShareGroupStateRequest,
  writeShareGroupStateResponse,
} from './schemas/85-write-share-group-state.ts'
import {
  deleteShareGroupStateRequest,
  deleteShareGroupStateResponse,
} from './schemas/86-delete-share-group-state.ts'
import {
  readShareGroupStateSummaryRequest,
  readShareGroupStateSummaryResponse,
} from './schemas/87-read-share-group-state-summary.ts'
import {
  streamsGroupHeartbeatRequest,
  streamsGroupHeartbeatResponse,
} from './schemas/88-streams-group-heartbeat.ts'
import {
  streamsGroupDescribeRequest,
  streamsGroupDescribeResponse,
} from './schemas/89-streams-group-describe.ts'
import {
  describeShareGroupOffsetsRequest,
  describeShareGroupOffsetsResponse,
} from './schemas/90-describe-share-group-offsets.ts'
import {
  alterShareGroupOffsetsRequest,
  alterShareGroupOffsetsResponse,
} from './schemas/91-alter-share-group-offsets.ts'
import {
  deleteShareGroupOffsetsRequest,
  deleteShareGroupOffsetsResponse,
} from './schemas/92-delete-share-group-offsets.ts'

/** One API of the protocol: its request and its response in every version that is declared. */
export interface Api {
  readonly key: number
  /** Kafka's name, e.g. 'Fetch'. */
  readonly name: string
  readonly request: Message<unknown, unknown>
  readonly response: Message<unknown, unknown>
}

/** Every API that Kafka 4.3 serves to clients, by ascending key, handled here or not. */
export const apis: readonly Api[] = [
  { key: 0, name: 'Produce', request: produceRequest, response: produceResponse },
  { key: 1, name: 'Fetch', request: fetchRequest, response: fetchResponse },
  { key: 2, name: 'ListOffsets', request: listOffsetsRequest, response: listOffsetsResponse },
  { key: 3, name: 'Metadata', request: metadataRequest, response: metadataResponse },
  { key: 8, name: 'OffsetCommit', request: offsetCommitRequest, response: offsetCommitResponse },
  { key: 9, name: 'OffsetFetch', request: offsetFetchRequest, response: offsetFetchResponse },
  { key: 10, name: 'FindCoordinator', request: findCoordinatorRequest, response: findCoordinatorResponse },
  { key: 11, name: 'JoinGroup', request: joinGroupRequest, response: joinGroupResponse },
  { key: 12, name: 'Heartbeat', request: heartbeatRequest, response: heartbeatResponse },
  { key: 13, name: 'LeaveGroup', request: leaveGroupRequest, response: leaveGroupResponse },
  { key: 14, name: 'SyncGroup', request: syncGroupRequest, response: syncGroupResponse },
  { key: 15, name: 'DescribeGroups', request: describeGroupsRequest, response: describeGroupsResponse },
  { key: 16, name: 'ListGroups', request: listGroupsRequest, response: listGroupsResponse },
  { key: 17, name: 'SaslHandshake', request: saslHandshakeRequest, response: saslHandshakeResponse },
  { key: 18, name: 'ApiVersions', request: apiVersionsRequest, response: apiVersionsResponse },
  { key: 19, name: 'CreateTopics', request: createTopicsRequest, response: createTopicsResponse },
  { key: 20, name: 'DeleteTopics', request: deleteTopicsRequest, response: deleteTopicsResponse },
  { key: 21, name: 'DeleteRecords', request: deleteRecordsRequest, response: deleteRecordsResponse },
  { key: 22, name: 'InitProducerId', request: initProducerIdRequest, response: initProducerIdResponse },
  {
    key: 23,
    name: 'OffsetForLeaderEpoch',
    request: offsetForLeaderEpochRequest,
    response: offsetForLeaderEpochResponse,
  },
  {
    key: 24,
    name: 'AddPartitionsToTxn',
    request: addPartitionsToTxnRequest,
    response: addPartitionsToTxnResponse,
  },
  { key: 25, name: 'AddOffsetsToTxn', request: addOffsetsToTxnRequest, response: addOffsetsToTxnResponse },
  { key: 26, name: 'EndTxn', request: endTxnRequest, response: endTxnResponse },
  { key: 27, name: 'WriteTxnMarkers', request: writeTxnMarkersRequest, response: writeTxnMarkersResponse },
  { key: 28, name: 'TxnOffsetCommit', request: txnOffsetCommitRequest, response: txnOffsetCommitResponse },
  { key: 29, name: 'DescribeAcls', request: describeAclsRequest, response: describeAclsResponse },
  { key: 30, name: 'CreateAcls', request: createAclsRequest, response: createAclsResponse },
  { key: 31, name: 'DeleteAcls', request: deleteAclsRequest, response: deleteAclsResponse },
  { key: 32, name: 'DescribeConfigs', request: describeConfigsRequest, response: describeConfigsResponse },
  { key: 33, name: 'AlterConfigs', request: alterConfigsRequest, response: alterConfigsResponse },
  {
    key: 34,
    name: 'AlterReplicaLogDirs',
    request: alterReplicaLogDirsRequest,
    response: alterReplicaLogDirsResponse,
  },
  { key: 35, name: 'DescribeLogDirs', request: describeLogDirsRequest, response: describeLogDirsResponse },
  { key: 36, name: 'SaslAuthenticate', request: saslAuthenticateRequest, response: saslAuthenticateResponse },
  { key: 37, name: 'CreatePartitions', request: createPartitionsRequest, response: createPartitionsResponse },
  {
    key: 38,
    name: 'CreateDelegationToken',
    request: createDelegationTokenRequest,
    response: createDelegationTokenResponse,
  },
  {
    key: 39,
    name: 'RenewDelegationToken',
    request: renewDelegationTokenRequest,
    response: renewDelegationTokenResponse,
  },
  {
    key: 40,
    name: 'ExpireDelegationToken',
    request: expireDelegationTokenRequest,
    response: expireDelegationTokenResponse,
  },
  {
    key: 41,
    name: 'DescribeDelegationToken',
    request: describeDelegationTokenRequest,
    response: describeDelegationTokenResponse,
  },
  { key: 42, name: 'DeleteGroups', request: deleteGroupsRequest, response: deleteGroupsResponse },
  { key: 43, name: 'ElectLeaders', request: electLeadersRequest, response: electLeadersResponse },
  {
    key: 44,
    name: 'IncrementalAlterConfigs',
    request: incrementalAlterConfigsRequest,
    response: incrementalAlterConfigsResponse,
  },
  {
    key: 45,
    name: 'AlterPartitionReassignments',
    request: alterPartitionReassignmentsRequest,
    response: alterPartitionReassignmentsResponse,
  },
  {
    key: 46,
    name: 'ListPartitionReassignments',
    request: listPartitionReassignmentsRequest,
    response: listPartitionReassignmentsResponse,
  },
  { key: 47, name: 'OffsetDelete', request: offsetDeleteRequest, response: offsetDeleteResponse },
  {
    key: 48,
    name: 'DescribeClientQuotas',
    request: describeClientQuotasRequest,
    response: describeClientQuotasResponse,
  },
  {
    key: 49,
    name: 'AlterClientQuotas',
    request: alterClientQuotasRequest,
    response: alterClientQuotasResponse,
  },
  {
    key: 50,
    name: 'DescribeUserScramCredentials',
    request: describeUserScramCredentialsRequest,
    response: describeUserScramCredentialsResponse,
  },
  {
    key: 51,
    name: 'AlterUserScramCredentials',
    request: alterUserScramCredentialsRequest,
    response: alterUserScramCredentialsResponse,
  },
  { key: 55, name: 'DescribeQuorum', request: describeQuorumRequest, response: describeQuorumResponse },
  { key: 57, name: 'UpdateFeatures', request: updateFeaturesRequest, response: updateFeaturesResponse },
  { key: 60, name: 'DescribeCluster', request: describeClusterRequest, response: describeClusterResponse },
  {
    key: 61,
    name: 'DescribeProducers',
    request: describeProducersRequest,
    response: describeProducersResponse,
  },
  { key: 64, name: 'UnregisterBroker', request: unregisterBrokerRequest, response: unregisterBrokerResponse },
  {
    key: 65,
    name: 'DescribeTransactions',
    request: describeTransactionsRequest,
    response: describeTransactionsResponse,
  },
  { key: 66, name: 'ListTransactions', request: listTransactionsRequest, response: listTransactionsResponse },
  {
    key: 68,
    name: 'ConsumerGroupHeartbeat',
    request: consumerGroupHeartbeatRequest,
    response: consumerGroupHeartbeatResponse,
  },
  {
    key: 69,
    name: 'ConsumerGroupDescribe',
    request: consumerGroupDescribeRequest,
    response: consumerGroupDescribeResponse,
  },
  {
    key: 71,
    name: 'GetTelemetrySubscriptions',
    request: getTelemetrySubscriptionsRequest,
    response: getTelemetrySubscriptionsResponse,
  },
  { key: 72, name: 'PushTelemetry', request: pushTelemetryRequest, response: pushTelemetryResponse },
  {
    key: 74,
    name: 'ListConfigResources',
    request: listConfigResourcesRequest,
    response: listConfigResourcesResponse,
  },
  {
    key: 75,
    name: 'DescribeTopicPartitions',
    request: describeTopicPartitionsRequest,
    response: describeTopicPartitionsResponse,
  },
  {
    key: 76,
    name: 'ShareGroupHeartbeat',
    request: shareGroupHeartbeatRequest,
    response: shareGroupHeartbeatResponse,
  },
  {
    key: 77,
    name: 'ShareGroupDescribe',
    request: shareGroupDescribeRequest,
    response: shareGroupDescribeResponse,
  },
  { key: 78, name: 'ShareFetch', request: shareFetchRequest, response: shareFetchResponse },
  { key: 79, name: 'ShareAcknowledge', request: shareAcknowledgeRequest, response: shareAcknowledgeResponse },
  { key: 80, name: 'AddRaftVoter', request: addRaftVoterRequest, response: addRaftVoterResponse },
  { key: 81, name: 'RemoveRaftVoter', request: removeRaftVoterRequest, response: removeRaftVoterResponse },
  {
    key: 83,
    name: 'InitializeShareGroupState',
    request: initializeShareGroupStateRequest,
    response: initializeShareGroupStateResponse,
  },
  {
    key: 84,
    name: 'ReadShareGroupState',
    request: readShareGroupStateRequest,
    response: readShareGroupStateResponse,
  },
  {
    key: 85,
    name: 'WriteShareGroupState',
    request: writeShareGroupStateRequest,
    response: writeShareGroupStateResponse,
  },
  {
    key: 86,
    name: 'DeleteShareGroupState',
    request: deleteShareGroupStateRequest,
    response: deleteShareGroupStateResponse,
  },
  {
    key: 87,
    name: 'ReadShareGroupStateSummary',
    request: readShareGroupStateSummaryRequest,
    response: readShareGroupStateSummaryResponse,
  },
  {
    key: 88,
    name: 'StreamsGroupHeartbeat',
    request: streamsGroupHeartbeatRequest,
    response: streamsGroupHeartbeatResponse,
  },
  {
    key: 89,
    name: 'StreamsGroupDescribe',
    request: streamsGroupDescribeRequest,
    response: streamsGroupDescribeResponse,
  },
  {
    key: 90,
    name: 'DescribeShareGroupOffsets',
    request: describeShareGroupOffsetsRequest,
    response: describeShareGroupOffsetsResponse,
  },
  {
    key: 91,
    name: 'AlterShareGroupOffsets',
    request: alterShareGroupOffsetsRequest,
    response: alterShareGroupOffsetsResponse,
  },
  {
    key: 92,
    name: 'DeleteShareGroupOffsets',
    request: deleteShareGroupOffsetsRequest,
    response: deleteShareGroupOffsetsResponse,
  },
]

const byKey: readonly (Api | undefined)[] = apis.reduce<(Api | undefined)[]>((table, api) => {
  table[api.key] = api
  return table
}, [])

/** The API with this key, or undefined when the protocol has none that clients may call. */
export function apiByKey(key: number): Api | undefined {
  return byKey[key]
}
