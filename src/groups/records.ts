import type { CoordinatorSerde, SerializedRecord } from '../cluster/coordinator/contract.ts'
import { decode, encode } from '../wire/codec.ts'
import { type GroupMetadataKey, groupMetadataKey } from '../wire/log-schemas/group-metadata-key.ts'
import { type GroupMetadataValue, groupMetadataValue } from '../wire/log-schemas/group-metadata-value.ts'
import { type OffsetCommitKey, offsetCommitKey } from '../wire/log-schemas/offset-commit-key.ts'
import { type OffsetCommitValue, offsetCommitValue } from '../wire/log-schemas/offset-commit-value.ts'
import { Reader } from '../wire/reader.ts'
import type { Message } from '../wire/schema.ts'
import { Writer } from '../wire/writer.ts'
import { type ConsumerGroupRecord, consumerGroupFormats } from './consumer/records.ts'

/** An offset that a group committed; null takes it away. */
export interface OffsetCommitRecord {
  readonly type: 'offsetCommit'
  readonly groupId: string
  readonly topic: string
  readonly partition: number
  readonly value: OffsetCommitValue | null
}

/** A classic group as it is when it becomes stable or empty; null takes it away. */
export interface GroupMetadataRecord {
  readonly type: 'groupMetadata'
  readonly groupId: string
  readonly value: GroupMetadataValue | null
}

/** What the log of a group coordinator holds. */
export type GroupRecord = OffsetCommitRecord | GroupMetadataRecord | ConsumerGroupRecord

/** The kind of a record: the first two bytes of its key, before the key itself in version 0. */
const LEGACY_OFFSET_COMMIT = 0
const OFFSET_COMMIT = 1
const GROUP_METADATA = 2

const KEY_VERSION = 0
/** The version of OffsetCommitValue that has an expiry; only OffsetCommit v2-4 asks for one. */
const OFFSET_COMMIT_WITH_EXPIRY = 1
const OFFSET_COMMIT_VALUE = 4
const GROUP_METADATA_VALUE = 3

/** The records that are written as their schemas say, in version 0. By type and by kind. */
const formats: Readonly<Record<string, RecordFormat>> = consumerGroupFormats
const formatsByKind = new Map(
  Object.entries(formats).map(([type, format]) => [format.key.key, { type, ...format }]),
)

interface RecordFormat {
  /** Its number is the kind of the record. */
  readonly key: Message<unknown, unknown>
  readonly value: Message<unknown, unknown>
}

/** Kafka's formats of `__consumer_offsets` (`GroupCoordinatorRecordHelpers`, `CoordinatorRecordSerde`). */
export const groupSerde: CoordinatorSerde<GroupRecord> = {
  serialize(record): SerializedRecord {
    switch (record.type) {
      case 'offsetCommit': {
        const { groupId: group, topic, partition, value } = record
        const key: OffsetCommitKey = { group, topic, partition }
        const version =
          (value?.expireTimestamp ?? -1) === -1 ? OFFSET_COMMIT_VALUE : OFFSET_COMMIT_WITH_EXPIRY
        return {
          key: write(offsetCommitKey, OFFSET_COMMIT, KEY_VERSION, key),
          value: value && write(offsetCommitValue, version, version, value),
        }
      }
      case 'groupMetadata': {
        const key: GroupMetadataKey = { group: record.groupId }
        return {
          key: write(groupMetadataKey, GROUP_METADATA, KEY_VERSION, key),
          value:
            record.value &&
            write(groupMetadataValue, GROUP_METADATA_VALUE, GROUP_METADATA_VALUE, record.value),
        }
      }
      default: {
        const format = formats[record.type]!
        return {
          key: write(format.key, format.key.key!, KEY_VERSION, record),
          value: record.value && write(format.value, KEY_VERSION, KEY_VERSION, record.value),
        }
      }
    }
  },

  deserialize({ key, value }): GroupRecord | undefined {
    const kind = key.readInt16BE(0)
    switch (kind) {
      case LEGACY_OFFSET_COMMIT:
      case OFFSET_COMMIT: {
        const { group, topic, partition } = readBody(offsetCommitKey, KEY_VERSION, key)
        return {
          type: 'offsetCommit',
          groupId: group,
          topic,
          partition,
          value: readValue(offsetCommitValue, value),
        }
      }
      case GROUP_METADATA: {
        const { group } = readBody(groupMetadataKey, KEY_VERSION, key)
        return { type: 'groupMetadata', groupId: group, value: readValue(groupMetadataValue, value) }
      }
      default: {
        const format = formatsByKind.get(kind)
        if (format === undefined) return undefined
        const fields = readBody(format.key, KEY_VERSION, key) as object
        // The schemas of a format are those of the record type that it stands under.
        return {
          type: format.type,
          ...fields,
          value: readValue(format.value, value),
        } as ConsumerGroupRecord
      }
    }
  },
}

function write<Input>(
  message: Message<unknown, Input>,
  prefix: number,
  version: number,
  body: NoInfer<Input>,
): Buffer {
  const writer = new Writer()
  writer.int16(prefix)
  encode(message, version, body, writer)
  return writer.toBuffer()
}

/** What follows the first two bytes, which say the kind of a key and the version of a value. */
function readBody<Value>(message: Message<Value, unknown>, version: number, bytes: Buffer): Value {
  return decode(message, version, new Reader(bytes, 2))
}

function readValue<Value>(message: Message<Value, unknown>, bytes: Buffer | null): Value | null {
  return bytes && readBody(message, bytes.readInt16BE(0), bytes)
}
