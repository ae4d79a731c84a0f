import { api, versionsOf } from '../apis.ts'
import type { Scenario } from '../scenario.ts'
import type { Session } from '../session.ts'

const TOPIC = 'cluster-admin'

/** Elections, reassignments, the quorum, brokers and ACLs: what an operator asks of the cluster, here of one node. */
export const clusterAdmin: Scenario = {
  name: 'cluster-admin',
  async run(session) {
    await session.makeTopic(TOPIC, 2)
    await elections(session)
    await reassignments(session)
    await quorum(session)
    await brokers(session)
    await acls(session)
  },
}

type Partitions = readonly (readonly [topic: string, partitions: number[]])[]

async function elections(session: Session): Promise<void> {
  for (const version of versionsOf(api.electLeaders)) {
    const ask = (step: string, electionType: number, wanted: Partitions | null) =>
      session.ask(
        `elect: ${step} v${version}`,
        api.electLeaders,
        version,
        {
          electionType,
          topicPartitions: wanted?.map(([topic, partitions]) => ({ topic, partitions })) ?? null,
          timeoutMs: 10_000,
        },
        ({ replicaElectionResults, ...rest }) => ({
          ...rest,
          // The topics of other scenarios, of which nothing else is said.
          replicaElectionResults: replicaElectionResults.filter(
            ({ topic, partitionResult }) =>
              wanted !== null || topic.startsWith(TOPIC) || partitionResult.length > 0,
          ),
        }),
      )
    for (const [type, name] of ['preferred', 'unclean'].entries()) {
      await ask(`${name} of two`, type, [[TOPIC, [0, 1]]])
      await ask(`${name} of all`, type, null)
      await ask(`${name} of none`, type, [])
      await ask(`${name} of no partition`, type, [[TOPIC, []]])
      await ask(`${name} of missing ones`, type, [
        [TOPIC, [2, -1, 0]],
        ['cluster-admin-missing', [0]],
        ['', [0]],
      ])
      await ask(`${name} of one twice`, type, [
        [TOPIC, [0, 0]],
        [TOPIC, [0]],
      ])
    }
    await ask('of an unknown type', 2, [[TOPIC, [0]]])
    await ask('of an unknown type of all', -1, null)
  }
}

async function reassignments(session: Session): Promise<void> {
  type Move = readonly [topic: string, partitions: readonly (readonly [number, number[] | null])[]]
  for (const version of versionsOf(api.alterPartitionReassignments)) {
    const ask = (step: string, moves: readonly Move[], allowReplicationFactorChange = true) =>
      session.ask(`move: ${step} v${version}`, api.alterPartitionReassignments, version, {
        timeoutMs: 10_000,
        allowReplicationFactorChange,
        topics: moves.map(([name, partitions]) => ({
          name,
          partitions: partitions.map(([partitionIndex, replicas]) => ({ partitionIndex, replicas })),
        })),
      })
    await ask('to where it is', [[TOPIC, [[0, [1]]]]])
    await ask('to an unknown broker', [[TOPIC, [[0, [2]]]]])
    await ask('to two', [[TOPIC, [[0, [1, 2]]]]])
    await ask('to one twice', [[TOPIC, [[0, [1, 1]]]]])
    await ask('to none', [[TOPIC, [[0, []]]]])
    await ask('to a negative one', [[TOPIC, [[0, [-1]]]]])
    await ask('taken back', [[TOPIC, [[0, null]]]])
    await ask('of missing ones', [
      [TOPIC, [[2, [1]]]],
      ['cluster-admin-missing', [[0, [1]]]],
      ['', [[0, null]]],
    ])
    await ask('a good and a bad one', [
      [
        TOPIC,
        [
          [0, [1]],
          [1, [7]],
        ],
      ],
    ])
    await ask('one twice', [
      [
        TOPIC,
        [
          [0, [1]],
          [0, [2]],
        ],
      ],
      [TOPIC, [[0, [1]]]],
    ])
    await ask('nothing', [])
    await ask('no partition', [[TOPIC, []]])
    await ask('with as many replicas', [[TOPIC, [[0, [1]]]]], false)
    await ask('with more replicas than allowed', [[TOPIC, [[0, [1, 2]]]]], false)
    await ask('with fewer replicas than allowed', [[TOPIC, [[0, []]]]], false)
  }
  for (const version of versionsOf(api.listPartitionReassignments)) {
    const ask = (step: string, topics: { name: string; partitionIndexes: number[] }[] | null) =>
      session.ask(`moving: ${step} v${version}`, api.listPartitionReassignments, version, {
        timeoutMs: 10_000,
        topics,
      })
    await ask('all', null)
    await ask('none', [])
    await ask('some', [
      { name: TOPIC, partitionIndexes: [0, 9] },
      { name: 'cluster-admin-missing', partitionIndexes: [0] },
    ])
  }
}

