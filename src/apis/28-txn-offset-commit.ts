/**
 * TxnOffsetCommit, versions 0–5.
 *
 * - v2: leader epochs; v3: the member on whose behalf it is (KIP-447); v4: errors that abort the transaction.
 * - v5: version 2 of the protocol: the group's partition need not have been added before.
 *
 * A topic or partition that does not exist is refused for itself; the others are committed.
 */
import { GROUP_METADATA_TOPIC } from '../cluster/topic-names.ts'
import type { OffsetToCommit } from '../groups/commands.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import {
  type TxnOffsetCommitRequest,
  txnOffsetCommitRequest,
  txnOffsetCommitResponse,
} from '../wire/schemas/28-txn-offset-commit.ts'
import { groupContext } from './group-context.ts'
import { type Answer, handler } from './handler.ts'
import { type Admission, admit } from './transaction-admission.ts'

const FIRST_VERSION_WITH_ABORTABLE = 4
const FIRST_VERSION_WITH_BUMP = 5

export const txnOffsetCommit = handler({
  request: txnOffsetCommitRequest,
  response: txnOffsetCommitResponse,
  minVersion: 0,
  maxVersion: 5,

  async handle(context, request, services) {
    const { topics } = services.metadata.image()
    const toCommit: OffsetToCommit[] = []
    const places = new Map<string, number>()
    for (const { name, partitions } of request.topics) {
      const topic = topics.get(name)
      for (const partition of partitions) {
        if (topic?.partitions[partition.partitionIndex] === undefined) continue
        places.set(`${partition.partitionIndex}:${name}`, toCommit.length)
        toCommit.push({
          topic: name,
          topicId: topic.id,
          partition: partition.partitionIndex,
          offset: partition.committedOffset,
          leaderEpoch: partition.committedLeaderEpoch,
          metadata: partition.committedMetadata,
        })
      }
    }
    const codes = toCommit.length === 0 ? [] : await commit(context.apiVersion, request, toCommit)
    for (const errorCode of codes) context.refusedWith(errorCode)
    return answer(request, (topic, partition) => {
      const place = places.get(`${partition}:${topic}`)
      return place === undefined ? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION : codes[place]!
    })

    async function commit(
      version: number,
      {
        groupId,
        transactionalId,
        producerId,
        producerEpoch,
        memberId,
        groupInstanceId,
        generationId,
      }: TxnOffsetCommitRequest,
      partitions: readonly OffsetToCommit[],
    ): Promise<readonly number[]> {
      if (groupId === '') return partitions.map(() => ErrorCode.INVALID_GROUP_ID)
      const hosted = services.partitions.get(GROUP_METADATA_TOPIC, services.groups.partitionOf(groupId))
      if (hosted === undefined) return partitions.map(() => ErrorCode.NOT_COORDINATOR)
      const producer = { transactionalId, producerId, producerEpoch }
      const asked = admit(producer, [hosted], admissionOf(version), services)
      // Nothing is awaited from the verdict to the append: a marker between them would end what is about to begin.
      const verdict = asked === undefined ? undefined : await asked
      const refused = inWordsOfACommit(verdict?.(hosted) ?? ErrorCode.NONE)
      if (refused !== ErrorCode.NONE) return partitions.map(() => refused)
      const reply = await services.groups.execute(groupId, {
        type: 'txnOffsetCommit',
        groupId,
        memberId,
        groupInstanceId,
        generationIdOrMemberEpoch: generationId,
        producerId,
        producerEpoch,
        partitions,
        context: groupContext(context),
      })
      return reply.partitions.map(({ errorCode }) => errorCode)
    }
  },

  refuse: (request, errorCode) => answer(request, () => errorCode),
})

function admissionOf(version: number): Admission {
  if (version >= FIRST_VERSION_WITH_BUMP) return 'add'
  return version >= FIRST_VERSION_WITH_ABORTABLE ? 'verify' : 'verify, without TRANSACTION_ABORTABLE'
}

/** Kafka's `GroupCoordinatorService`: older clients would look for the coordinator again. */
function inWordsOfACommit(errorCode: number): number {
  return errorCode === ErrorCode.NOT_ENOUGH_REPLICAS ? ErrorCode.COORDINATOR_LOAD_IN_PROGRESS : errorCode
}

function answer(
  request: TxnOffsetCommitRequest,
  errorCodeOf: (topic: string, partition: number) => number,
): Answer<typeof txnOffsetCommitResponse> {
  return {
    topics: request.topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex }) => ({
        partitionIndex,
        errorCode: errorCodeOf(name, partitionIndex),
      })),
    })),
  }
}
