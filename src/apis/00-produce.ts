/**
 * Produce, versions 0–13.
 *
 * - v0–2 bring messages of formats 0 and 1, which the log converts. They may bring record batches, several of them and
 *   none at all, too: Kafka looks at what is sent from v3 on.
 * - v7: zstd; v8: record errors; v10: the current leader where this is not it; v11: TRANSACTION_ABORTABLE; v12: a
 *   transaction's first write to a partition adds that to it.
 * - v13: topics by id.
 *
 * Each partition is appended or refused for itself. With acks=0 there is no answer: an error closes the connection,
 * so that the client looks for the leader anew. With acks=all the answer waits for the in-sync replicas.
 */

import type { Turn } from '../base/slices.ts'
import { awaitEach } from '../base/steps.ts'
import type { HostedPartition } from '../cluster/replicas/hosted-partition.ts'
import { waitForReplication } from '../cluster/replicas/replication-wait.ts'
import { isInternalTopic } from '../cluster/topic-names.ts'
import type { ValidatedAppend } from '../logstore/append-validation.ts'
import { AppendRefused } from '../logstore/log-errors.ts'
import {
  batchCompressionCodec,
  batchFaultAt,
  batchIsTransactional,
  batchMagic,
  batchSizeInBytes,
  MAGIC_VALUE_V2,
} from '../wire/batch.ts'
import { compressionTypeOf } from '../wire/compression.ts'
import { ErrorCode, KafkaError } from '../wire/error-codes.ts'
import {
  type ProduceRequest,
  type ProduceResponseInput,
  produceRequest,
  produceResponse,
} from '../wire/schemas/00-produce.ts'
import { currentLeaderOf, type LeaderHint, leaderEndpoints } from './current-leader.ts'
import { type Answer, handler, type RequestContext } from './handler.ts'
import { admitBatches, type BatchToAdmit, type BatchVerdict, watchTransactions } from './produce-admission.ts'
import type { Services } from './services.ts'

type PartitionAnswer = ProduceResponseInput['responses'][number]['partitionResponses'][number]
type Mutable<T> = { -readonly [K in keyof T]: T[K] }

const ACKS_NONE = 0
const ACKS_LEADER = 1
const ACKS_ALL = -1
const FIRST_VERSION_OF_BATCHES = 3
const FIRST_VERSION_WITH_ZSTD = 7
const FIRST_VERSION_WITH_LEADER = 10
const FIRST_VERSION_WITH_TOPIC_IDS = 13
/** Kafka's own admin client may write to internal topics (`AdminUtils.ADMIN_CLIENT_ID`). */
const ADMIN_CLIENT_ID = '__admin_client'

/** Refusals of the log with which Kafka does not say where it starts (`ReplicaManager.appendRecordsToLeader`). */
const WITHOUT_LOG_START: ReadonlySet<number> = new Set([
  ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
  ErrorCode.NOT_LEADER_OR_FOLLOWER,
  ErrorCode.MESSAGE_TOO_LARGE,
  ErrorCode.RECORD_LIST_TOO_LARGE,
  ErrorCode.CORRUPT_MESSAGE,
  ErrorCode.KAFKA_STORAGE_ERROR,
])

/** Errors of single records that one answer tells, over all partitions; the text of each partition's error counts them. */
const MAX_RECORD_ERRORS = 10_000

/** What a request knows of the times that it let others have their turn. */
interface Pauses {
  readonly turn: Turn
  /** From the first of them on: transactions may have ended since. */
  watch: BatchVerdict | undefined
}

/** An append that acks=all waits for, and the answer that it may still spoil. */
interface Appended {
  readonly partition: HostedPartition
  readonly lastOffset: number
  readonly answer: Mutable<PartitionAnswer>
}

export const produce = handler({
  request: produceRequest,
  response: produceResponse,
  minVersion: 0,
  maxVersion: 13,
  keepsNothing: true,

  handle(context, request, services) {
    const admitted = request.transactionalId === null ? undefined : admitAll(context, request, services)
    if (admitted === undefined) return awaitEach(appendAll(context, request, services, undefined))
    return admitted.then((verdict) => awaitEach(appendAll(context, request, services, verdict)))
  },

  refuse: (request, errorCode) => ({
    responses: request.topicData.map(({ name, topicId, partitionData }) => ({
      name,
      topicId,
      partitionResponses: partitionData.map(({ index }) => refused(index, errorCode, null)),
    })),
  }),
})

function admitAll(
  context: RequestContext,
  request: ProduceRequest,
  services: Services,
): Promise<BatchVerdict> | undefined {
  if (request.transactionalId === null) return undefined
  const batches = transactionalBatches(context, request, services)
  return admitBatches(context.apiVersion, request.transactionalId, batches, services)
}

/** What may be of a transaction; nothing without a transactional id. */
function transactionalBatches(
  context: RequestContext,
  { transactionalId, topicData }: ProduceRequest,
  services: Services,
): BatchToAdmit[] {
  if (transactionalId === null) return []
  const batches: BatchToAdmit[] = []
  for (const topic of topicData) {
    const name = topicName(context.apiVersion, topic, services)
    for (const { index, records } of topic.partitionData) {
      const partition = name === undefined ? undefined : services.partitions.get(name, index)
      if (partition !== undefined && records !== null) batches.push({ partition, records })
    }
  }
  return batches
}