async function quorum(session: Session): Promise<void> {
  for (const version of versionsOf(api.describeQuorum)) {
    const ask = (step: string, wanted: Partitions) =>
      session.ask(
        `quorum: ${step} v${version}`,
        api.describeQuorum,
        version,
        {
          topics: wanted.map(([topicName, partitions]) => ({
            topicName,
            partitions: partitions.map((partitionIndex) => ({ partitionIndex })),
          })),
        },
        ({ topics, nodes, ...rest }) => ({
          ...rest,
          topics: topics.map((topic) => ({
            ...topic,
            // Epochs and offsets are those of each broker's own log.
            partitions: topic.partitions.map(
              ({ leaderEpoch, highWatermark, currentVoters, ...partition }) => ({
                ...partition,
                hasEpoch: leaderEpoch > 0,
                hasOffset: highWatermark > 0,
                currentVoters: currentVoters.map(({ logEndOffset, ...voter }) => ({
                  ...voter,
                  isCaughtUp: logEndOffset === highWatermark,
                })),
              }),
            ),
          })),
          // Kafka's controller has a listener of its own.
          nodes: nodes.map(({ nodeId, listeners }) => ({ nodeId, reachable: listeners.length > 0 })),
        }),
      )
    await ask('of the metadata', [['__cluster_metadata', [0]]])
    await ask('of another partition', [['__cluster_metadata', [1]]])
    await ask('of two partitions', [['__cluster_metadata', [0, 1]]])
    await ask('of a topic', [[TOPIC, [0]]])
    await ask('of the metadata and a topic', [
      ['__cluster_metadata', [0]],
      [TOPIC, [0]],
    ])
    await ask('of nothing', [])
    await ask('of no partition', [['__cluster_metadata', []]])
  }
}

async function brokers(session: Session): Promise<void> {
  for (const version of versionsOf(api.unregisterBroker)) {
    for (const brokerId of [2, 0, -1]) {
      await session.ask(`unregister ${brokerId} v${version}`, api.unregisterBroker, version, { brokerId })
    }
  }
  for (const version of versionsOf(api.describeCluster)) {
    for (const endpointType of [1, 2, 0, 3, -1]) {
      await session.ask(`cluster of type ${endpointType} v${version}`, api.describeCluster, version, {
        includeClusterAuthorizedOperations: true,
        endpointType,
        includeFencedBrokers: true,
      })
    }
  }
}

async function acls(session: Session): Promise<void> {
  const acl = {
    resourceType: 2,
    resourceName: TOPIC,
    resourcePatternType: 3,
    principal: 'User:a',
    host: '*',
    operation: 2,
    permissionType: 3,
  }
  const filter = {
    resourceTypeFilter: 2,
    resourceNameFilter: TOPIC,
    patternTypeFilter: 3,
    principalFilter: null,
    hostFilter: null,
    operation: 1,
    permissionType: 1,
  }
  for (const version of versionsOf(api.describeAcls)) {
    await session.ask(`acls v${version}`, api.describeAcls, version, filter)
    await session.ask(`acls of any v${version}`, api.describeAcls, version, {
      ...filter,
      resourceTypeFilter: 1,
      resourceNameFilter: null,
      patternTypeFilter: 1,
    })
    for (const field of ['resourceTypeFilter', 'patternTypeFilter', 'operation', 'permissionType']) {
      const ask = (value: number) =>
        session.askClosed(`acls with ${field} ${value} v${version}`, api.describeAcls, version, {
          ...filter,
          [field]: value,
        })
      await ask(0)
      await ask(99)
    }
  }
  for (const version of versionsOf(api.createAcls)) {
    for (const [step, creations] of [
      ['one', [acl]],
      ['two', [acl, acl]],
      ['none', []],
      ['any operation', [{ ...acl, operation: 1 }]],
      ['no principal', [{ ...acl, principal: 'a' }]],
    ] as const) {
      await session.ask(`create acls: ${step} v${version}`, api.createAcls, version, {
        creations: [...creations],
      })
    }
    for (const field of ['resourceType', 'resourcePatternType', 'operation', 'permissionType']) {
      await session.askClosed(`create acls with ${field} 0 v${version}`, api.createAcls, version, {
        creations: [acl, { ...acl, [field]: 0 }],
      })
    }
  }
  for (const version of versionsOf(api.deleteAcls)) {
    for (const [step, filters] of [
      ['one', [filter]],
      ['two', [filter, filter]],
      ['none', []],
    ] as const) {
      await session.ask(`delete acls: ${step} v${version}`, api.deleteAcls, version, {
        filters: [...filters],
      })
    }
    await session.askClosed(`delete acls with an unknown operation v${version}`, api.deleteAcls, version, {
      filters: [{ ...filter, operation: 0 }],
    })
  }
}
