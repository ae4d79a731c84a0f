/**
 * AlterPartitionReassignments, versions 0–1 (KIP-455); v1 may forbid another replication factor. Every partition is
 * answered for itself. The order of replicas can change; moving them to other brokers needs more than one.
 */
import { planReassignment } from '../cluster/controller/reassign-partitions.ts'
import type { MetadataChange } from '../cluster/metadata/changes.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import {
  alterPartitionReassignmentsRequest,
  alterPartitionReassignmentsResponse,
} from '../wire/schemas/45-alter-partition-reassignments.ts'
import { handler } from './handler.ts'

export const alterPartitionReassignments = handler({
  request: alterPartitionReassignmentsRequest,
  response: alterPartitionReassignmentsResponse,
  minVersion: 0,
  maxVersion: 1,

  async handle(_context, { topics, allowReplicationFactorChange }, services) {
    const responses = await services.controller.update((image) => {
      // Of a partition that is named twice the last change counts.
      const changes = new Map<string, MetadataChange>()
      const result = topics.map(({ name, partitions }) => ({
        name,
        partitions: partitions.map(({ partitionIndex, replicas }) => {
          const outcome = planReassignment(image, {
            topic: name,
            partition: partitionIndex,
            replicas,
            allowReplicationFactorChange,
          })
          if (outcome !== undefined && 'errorCode' in outcome) {
            return { partitionIndex, errorCode: outcome.errorCode, errorMessage: outcome.message || null }
          }
          if (outcome !== undefined) changes.set(`${name}-${partitionIndex}`, outcome)
          return { partitionIndex, errorCode: ErrorCode.NONE, errorMessage: null }
        }),
      }))
      return { changes: [...changes.values()], result }
    })
    // Kafka answers a request without topics before it gets to its own empty text.
    const errorMessage = topics.length === 0 ? '' : null
    return { allowReplicationFactorChange, errorCode: ErrorCode.NONE, errorMessage, responses }
  },

  refuse: ({ topics, allowReplicationFactorChange }, errorCode) => ({
    allowReplicationFactorChange,
    errorCode,
    errorMessage: null,
    responses: topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode, errorMessage: null })),
    })),
  }),
})
