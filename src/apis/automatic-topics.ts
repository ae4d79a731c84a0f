/** Topics that are made because somebody asks for them: Kafka's `AutoTopicCreationManager`. */
import type { TopicToCreate } from '../cluster/controller.ts'
import { liveBrokers, type MetadataImage } from '../cluster/metadata/image.ts'
import { GROUP_METADATA_TOPIC, isInternalTopic, TRANSACTION_STATE_TOPIC } from '../cluster/topic-names.ts'
import type { BrokerSettings } from '../config/broker-keys.ts'
import { capAtLiveBrokers } from '../config/deviations.ts'
import type { Services } from './services.ts'

const MIN_SEGMENT_BYTES = 1_048_576

/** Undefined for an internal topic whose coordinator is not served: it would be made in a form that is of no use later. */
export function automaticTopic(
  name: string,
  { configs, metadata }: Pick<Services, 'configs' | 'metadata'>,
): TopicToCreate | undefined {
  if (name === GROUP_METADATA_TOPIC) return offsetsTopic(configs.broker, metadata.image())
  if (name === TRANSACTION_STATE_TOPIC) return transactionsTopic(configs.broker, metadata.image())
  return isInternalTopic(name) ? undefined : configs.automaticTopic(name)
}

/** `__consumer_offsets` as it has to be (Kafka's `GroupCoordinator.groupMetadataTopicConfigs`). */
export function offsetsTopic(settings: BrokerSettings, image: MetadataImage): TopicToCreate {
  return {
    name: GROUP_METADATA_TOPIC,
    numPartitions: settings.offsetsTopicNumPartitions,
    replicationFactor: capAtLiveBrokers(settings.offsetsTopicReplicationFactor, liveBrokers(image).length),
    assignments: [],
    configs: new Map([
      ['cleanup.policy', 'compact'],
      ['compression.type', 'producer'],
      ['segment.bytes', segmentBytes(settings.offsetsTopicSegmentBytes)],
    ]),
  }
}

/** `__transaction_state` as it has to be (Kafka's `TransactionCoordinator.transactionTopicConfigs`). */
export function transactionsTopic(settings: BrokerSettings, image: MetadataImage): TopicToCreate {
  const brokers = liveBrokers(image).length
  return {
    name: TRANSACTION_STATE_TOPIC,
    numPartitions: settings.transactionStateLogNumPartitions,
    replicationFactor: capAtLiveBrokers(settings.transactionStateLogReplicationFactor, brokers),
    assignments: [],
    configs: new Map([
      ['cleanup.policy', 'compact'],
      ['compression.type', 'uncompressed'],
      ['min.insync.replicas', String(capAtLiveBrokers(settings.transactionStateLogMinIsr, brokers))],
      ['segment.bytes', segmentBytes(settings.transactionStateLogSegmentBytes)],
      ['unclean.leader.election.enable', 'false'],
    ]),
  }
}

/** The broker's keys allow less than a topic does since KIP-1030; Kafka can't make the topic then. */
function segmentBytes(wanted: number): string {
  return String(Math.max(wanted, MIN_SEGMENT_BYTES))
}
