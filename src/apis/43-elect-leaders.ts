/**
 * ElectLeaders, versions 0–2 (KIP-460): preferred leaders, or from v1 on unclean ones.
 *
 * - No list of partitions asks for all; those that need nothing are then left out, their topics not.
 * - v0 has no error of the request as a whole.
 */
import { electLeaders as planElections } from '../cluster/controller/elect-leaders.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import { electLeadersRequest, electLeadersResponse } from '../wire/schemas/43-elect-leaders.ts'
import { handler } from './handler.ts'

const ELECTION_TYPES = ['preferred', 'unclean'] as const

export const electLeaders = handler({
  request: electLeadersRequest,
  response: electLeadersResponse,
  minVersion: 0,
  maxVersion: 2,

  async handle(_context, { electionType, topicPartitions }, services) {
    const type = ELECTION_TYPES[electionType]
    if (type === undefined) {
      const message = `Unknown election type ${electionType}`
      return refusal(topicPartitions, ErrorCode.INVALID_REQUEST, message)
    }
    const results = await services.controller.update((image) => planElections(image, type, topicPartitions))
    return {
      errorCode: ErrorCode.NONE,
      replicaElectionResults: results.map(({ topic, partitions }) => ({
        topic,
        partitionResult: partitions.map(({ partition, errorCode, message }) => ({
          partitionId: partition,
          errorCode,
          errorMessage: message,
        })),
      })),
    }
  },

  refuse: ({ topicPartitions }, errorCode) => refusal(topicPartitions, errorCode, null),
})

function refusal(
  topicPartitions: readonly { readonly topic: string; readonly partitions: readonly number[] }[] | null,
  errorCode: number,
  errorMessage: string | null,
) {
  return {
    errorCode,
    replicaElectionResults: (topicPartitions ?? []).map(({ topic, partitions }) => ({
      topic,
      partitionResult: partitions.map((partitionId) => ({ partitionId, errorCode, errorMessage })),
    })),
  }
}
