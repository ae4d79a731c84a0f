/**
 * ListPartitionReassignments, version 0 (KIP-455). Replicas move between brokers, of which there is one: nothing is
 * ever on its way, and what doesn't exist isn't named, as in Kafka.
 */
import { ErrorCode } from '../wire/error-codes.ts'
import {
  listPartitionReassignmentsRequest,
  listPartitionReassignmentsResponse,
} from '../wire/schemas/46-list-partition-reassignments.ts'
import { handler } from './handler.ts'

export const listPartitionReassignments = handler({
  request: listPartitionReassignmentsRequest,
  response: listPartitionReassignmentsResponse,
  minVersion: 0,
  maxVersion: 0,

  handle: () => ({ errorCode: ErrorCode.NONE, errorMessage: null, topics: [] }),

  refuse: (_request, errorCode) => ({ errorCode, errorMessage: null, topics: [] }),
})
