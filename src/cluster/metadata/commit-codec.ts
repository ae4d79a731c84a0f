/**
 * A commit as bytes: JSON, so that `kafka-dump-log --print-data-log` shows it. `format` is the version of this form; a
 * release reads its own and those before it.
 */
import { ErrorCode, KafkaError } from '../../wire/error-codes.ts'
import type { MetadataChange } from './changes.ts'

export interface MetadataCommit {
  /** The version of the image after it. */
  readonly version: number
  readonly changes: readonly MetadataChange[]
}

export const METADATA_FORMAT = 1

/**
 * The metadata on disk cannot be used (written by a newer release, or damaged) or not be written: KAFKA_STORAGE_ERROR,
 * after which clients try again. The message is one line for the operator.
 */
export class MetadataStoreError extends KafkaError {
  override name = 'MetadataStoreError'

  constructor(message: string, options?: ErrorOptions) {
    super(ErrorCode.KAFKA_STORAGE_ERROR, message, options)
  }
}

export function encodeCommit(commit: MetadataCommit): Buffer {
  return Buffer.from(
    JSON.stringify({ format: METADATA_FORMAT, version: commit.version, changes: commit.changes }),
  )
}

/** `where` names the bytes in the message of the MetadataStoreError that unreadable ones end in. */
export function decodeCommit(bytes: Buffer, where: string): MetadataCommit {
  let decoded: unknown
  try {
    decoded = JSON.parse(bytes.toString())
  } catch (cause) {
    throw new MetadataStoreError(`${where}: a commit that is not JSON`, { cause })
  }
  if (!isRecord(decoded) || typeof decoded.format !== 'number') {
    throw new MetadataStoreError(`${where}: a commit without a format`)
  }
  if (decoded.format > METADATA_FORMAT) {
    throw new MetadataStoreError(
      `${where}: metadata format ${decoded.format} is newer than ${METADATA_FORMAT}, the newest that this release reads`,
    )
  }
  const { version, changes } = decoded
  if (typeof version !== 'number' || !Array.isArray(changes) || !changes.every(isChange)) {
    throw new MetadataStoreError(`${where}: a commit of format ${decoded.format} with unknown content`)
  }
  return { version, changes }
}

/** By its tag alone: the checksum vouches for the rest, which this code or an older release wrote. */
function isChange(value: unknown): value is MetadataChange {
  return isRecord(value) && typeof value.type === 'string' && Object.hasOwn(CHANGE_TYPES, value.type)
}

const CHANGE_TYPES: Record<MetadataChange['type'], true> = {
  formCluster: true,
  registerBroker: true,
  unregisterBroker: true,
  fenceBroker: true,
  setBrokerDirectories: true,
  createTopic: true,
  deleteTopic: true,
  createPartitions: true,
  changePartition: true,
  setConfig: true,
  removeConfig: true,
  setClientQuota: true,
  removeClientQuota: true,
  allocateProducerIds: true,
  setFeature: true,
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}