/** Yields what takes long: one partition's records after the other's, so that memory holds the results of one. */
function* appendAll(
  context: RequestContext,
  request: ProduceRequest,
  services: Services,
  verdict: BatchVerdict | undefined,
): Generator<
  Promise<ValidatedAppend | undefined>,
  Answer<typeof produceResponse> | null | Promise<Answer<typeof produceResponse>>,
  ValidatedAppend | undefined
> {
  const pauses: Pauses = { turn: services.slices.turn(), watch: undefined }
  const appended: Appended[] = []
  const flushing: Promise<void>[] = []
  const leaders: LeaderHint[] = []
  let failed = false
  let recordErrorsLeft = MAX_RECORD_ERRORS
  const responses: ProduceResponseInput['responses'][number][] = []
  for (const topic of request.topicData) {
    const name = topicName(context.apiVersion, topic, services)
    const partitionResponses: PartitionAnswer[] = []
    for (const { index, records } of topic.partitionData) {
      if (services.slices.isOver(pauses.turn)) {
        pauses.watch ??= watchTransactions(transactionalBatches(context, request, services))
        yield services.slices.pause(pauses.turn, context.time)
      }
      const answer = yield* producePartition(
        context,
        request,
        name,
        index,
        records,
        services,
        appended,
        flushing,
        verdict,
        pauses,
      )
      if (answer.errorCode !== ErrorCode.NONE) {
        failed = true
        context.refusedWith(answer.errorCode)
        answer.recordErrors = answer.recordErrors?.slice(0, recordErrorsLeft) ?? []
        recordErrorsLeft -= answer.recordErrors.length
        const leader = currentLeaderOf(services.metadata.image(), answer.errorCode, {
          topic: name,
          partition: index,
        })
        if (leader !== undefined && context.apiVersion >= FIRST_VERSION_WITH_LEADER) {
          leaders.push(leader)
          answer.currentLeader = leader
        }
      }
      partitionResponses.push(answer)
    }
    responses.push({ name: topic.name, topicId: topic.topicId, partitionResponses })
  }
  if (request.acks === ACKS_NONE) {
    throttle(context, services)
    if (failed) context.closeConnection('a produce request with acks=0 failed')
    return null
  }
  const response = {
    responses,
    nodeEndpoints: leaderEndpoints(services.metadata.image(), leaders, context.listenerName),
  }
  if (flushing.length > 0) {
    return Promise.all(flushing).then(() => {
      throttle(context, services)
      return response
    })
  }
  const replicated =
    request.acks === ACKS_ALL ? waitForReplication(appended, request.timeoutMs, services.clock) : undefined
  if (replicated === undefined) {
    throttle(context, services)
    return response
  }
  return replicated.then(() => {
    throttle(context, services)
    for (const { partition, lastOffset, answer } of appended) {
      answer.errorCode = partition.replicationError(lastOffset)
      if (answer.errorCode !== ErrorCode.NONE) Object.assign(answer, NOTHING_APPENDED)
    }
    return response
  })
}

/** Counts the request as it was sent, compressed and with its headers, whatever became of it. */
function throttle(context: RequestContext, { quotas, clock }: Services): void {
  if (!quotas.produce.enabled) return
  context.throttle(
    'produce',
    quotas.produce.record(context.quotaClient, context.requestBytes, clock.monotonicMs()),
  )
}

const NOTHING_APPENDED = { baseOffset: -1, logAppendTimeMs: -1, logStartOffset: -1 } as const

function refused(index: number, errorCode: number, errorMessage: string | null): Mutable<PartitionAnswer> {
  return { index, errorCode, errorMessage, ...NOTHING_APPENDED }
}

/** Undefined for an id that no topic has. */
function topicName(
  version: number,
  { name, topicId }: { readonly name: string; readonly topicId: string },
  services: Services,
): string | undefined {
  if (version < FIRST_VERSION_WITH_TOPIC_IDS) return name
  return services.metadata.image().topicsById.get(topicId)?.name
}

