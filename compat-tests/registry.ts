/** The suites with clients that are not ours: which client, where it runs, what is held, and what the client speaks. */

export interface CompatSuite {
  readonly client: string
  readonly version: string
  readonly runs: 'npm test' | '.ci/run'
  /** Where it stands, under compat-tests. */
  readonly folder: string
  readonly covers: string
  /**
   * Versions that the client was seen to send in this suite, by Kafka's name of the API. Those of the suites of
   * `npm test` are observed again by versions.test.ts at every run.
   */
  readonly speaks: Readonly<Record<string, readonly number[]>>
}

const nodeClients =
  'all compressions; acks 0, 1 and all; idempotence; 1 B to 5 MB; 100,000 records; a group of three with a join, a leave and a death; commit, seek, resume after a clean stop and after a kill; topics, partitions, configurations, offsets, groups'

export const suites: readonly CompatSuite[] = [
  {
    client: 'kafkajs',
    version: '2.2.4',
    runs: 'npm test',
    folder: 'clients',
    covers: nodeClients,
    speaks: {
      Produce: [7],
      Fetch: [11],
      ListOffsets: [3],
      Metadata: [6],
      OffsetCommit: [5],
      OffsetFetch: [4],
      FindCoordinator: [2],
      JoinGroup: [5],
      Heartbeat: [3],
      LeaveGroup: [3],
      SyncGroup: [3],
      DescribeGroups: [2],
      ListGroups: [2],
      ApiVersions: [2],
      CreateTopics: [3],
      DeleteTopics: [1],
      DeleteRecords: [1],
      InitProducerId: [1],
      DescribeConfigs: [2],
      CreatePartitions: [1],
      DeleteGroups: [1],
    },
  },
  {
    client: '@platformatic/kafka',
    version: '2.12.1',
    runs: 'npm test',
    folder: 'clients',
    covers: nodeClients,
    speaks: {
      Produce: [11],
      Fetch: [17],
      ListOffsets: [9],
      Metadata: [12],
      OffsetCommit: [9],
      OffsetFetch: [9],
      FindCoordinator: [6],
      JoinGroup: [9],
      Heartbeat: [4],
      LeaveGroup: [5],
      SyncGroup: [5],
      DescribeGroups: [5],
      ListGroups: [5],
      ApiVersions: [3],
      CreateTopics: [7],
      DeleteTopics: [6],
      DeleteRecords: [2],
      InitProducerId: [5],
      DescribeConfigs: [4],
      CreatePartitions: [3],
      DeleteGroups: [2],
      IncrementalAlterConfigs: [1],
    },
  },
  {
    client: 'Java (kafka-clients)',
    version: '4.3.1',
    runs: '.ci/run',
    folder: 'java/clients',
    covers:
      'all compressions, also across to kafkajs; idempotence; 100,000 records; groups: cooperative, static, patterns, fencing; commit, seek, times; twenty kills under load; partition directories of Kafka opened, ours read by kafka-dump-log',
    speaks: {
      Produce: [13],
      Fetch: [18],
      ListOffsets: [11],
      Metadata: [13],
      OffsetCommit: [9],
      OffsetFetch: [9],
      FindCoordinator: [6],
      JoinGroup: [9],
      Heartbeat: [4],
      LeaveGroup: [5],
      SyncGroup: [5],
      ApiVersions: [4],
      CreateTopics: [7],
      DeleteRecords: [2],
      InitProducerId: [5],
      OffsetForLeaderEpoch: [4],
      CreatePartitions: [3],
    },
  },
  {
    client: "Kafka's command-line tools",
    version: '4.3.1',
    runs: '.ci/run',
    folder: 'java/clients',
    covers:
      'console producer and consumer, kafka-topics, kafka-consumer-groups, kafka-get-offsets, kafka-configs, verifiable producer and consumer',
    speaks: {
      Produce: [13],
      Fetch: [18],
      ListOffsets: [11],
      Metadata: [13],
      OffsetCommit: [9],
      OffsetFetch: [9],
      FindCoordinator: [6],
      JoinGroup: [9],
      Heartbeat: [4],
      LeaveGroup: [5],
      SyncGroup: [5],
      DescribeGroups: [6],
      ListGroups: [5],
      ApiVersions: [4],
      CreateTopics: [7],
      DeleteTopics: [6],
      DeleteRecords: [2],
      InitProducerId: [5],
      OffsetForLeaderEpoch: [4],
      DescribeConfigs: [4],
      CreatePartitions: [3],
      DeleteGroups: [2],
      IncrementalAlterConfigs: [1],
      OffsetDelete: [0],
      DescribeCluster: [2],
    },
  },
]
