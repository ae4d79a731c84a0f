import type { BrokerSettings } from './broker-keys.ts'

/** Rules between keys. */
interface CrossCheck {
  /** False when the rule is broken. */
  readonly holds: (settings: BrokerSettings) => boolean
  readonly message: string | ((settings: BrokerSettings) => string)
  /** Kafka's answer to a client who would break it says that a requirement failed. Known for dynamic keys alone. */
  readonly required?: true
}

const MS_PER_HOUR = 3_600_000
const MS_PER_MINUTE = 60_000
const BYTES_PER_MB = 1024 * 1024

/** Kafka's `KafkaConfig.validateValues`, `GroupCoordinatorConfig` and `ShareGroupConfig`, in their words. */
const crossChecks: readonly CrossCheck[] = [
  {
    holds: (c) => segmentMs(c) >= 1,
    message: 'log.roll.ms must be greater than or equal to 1',
    required: true,
  },
  {
    holds: (c) => segmentJitterMs(c) >= 0,
    message: 'log.roll.jitter.ms must be greater than or equal to 0',
    required: true,
  },
  {
    holds: (c) => retentionMs(c) >= 1 || retentionMs(c) === -1,
    message: 'log.retention.ms must be unlimited (-1) or, greater than or equal to 1',
    required: true,
  },
  {
    holds: (c) =>
      c.logCleanerThreads > 0 &&
      Math.floor(c.logCleanerDedupeBufferSize / c.logCleanerThreads) > BYTES_PER_MB,
    message: 'log.cleaner.dedupe.buffer.size must be at least 1MB per cleaner thread.',
    required: true,
  },
  {
    holds: (c) => !c.cordonedLogDirs.includes('*') || c.cordonedLogDirs.length === 1,
    message: 'When cordoned.log.dirs is set to *, it must not contain other values',
    required: true,
  },
  {
    holds: (c) => strangersAmongCordoned(c).length === 0,
    message: (c) =>
      `All entries in cordoned.log.dirs must be present in log.dirs or log.dir. Missing entries : ${strangersAmongCordoned(c).join(',')}`,
    required: true,
  },
  {
    holds: (c) => c.replicaFetchWaitMaxMs <= c.replicaSocketTimeoutMs,
    message:
      'replica.socket.timeout.ms should always be at least replica.fetch.wait.max.ms to prevent unnecessary socket timeouts',
  },
  {
    holds: (c) => c.replicaFetchWaitMaxMs <= c.replicaLagTimeMaxMs,
    message:
      'replica.fetch.wait.max.ms should always be less than or equal to replica.lag.time.max.ms to prevent frequent changes in ISR',
  },
  {
    holds: (c) => c.queuedMaxRequestBytes <= 0 || c.queuedMaxRequestBytes >= c.socketRequestMaxBytes,
    message: 'queued.max.request.bytes must be larger or equal to socket.request.max.bytes',
  },
  {
    holds: (c) => c.maxConnectionsPerIp !== 0 || c.maxConnectionsPerIpOverrides !== '',
    message:
      'max.connections.per.ip can be set to zero only if max.connections.per.ip.overrides property is set.',
    required: true,
  },
  {
    holds: (c) => c.offsetsTopicCompressionCodec >= 0 && c.offsetsTopicCompressionCodec <= 4,
    message: 'offsets.topic.compression.codec must be 0 (none), 1 (gzip), 2 (snappy), 3 (lz4) or 4 (zstd)',
  },
  {
    holds: (c) => c.sluiceMaxConnectionBytesInFlight <= c.sluiceMaxBytesInFlight,
    message: 'sluice.max.connection.bytes.in.flight must be at most sluice.max.bytes.in.flight',
  },
  ...range('group.consumer', 'heartbeat.interval.ms', (c) => [
    c.groupConsumerMinHeartbeatIntervalMs,
    c.groupConsumerHeartbeatIntervalMs,
    c.groupConsumerMaxHeartbeatIntervalMs,
  ]),
  ...range('group.consumer', 'session.timeout.ms', (c) => [
    c.groupConsumerMinSessionTimeoutMs,
    c.groupConsumerSessionTimeoutMs,
    c.groupConsumerMaxSessionTimeoutMs,
  ]),
  ...range('group.consumer', 'assignment.interval.ms', (c) => [
    c.groupConsumerMinAssignmentIntervalMs,
    c.groupConsumerAssignmentIntervalMs,
    c.groupConsumerMaxAssignmentIntervalMs,
  ]),
  ...range('group.share', 'heartbeat.interval.ms', (c) => [
    c.groupShareMinHeartbeatIntervalMs,
    c.groupShareHeartbeatIntervalMs,
    c.groupShareMaxHeartbeatIntervalMs,
  ]),
  ...range('group.share', 'session.timeout.ms', (c) => [
    c.groupShareMinSessionTimeoutMs,
    c.groupShareSessionTimeoutMs,
    c.groupShareMaxSessionTimeoutMs,
  ]),
  ...range('group.share', 'assignment.interval.ms', (c) => [
    c.groupShareMinAssignmentIntervalMs,
    c.groupShareAssignmentIntervalMs,
    c.groupShareMaxAssignmentIntervalMs,
  ]),
  ...range('group.share', 'record.lock.duration.ms', (c) => [
    c.groupShareMinRecordLockDurationMs,
    c.groupShareRecordLockDurationMs,
    c.groupShareMaxRecordLockDurationMs,
  ]),
  ...range('group.share', 'delivery.count.limit', (c) => [
    c.groupShareMinDeliveryCountLimit,
    c.groupShareDeliveryCountLimit,
    c.groupShareMaxDeliveryCountLimit,
  ]),
  ...range('group.share', 'partition.max.record.locks', (c) => [
    c.groupShareMinPartitionMaxRecordLocks,
    c.groupSharePartitionMaxRecordLocks,
    c.groupShareMaxPartitionMaxRecordLocks,
  ]),
  ...range('group.streams', 'heartbeat.interval.ms', (c) => [
    c.groupStreamsMinHeartbeatIntervalMs,
    c.groupStreamsHeartbeatIntervalMs,
    c.groupStreamsMaxHeartbeatIntervalMs,
  ]),
  ...range('group.streams', 'session.timeout.ms', (c) => [
    c.groupStreamsMinSessionTimeoutMs,
    c.groupStreamsSessionTimeoutMs,
    c.groupStreamsMaxSessionTimeoutMs,
  ]),
  ...range('group.streams', 'assignment.interval.ms', (c) => [
    c.groupStreamsMinAssignmentIntervalMs,
    c.groupStreamsAssignmentIntervalMs,
    c.groupStreamsMaxAssignmentIntervalMs,
  ]),
  {
    holds: (c) => c.groupConsumerHeartbeatIntervalMs < c.groupConsumerSessionTimeoutMs,
    message: 'group.consumer.heartbeat.interval.ms must be less than group.consumer.session.timeout.ms',
  },
  {
    holds: (c) => c.groupShareHeartbeatIntervalMs < c.groupShareSessionTimeoutMs,
    message: 'group.share.heartbeat.interval.ms must be less than group.share.session.timeout.ms',
  },
  {
    holds: (c) => c.groupStreamsHeartbeatIntervalMs < c.groupStreamsSessionTimeoutMs,
    message: 'group.streams.heartbeat.interval.ms must be less than group.streams.session.timeout.ms',
  },
  {
    holds: (c) => c.groupStreamsNumStandbyReplicas <= c.groupStreamsMaxStandbyReplicas,
    message:
      'group.streams.num.standby.replicas must be less than or equal to group.streams.max.standby.replicas',
  },
]

