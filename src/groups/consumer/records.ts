import { consumerGroupCurrentMemberAssignmentKey } from '../../wire/log-schemas/consumer-group-current-member-assignment-key.ts'
import {
  type ConsumerGroupCurrentMemberAssignmentValue,
  consumerGroupCurrentMemberAssignmentValue,
} from '../../wire/log-schemas/consumer-group-current-member-assignment-value.ts'
import { consumerGroupMemberMetadataKey } from '../../wire/log-schemas/consumer-group-member-metadata-key.ts'
import {
  type ConsumerGroupMemberMetadataValue,
  consumerGroupMemberMetadataValue,
} from '../../wire/log-schemas/consumer-group-member-metadata-value.ts'
import { consumerGroupMetadataKey } from '../../wire/log-schemas/consumer-group-metadata-key.ts'
import {
  type ConsumerGroupMetadataValue,
  consumerGroupMetadataValue,
} from '../../wire/log-schemas/consumer-group-metadata-value.ts'
import { consumerGroupPartitionMetadataKey } from '../../wire/log-schemas/consumer-group-partition-metadata-key.ts'
import {
  type ConsumerGroupPartitionMetadataValue,
  consumerGroupPartitionMetadataValue,
} from '../../wire/log-schemas/consumer-group-partition-metadata-value.ts'
import { consumerGroupRegularExpressionKey } from '../../wire/log-schemas/consumer-group-regular-expression-key.ts'
import {
  type ConsumerGroupRegularExpressionValue,
  consumerGroupRegularExpressionValue,
} from '../../wire/log-schemas/consumer-group-regular-expression-value.ts'
import { consumerGroupTargetAssignmentMemberKey } from '../../wire/log-schemas/consumer-group-target-assignment-member-key.ts'
import {
  type ConsumerGroupTargetAssignmentMemberValue,
  consumerGroupTargetAssignmentMemberValue,
} from '../../wire/log-schemas/consumer-group-target-assignment-member-value.ts'
import { consumerGroupTargetAssignmentMetadataKey } from '../../wire/log-schemas/consumer-group-target-assignment-metadata-key.ts'
import {
  type ConsumerGroupTargetAssignmentMetadataValue,
  consumerGroupTargetAssignmentMetadataValue,
} from '../../wire/log-schemas/consumer-group-target-assignment-metadata-value.ts'
import type { Message } from '../../wire/schema.ts'

/**
 * The records of a consumer group (Kafka's `GroupCoordinatorRecordHelpers`). A null value takes away what the key names.
 * Fields beside `type` and `value` are those of the record's key.
 */
export type ConsumerGroupRecord =
  /** The group's epoch, and the hash of the topics at that epoch. */
  | OfGroup<'consumerGroupMetadata', ConsumerGroupMetadataValue>
  /** Kafka wrote it before 4.1; now its tombstone alone is written. */
  | OfGroup<'consumerGroupPartitionMetadata', ConsumerGroupPartitionMetadataValue>
  /** Who a member is and what it subscribes to. */
  | OfMember<'consumerGroupMemberMetadata', ConsumerGroupMemberMetadataValue>
  /** The epoch for which the targets were computed. */
  | OfGroup<'consumerGroupTargetAssignmentMetadata', ConsumerGroupTargetAssignmentMetadataValue>
  /** What a member is to own in the end. */
  | OfMember<'consumerGroupTargetAssignmentMember', ConsumerGroupTargetAssignmentMemberValue>
  /** The member's epoch, and what it owns and has to give up now. */
  | OfMember<'consumerGroupCurrentMemberAssignment', ConsumerGroupCurrentMemberAssignmentValue>
  /** The topics that a pattern of the group's members matches. */
  | {
      readonly type: 'consumerGroupRegularExpression'
      readonly groupId: string
      readonly regularExpression: string
      readonly value: ConsumerGroupRegularExpressionValue | null
    }

interface OfGroup<Type extends string, Value> {
  readonly type: Type
  readonly groupId: string
  readonly value: Value | null
}

interface OfMember<Type extends string, Value> extends OfGroup<Type, Value> {
  readonly memberId: string
}

export type ConsumerGroupRecordType = ConsumerGroupRecord['type']
export type ConsumerGroupRecordOf<Type extends ConsumerGroupRecordType> = Extract<
  ConsumerGroupRecord,
  { readonly type: Type }
>

type Format<Type extends ConsumerGroupRecordType> = {
  readonly key: Message<Omit<ConsumerGroupRecordOf<Type>, 'type' | 'value'>, unknown>
  readonly value: Message<NonNullable<ConsumerGroupRecordOf<Type>['value']>, unknown>
}

/** Schemas of each record; the key schema's number is the kind of the record. Keys and values are of version 0. */
export const consumerGroupFormats: { readonly [Type in ConsumerGroupRecordType]: Format<Type> } = {
  consumerGroupMetadata: { key: consumerGroupMetadataKey, value: consumerGroupMetadataValue },
  consumerGroupPartitionMetadata: {
    key: consumerGroupPartitionMetadataKey,
    value: consumerGroupPartitionMetadataValue,
  },
  consumerGroupMemberMetadata: {
    key: consumerGroupMemberMetadataKey,
    value: consumerGroupMemberMetadataValue,
  },
  consumerGroupTargetAssignmentMetadata: {
    key: consumerGroupTargetAssignmentMetadataKey,
    value: consumerGroupTargetAssignmentMetadataValue,
  },
  consumerGroupTargetAssignmentMember: {
    key: consumerGroupTargetAssignmentMemberKey,
    value: consumerGroupTargetAssignmentMemberValue,
  },
  consumerGroupCurrentMemberAssignment: {
    key: consumerGroupCurrentMemberAssignmentKey,
    value: consumerGroupCurrentMemberAssignmentValue,
  },
  consumerGroupRegularExpression: {
    key: consumerGroupRegularExpressionKey,
    value: consumerGroupRegularExpressionValue,
  },
}
