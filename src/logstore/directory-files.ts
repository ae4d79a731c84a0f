import { readSmallFile, replaceSmallFile } from './checkpoints.ts'
import { PARTITION_METADATA_FILE } from './file-names.ts'
import type { FileSystem } from './file-system.ts'
import { LogDirectoryError } from './log-errors.ts'

export const LOCK_FILE = '.lock'
export const CLEAN_SHUTDOWN_FILE = '.kafka_cleanshutdown'
export const META_PROPERTIES_FILE = 'meta.properties'

const META_PROPERTIES_VERSION = '1'
const PARTITION_METADATA_VERSION = '0'

/** Whose directory it is (`meta.properties`, version 1). */
export interface MetaProperties {
  readonly clusterId: string
  readonly nodeId: number
  readonly directoryId: string
}

/** Undefined where there is no such file. Throws LogDirectoryError for a format that is not known. */
export function readMetaProperties(fs: FileSystem, directory: string): Partial<MetaProperties> | undefined {
  const path = `${directory}/${META_PROPERTIES_FILE}`
  const bytes = readSmallFile(fs, path)
  if (bytes === undefined) return undefined
  const properties = new Map<string, string>()
  for (const line of bytes.toString('utf8').split('\n')) {
    const match = /^\s*([^#!=:\s][^=:\s]*)\s*[=:]\s*(.*?)\s*$/.exec(line)
    if (match !== null) properties.set(match[1] ?? '', (match[2] ?? '').replaceAll(/\\(.)/g, '$1'))
  }
  const version = properties.get('version')
  if (version !== META_PROPERTIES_VERSION)
    throw new LogDirectoryError(
      `${path}: format version ${version}, this release knows ${META_PROPERTIES_VERSION}; where the file is damaged, restore it, or remove it to have it written anew`,
    )
  const clusterId = properties.get('cluster.id')
  const nodeId = properties.get('node.id')
  const directoryId = properties.get('directory.id')
  return {
    ...(clusterId === undefined ? {} : { clusterId }),
    ...(nodeId === undefined ? {} : { nodeId: Number(nodeId) }),
    ...(directoryId === undefined ? {} : { directoryId }),
  }
}

export function writeMetaProperties(fs: FileSystem, directory: string, meta: MetaProperties): void {
  const lines = [
    '#',
    `cluster.id=${meta.clusterId}`,
    `directory.id=${meta.directoryId}`,
    `node.id=${meta.nodeId}`,
    `version=${META_PROPERTIES_VERSION}`,
    '',
  ]
  replaceSmallFile(fs, directory, META_PROPERTIES_FILE, Buffer.from(lines.join('\n')))
}

/** The topic id in a partition's `partition.metadata`; undefined where the file is missing or torn. */
export function readTopicId(fs: FileSystem, directory: string): string | undefined {
  const text = readSmallFile(fs, `${directory}/${PARTITION_METADATA_FILE}`)?.toString('utf8')
  return text === undefined ? undefined : /^version: 0\ntopic_id: ([\w-]{22})\s*$/.exec(text)?.[1]
}

/** Not synced: what a crash leaves of it, the metadata writes again. */
export function writeTopicId(fs: FileSystem, directory: string, topicId: string): void {
  const file = fs.open(`${directory}/${PARTITION_METADATA_FILE}`, 'create')
  try {
    file.write([Buffer.from(`version: ${PARTITION_METADATA_VERSION}\ntopic_id: ${topicId}`)], 0)
  } finally {
    file.close()
  }
}
