/** From the keys of a topic to what its logs are to do. */
import type { TopicSettings } from '../config/topic-config.ts'
import type { LogConfig } from '../logstore/log-config.ts'

export function logConfigOf(topic: TopicSettings, validateRecords: boolean): LogConfig {
  const compressionType = topic.compressionType as LogConfig['compressionType']
  return {
    segmentBytes: topic.segmentBytes,
    segmentMs: topic.segmentMs,
    segmentJitterMs: topic.segmentJitterMs,
    segmentIndexBytes: topic.segmentIndexBytes,
    indexIntervalBytes: topic.indexIntervalBytes,
    maxMessageBytes: topic.maxMessageBytes,
    messageTimestampType: topic.messageTimestampType as LogConfig['messageTimestampType'],
    messageTimestampBeforeMaxMs: topic.messageTimestampBeforeMaxMs,
    messageTimestampAfterMaxMs: topic.messageTimestampAfterMaxMs,
    flushMessages: topic.flushMessages,
    flushMs: topic.flushMs,
    retentionMs: topic.retentionMs,
    retentionBytes: topic.retentionBytes,
    fileDeleteDelayMs: topic.fileDeleteDelayMs,
    cleanupPolicy: topic.cleanupPolicy as LogConfig['cleanupPolicy'],
    minCleanableDirtyRatio: topic.minCleanableDirtyRatio,
    minCompactionLagMs: topic.minCompactionLagMs,
    maxCompactionLagMs: topic.maxCompactionLagMs,
    deleteRetentionMs: topic.deleteRetentionMs,
    preallocate: topic.preallocate,
    compressionType,
    ...levelOf(compressionType, topic),
    validateRecords,
  }
}

function levelOf(
  compressionType: LogConfig['compressionType'],
  topic: TopicSettings,
): { readonly compressionLevel?: number } {
  switch (compressionType) {
    case 'gzip':
      return { compressionLevel: topic.compressionGzipLevel }
    case 'lz4':
      return { compressionLevel: topic.compressionLz4Level }
    case 'zstd':
      return { compressionLevel: topic.compressionZstdLevel }
    default:
      return {}
  }
}