/** A key with a smallest and a largest value of its own: `prefix.min.x` <= `prefix.x` <= `prefix.max.x`. */
function range(
  prefix: string,
  name: string,
  of: (settings: BrokerSettings) => readonly [min: number, value: number, max: number],
): readonly CrossCheck[] {
  const [min, key, max] = [`${prefix}.min.${name}`, `${prefix}.${name}`, `${prefix}.max.${name}`]
  return [
    {
      holds: (settings) => of(settings)[2] >= of(settings)[0],
      message: `${max} must be greater than or equal to ${min}`,
    },
    {
      holds: (settings) => of(settings)[1] >= of(settings)[0] || of(settings)[2] < of(settings)[0],
      message: `${key} must be greater than or equal to ${min}`,
    },
    {
      holds: (settings) => of(settings)[1] <= of(settings)[2] || of(settings)[2] < of(settings)[0],
      message: `${key} must be less than or equal to ${max}`,
    },
  ]
}

/** The message of every rule between keys that is broken. */
export function crossCheck(settings: BrokerSettings): string[] {
  return crossChecks.filter(({ holds }) => !holds(settings)).map((check) => textOf(check, settings))
}

function textOf({ message }: CrossCheck, settings: BrokerSettings): string {
  return typeof message === 'string' ? message : message(settings)
}

/** What is cordoned without being one of the log directories. */
function strangersAmongCordoned({ cordonedLogDirs, logDirs, logDir }: BrokerSettings): string[] {
  const known = logDirs ?? logDir
  return cordonedLogDirs.includes('*') ? [] : cordonedLogDirs.filter((each) => !known.includes(each))
}

/** The first rule that `next` breaks and `current` does not, in the words of an answer. */
export function newlyBroken(current: BrokerSettings, next: BrokerSettings): string | undefined {
  const broken = crossChecks.find(({ holds }) => holds(current) && !holds(next))
  if (broken === undefined) return undefined
  const text = textOf(broken, next)
  return broken.required ? `requirement failed: ${text}` : text
}

/** `log.roll.ms`, or else `log.roll.hours`. */
export function segmentMs(settings: BrokerSettings): number {
  return settings.logRollMs ?? settings.logRollHours * MS_PER_HOUR
}

export function segmentJitterMs(settings: BrokerSettings): number {
  return settings.logRollJitterMs ?? settings.logRollJitterHours * MS_PER_HOUR
}

/** Milliseconds, or else minutes, or else hours; every negative number means unlimited (-1). */
export function retentionMs(settings: BrokerSettings): number {
  const configured =
    settings.logRetentionMs ??
    (settings.logRetentionMinutes === null
      ? settings.logRetentionHours * MS_PER_HOUR
      : settings.logRetentionMinutes * MS_PER_MINUTE)
  return configured < 0 ? -1 : configured
}

export function flushMs(settings: BrokerSettings): number {
  return settings.logFlushIntervalMs ?? settings.logFlushSchedulerIntervalMs
}
