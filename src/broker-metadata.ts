/** The metadata of a broker: where its store is, and what has to be true of it before anything is served by it. */
import { finalizeFeatures, unservedFeature } from './apis/features.ts'
import type { Clock } from './base/clock.ts'
import type { Logger } from './base/logger.ts'
import type { Random } from './base/random.ts'
import { EmbeddedStore } from './cluster/metadata/embedded-store.ts'
import { METADATA_DIRECTORY } from './cluster/metadata/metadata-log.ts'
import { type MetadataStore, updateMetadata } from './cluster/metadata/store.ts'
import type { FileSystem } from './logstore/file-system.ts'
import type { LogDirectories } from './logstore/log-directories.ts'
import { StartError } from './start-error.ts'

export interface BrokerMetadataOptions {
  readonly fs: FileSystem
  readonly logs: LogDirectories
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  /** No commit can be made any more. */
  readonly onBroken: (error: Error) => void
}

/** Throws StartError where the metadata is in another directory, and what `EmbeddedStore.open` does. */
export async function openMetadata(options: BrokerMetadataOptions): Promise<MetadataStore> {
  const { fs, logs, clock, random, logger, onBroken } = options
  const { path } = logs.metadataDirectory
  const elsewhere = logs.online.find((each) => fs.exists(`${each.path}/${METADATA_DIRECTORY}`))
  if (elsewhere !== undefined && !fs.exists(`${path}/${METADATA_DIRECTORY}`)) {
    throw new StartError(
      `${path}: has no metadata, ${elsewhere.path} has; name that first in log.dirs, or as metadata.log.dir`,
    )
  }
  const { clusterId } = logs
  return EmbeddedStore.open({
    fs,
    directory: path,
    clock,
    random,
    logger,
    ...(clusterId !== undefined && { clusterId }),
    hadCleanShutdown: logs.metadataDirectory.hadCleanShutdown,
    isFormed:
      logs.metadataDirectory.metaProperties?.clusterId !== undefined &&
      fs.exists(`${path}/${METADATA_DIRECTORY}`),
    onBroken,
  })
}

/**
 * Makes the log directories this node's of this cluster, with the levels of features written down; sets what the
 * metadata does not know of them apart. Throws StartError and LogDirectoryError.
 */
export async function adoptMetadata(
  metadata: MetadataStore,
  logs: LogDirectories,
  nodeId: number,
  logger: Logger,
): Promise<void> {
  const image = metadata.image()
  logs.claim(image.clusterId, nodeId)
  const unserved = unservedFeature(image)
  if (unserved !== undefined) throw new StartError(`${logs.metadataDirectory.path}: ${unserved}`)
  await updateMetadata(metadata, (current) => finalizeFeatures(current))
  const unknown = logs.recognise((topic, partition) => {
    const known = image.topics.get(topic)
    const directories = known?.partitions[partition]?.directories
    return known?.partitions[partition] === undefined
      ? undefined
      : { topicId: known.id, directoryId: directories?.[nodeId] }
  })
  if (unknown.length === 0) return
  logger.warn('partition directories that the metadata does not know are left alone', {
    count: unknown.length,
    first: unknown[0],
  })
}
