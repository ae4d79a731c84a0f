import type { BrokerSettings } from './broker-keys.ts'
import { flushMs, retentionMs, segmentJitterMs, segmentMs } from './cross-checks.ts'
import { type Key, readValue, refusalOf, type Settings, settingsOf } from './table.ts'
import { topicKeys } from './topic-keys.ts'
import { formatValue, type Value } from './values.ts'

export type TopicKeyName = keyof typeof topicKeys

/**
 * Every key of a topic with its typed value: `segment.bytes` is `segmentBytes`. Times are milliseconds, sizes bytes;
 * `retentionMs` and `retentionBytes` are -1 for no bound.
 */
export interface TopicSettings extends Settings<typeof topicKeys> {}

/** The broker key from which a topic takes a value that it has none of its own for (`ServerTopicConfigSynonyms`). */
const brokerKeyOf: Readonly<Record<string, string>> = {
  'cleanup.policy': 'log.cleanup.policy',
  'compression.gzip.level': 'compression.gzip.level',
  'compression.lz4.level': 'compression.lz4.level',
  'compression.type': 'compression.type',
  'compression.zstd.level': 'compression.zstd.level',
  'delete.retention.ms': 'log.cleaner.delete.retention.ms',
  'file.delete.delay.ms': 'log.segment.delete.delay.ms',
  'flush.messages': 'log.flush.interval.messages',
  'flush.ms': 'log.flush.interval.ms',
  'index.interval.bytes': 'log.index.interval.bytes',
  'local.retention.bytes': 'log.local.retention.bytes',
  'local.retention.ms': 'log.local.retention.ms',
  'max.compaction.lag.ms': 'log.cleaner.max.compaction.lag.ms',
  'max.message.bytes': 'message.max.bytes',
  'message.timestamp.after.max.ms': 'log.message.timestamp.after.max.ms',
  'message.timestamp.before.max.ms': 'log.message.timestamp.before.max.ms',
  'message.timestamp.type': 'log.message.timestamp.type',
  'min.cleanable.dirty.ratio': 'log.cleaner.min.cleanable.ratio',
  'min.compaction.lag.ms': 'log.cleaner.min.compaction.lag.ms',
  'min.insync.replicas': 'min.insync.replicas',
  preallocate: 'log.preallocate',
  'retention.bytes': 'log.retention.bytes',
  'retention.ms': 'log.retention.ms',
  'segment.bytes': 'log.segment.bytes',
  'segment.index.bytes': 'log.index.size.max.bytes',
  'segment.jitter.ms': 'log.roll.jitter.ms',
  'segment.ms': 'log.roll.ms',
  'unclean.leader.election.enable': 'unclean.leader.election.enable',
}

/** The first broker key behind a topic key; undefined for one that only topics have, and for a name that is no key. */
export function topicBrokerKey(name: string): string | undefined {
  return Object.hasOwn(brokerKeyOf, name) ? brokerKeyOf[name] : undefined
}

/** The row of a topic key; undefined for a name that is none. */
export function topicKey(name: string): Key | undefined {
  return Object.hasOwn(topicKeys, name) ? topicKeys[name as TopicKeyName] : undefined
}

/**
 * The settings of a topic's logs: its own values over the broker's. Kafka: `KafkaConfig.extractLogConfigMap`.
 * @param own what was set for the topic; a value that does not read as one throws InvalidValue, so check it first
 */
export function topicLogConfig(own: ReadonlyMap<string, string>, broker: BrokerSettings): TopicSettings {
  return settingsOf(topicKeys, (name) => {
    const text = own.get(name)
    return text === undefined ? inherited(name, broker) : readValue(name, topicKeys[name], text)
  })
}