function* producePartition(
  context: RequestContext,
  request: ProduceRequest,
  topic: string | undefined,
  index: number,
  records: Buffer | null,
  services: Services,
  appended: Appended[],
  flushing: Promise<void>[],
  verdict: BatchVerdict | undefined,
  pauses: Pauses,
): Generator<Promise<ValidatedAppend | undefined>, Mutable<PartitionAnswer>, ValidatedAppend | undefined> {
  const refusal = requestRefusal(context, request, topic, records)
  if (refusal !== undefined) return refused(index, refusal.code, refusal.message)
  const partition = services.partitions.get(topic!, index)
  if (partition === undefined) return refused(index, services.partitions.missing(topic!, index), null)
  try {
    const notAdmitted = verdict?.(partition, records!)
    if (notAdmitted !== undefined) return refused(index, notAdmitted.errorCode, notAdmitted.message)
    const options = { origin: 'client', acksAll: request.acks === ACKS_ALL } as const
    const validating = services.slices.run(
      () => partition.validateAppend(records!, options),
      pauses.turn,
      context.time,
    )
    let validated: ValidatedAppend
    if (validating instanceof Promise) {
      pauses.watch ??= watchTransactions(transactionalBatches(context, request, services))
      validated = (yield validating)!
    } else validated = validating
    const ended = pauses.watch?.(partition, records!)
    if (ended !== undefined) return refused(index, ended.errorCode, ended.message)
    const info = partition.appendValidated(validated, options)
    const answer = {
      index,
      errorCode: ErrorCode.NONE as number,
      baseOffset: info.firstOffset,
      logAppendTimeMs: info.logAppendTimeMs,
      logStartOffset: info.logStartOffset,
    }
    if (request.acks === ACKS_ALL) appended.push({ partition, lastOffset: info.lastOffset, answer })
    else if (info.flushed !== undefined) {
      flushing.push(
        info.flushed.catch((error) => void Object.assign(answer, failedAppend(error, partition, services))),
      )
    }
    return answer
  } catch (error) {
    return failedAppend(error, partition, services)
  }
}

/** What can be said before any partition is asked; undefined for nothing. */
function requestRefusal(
  context: RequestContext,
  { acks, transactionalId }: ProduceRequest,
  topic: string | undefined,
  records: Buffer | null,
): KafkaError | undefined {
  const version = context.apiVersion
  if (acks !== ACKS_ALL && acks !== ACKS_LEADER && acks !== ACKS_NONE) {
    return new KafkaError(ErrorCode.INVALID_REQUIRED_ACKS, `acks is ${acks}; 0, 1 and -1 are known`)
  }
  if (topic === undefined) {
    return new KafkaError(ErrorCode.UNKNOWN_TOPIC_ID, 'This server does not host this topic ID.')
  }
  if (isInternalTopic(topic) && context.clientId !== ADMIN_CLIENT_ID) {
    return new KafkaError(
      ErrorCode.INVALID_TOPIC_EXCEPTION,
      `The request attempted to perform an operation on the internal topic ${topic}.`,
    )
  }
  if (records === null || (records.length === 0 && version >= FIRST_VERSION_OF_BATCHES)) {
    return new KafkaError(
      ErrorCode.INVALID_RECORD,
      `Produce requests with version ${version} must have at least one record batch per partition`,
    )
  }
  const problem = version < FIRST_VERSION_OF_BATCHES ? undefined : batchesProblem(records)
  if (problem !== undefined) return new KafkaError(ErrorCode.INVALID_RECORD, problem)
  // A batch that is none at all is the log's to refuse.
  if (batchFaultAt(records, 0) !== undefined) return undefined
  if (
    version >= FIRST_VERSION_OF_BATCHES &&
    version < FIRST_VERSION_WITH_ZSTD &&
    compressionTypeOf(batchCompressionCodec(records, 0)) === 'zstd'
  ) {
    return new KafkaError(
      ErrorCode.UNSUPPORTED_COMPRESSION_TYPE,
      `Produce requests with version ${version} are not allowed to use ZStandard compression`,
    )
  }
  if (transactionalId === null && batchIsTransactional(records, 0)) {
    return new KafkaError(
      ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
      'A transactional batch needs a transactional id.',
    )
  }
  return undefined
}

/** Kafka's `ProduceRequest.validateRecords`: one batch, of the format of today. */
function batchesProblem(records: Buffer): string | undefined {
  const fault = batchFaultAt(records, 0)
  if (fault === 'too-short') return 'Produce requests must have at least one whole record batch per partition'
  if (fault === 'bad-magic' && batchMagic(records, 0) >= 0 && batchMagic(records, 0) < MAGIC_VALUE_V2) {
    return `Produce requests are only allowed to contain record batches with magic version ${MAGIC_VALUE_V2}`
  }
  if (fault !== undefined) return undefined
  const end = batchSizeInBytes(records, 0)
  return end < records.length && batchFaultAt(records, end) === undefined
    ? 'Produce requests are only allowed to contain exactly one record batch per partition'
    : undefined
}

function failedAppend(
  error: unknown,
  partition: HostedPartition,
  services: Services,
): Mutable<PartitionAnswer> {
  const { topic, partition: index } = partition
  const logStartOffset =
    error instanceof KafkaError && WITHOUT_LOG_START.has(error.code) ? -1 : partition.log.logStartOffset
  if (error instanceof AppendRefused) {
    return {
      ...refused(index, error.code, error.message),
      logStartOffset,
      recordErrors: error.recordErrors.map(({ batchIndex, message }) => ({
        batchIndex,
        batchIndexErrorMessage: message,
      })),
    }
  }
  if (error instanceof KafkaError) return { ...refused(index, error.code, error.message), logStartOffset }
  services.logger.error('append failed', { topic, partition: index, err: error })
  return { ...refused(index, ErrorCode.UNKNOWN_SERVER_ERROR, null), logStartOffset }
}
