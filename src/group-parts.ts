/** What serves groups in one broker, by its settings. */
import type { ConfigService } from './apis/config-service.ts'
import type { Clock } from './base/clock.ts'
import type { Logger } from './base/logger.ts'
import { CoordinatorRuntime } from './cluster/coordinator/runtime.ts'
import { changedTopics, type MetadataChange } from './cluster/metadata/changes.ts'
import type { MetadataImage } from './cluster/metadata/image.ts'
import type { MetadataStore } from './cluster/metadata/store.ts'
import { GROUP_METADATA_TOPIC } from './cluster/topic-names.ts'
import type { BrokerSettings } from './config/broker-keys.ts'
import type { PartitionAssignor } from './groups/assignor/assignor.ts'
import { rangeAssignor } from './groups/assignor/range.ts'
import { uniformAssignor } from './groups/assignor/uniform.ts'
import type { GroupCommand, GroupReply } from './groups/commands.ts'
import { GroupCoordinator } from './groups/group-coordinator.ts'
import { GroupMachine } from './groups/group-machine.ts'
import { parseMigrationPolicy } from './groups/migration/policy.ts'
import type { GroupOptions } from './groups/options.ts'
import { type GroupRecord, groupSerde } from './groups/records.ts'
import { refusalOf } from './groups/refusal.ts'
import { StartError } from './start-error.ts'

const MINUTE_MS = 60_000

export type GroupRuntime = CoordinatorRuntime<GroupCommand, GroupReply, GroupRecord, GroupMachine>

export interface GroupPartsOptions {
  readonly settings: BrokerSettings
  readonly configs: ConfigService
  readonly metadata: MetadataStore
  /** Over how many partitions groups are spread. */
  readonly partitionCount: () => number
  readonly clock: Clock
  readonly logger: Logger
}

export interface GroupParts {
  readonly runtime: GroupRuntime
  readonly coordinator: GroupCoordinator
  /** From here on groups are told of topics that change and lose the offsets of those that go. Returns how to end it. */
  followTopics(): () => void
}

/** Throws StartError for an assignor that is not served. */
export function groupParts(options: GroupPartsOptions): GroupParts {
  const { settings, configs, metadata, partitionCount, clock, logger } = options
  const machineOptions = groupOptions(settings, configs)
  const runtime: GroupRuntime = new CoordinatorRuntime({
    topic: GROUP_METADATA_TOPIC,
    createMachine: (partition) =>
      new GroupMachine(machineOptions, () => metadata.image(), logger.child({ groupsPartition: partition })),
    serde: groupSerde,
    refusal: refusalOf,
    clock,
    logger,
    writeTimeoutMs: settings.offsetsCommitTimeoutMs,
  })
  const partitions = () => metadata.image().topics.get(GROUP_METADATA_TOPIC)?.partitions
  const coordinator = new GroupCoordinator({
    execute: (partition, command) => runtime.execute(partition, command),
    partitionCount,
    leaderOf: (partition) => partitions()?.[partition]?.leader,
  })
  return {
    runtime,
    coordinator,
    followTopics: () =>
      metadata.subscribe((image, changes, previous) => {
        const changed = changedTopics(changes, previous)
        if (changed.names.size > 0) {
          for (const machine of runtime.machines) machine.topicsChanged(changed.names, changed.created)
        }
        const topics = deletedTopics(image, changes, previous)
        if (topics.length === 0) return
        coordinator.executeOnAll({ type: 'topicsDeleted', topics }).catch((err: unknown) => {
          logger.error('offsets of deleted topics are left behind', { err })
        })
      }),
  }
}

function groupOptions(settings: BrokerSettings, configs: ConfigService): GroupOptions {
  return {
    minSessionTimeoutMs: settings.groupMinSessionTimeoutMs,
    maxSessionTimeoutMs: settings.groupMaxSessionTimeoutMs,
    initialRebalanceDelayMs: settings.groupInitialRebalanceDelayMs,
    maxSize: settings.groupMaxSize,
    offsetMetadataMaxBytes: settings.offsetMetadataMaxBytes,
    offsetsRetentionMs: settings.offsetsRetentionMinutes * MINUTE_MS,
    offsetsRetentionCheckIntervalMs: settings.offsetsRetentionCheckIntervalMs,
    consumer: {
      maxSize: settings.groupConsumerMaxSize,
      assignors: settings.groupConsumerAssignors.map(assignorOf),
      migrationPolicy: parseMigrationPolicy(settings.groupConsumerMigrationPolicy),
      groupSettings: (groupId) => {
        const group = configs.group(groupId)
        return {
          sessionTimeoutMs: group.consumerSessionTimeoutMs,
          heartbeatIntervalMs: group.consumerHeartbeatIntervalMs,
          assignmentIntervalMs: group.consumerAssignmentIntervalMs,
        }
      },
    },
  }
}

/** By its name, or by that of Kafka's class. */
function assignorOf(name: string): PartitionAssignor {
  switch (name) {
    case 'uniform':
    case 'org.apache.kafka.coordinator.group.assignor.UniformAssignor':
      return uniformAssignor
    case 'range':
    case 'org.apache.kafka.coordinator.group.assignor.RangeAssignor':
      return rangeAssignor
    default:
      throw new StartError(`group.consumer.assignors: ${name}: only uniform and range are served`)
  }
}

/** Topics that a commit has removed, those among them that were made again under their names. */
function deletedTopics(
  image: MetadataImage,
  changes: readonly MetadataChange[],
  previous: MetadataImage,
): { readonly name: string; readonly id: string }[] {
  return changes.flatMap((change) => {
    if (change.type !== 'deleteTopic') return []
    const id = previous.topics.get(change.topic)?.id
    return id === undefined || image.topicsById.has(id) ? [] : [{ name: change.topic, id }]
  })
}