function inherited(name: TopicKeyName, broker: BrokerSettings): Value {
  switch (name) {
    case 'cleanup.policy':
      return broker.logCleanupPolicy
    case 'compression.gzip.level':
      return broker.compressionGzipLevel
    case 'compression.lz4.level':
      return broker.compressionLz4Level
    case 'compression.type':
      return broker.compressionType
    case 'compression.zstd.level':
      return broker.compressionZstdLevel
    case 'delete.retention.ms':
      return broker.logCleanerDeleteRetentionMs
    case 'file.delete.delay.ms':
      return broker.logSegmentDeleteDelayMs
    case 'flush.messages':
      return broker.logFlushIntervalMessages
    case 'flush.ms':
      return flushMs(broker)
    case 'index.interval.bytes':
      return broker.logIndexIntervalBytes
    case 'local.retention.bytes':
      return broker.logLocalRetentionBytes
    case 'local.retention.ms':
      return broker.logLocalRetentionMs
    case 'max.compaction.lag.ms':
      return broker.logCleanerMaxCompactionLagMs
    case 'max.message.bytes':
      return broker.messageMaxBytes
    case 'message.timestamp.after.max.ms':
      return broker.logMessageTimestampAfterMaxMs
    case 'message.timestamp.before.max.ms':
      return broker.logMessageTimestampBeforeMaxMs
    case 'message.timestamp.type':
      return broker.logMessageTimestampType
    case 'min.cleanable.dirty.ratio':
      return broker.logCleanerMinCleanableRatio
    case 'min.compaction.lag.ms':
      return broker.logCleanerMinCompactionLagMs
    case 'min.insync.replicas':
      return broker.minInsyncReplicas
    case 'preallocate':
      return broker.logPreallocate
    case 'retention.bytes':
      return broker.logRetentionBytes
    case 'retention.ms':
      return retentionMs(broker)
    case 'segment.bytes':
      return broker.logSegmentBytes
    case 'segment.index.bytes':
      return broker.logIndexSizeMaxBytes
    case 'segment.jitter.ms':
      return segmentJitterMs(broker)
    case 'segment.ms':
      return segmentMs(broker)
    case 'unclean.leader.election.enable':
      return broker.uncleanLeaderElectionEnable
    case 'follower.replication.throttled.replicas':
    case 'leader.replication.throttled.replicas':
      return []
    case 'remote.log.copy.disable':
    case 'remote.log.delete.on.disable':
    case 'remote.storage.enable':
      return false
  }
}

/**
 * Why Kafka would refuse these values for a topic, as the message of an INVALID_CONFIG; undefined when it would not.
 * Kafka: `ControllerConfigurationValidator`, `LogConfig.validate`.
 * @param values the topic's whole map as it would be after the change; null is a value that was sent as null
 */
export function refuseTopicConfig(
  values: ReadonlyMap<string, string | null>,
  broker: BrokerSettings,
): string | undefined {
  const nulls = [...values].filter(([, text]) => text === null).map(([name]) => name)
  if (nulls.length > 0) return `Null value not supported for topic configs: ${nulls.join(',')}`
  const texts = new Map<string, string>()
  for (const [name, text] of values) if (text !== null) texts.set(name, text)

  for (const name of texts.keys())
    if (topicKey(name) === undefined) return `Unknown topic config name: ${name}`
  for (const [name, text] of texts) {
    const refusal = refusalOf(name, topicKeys[name as TopicKeyName], text)
    if (refusal !== undefined) return refusal
  }
  return refuseTogether(topicLogConfig(texts, broker), broker)
}

function refuseTogether(topic: TopicSettings, broker: BrokerSettings): string | undefined {
  if (topic.minCompactionLagMs > topic.maxCompactionLagMs)
    return `conflict topic config setting min.compaction.lag.ms (${formatValue('long', topic.minCompactionLagMs)}) > max.compaction.lag.ms (${formatValue('long', topic.maxCompactionLagMs)})`
  if (topic.remoteStorageEnable && !broker.remoteLogStorageSystemEnable)
    return 'Tiered Storage functionality is disabled in the broker. Topic cannot be configured with remote log storage.'
  return undefined
}
