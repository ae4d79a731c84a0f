/**
 * Fetch, versions 0–18.
 *
 * - v0–1 are answered with messages of format 0, v2–3 of format 1: down-conversion.ts. Below v3 there is no limit for
 *   the whole request, and a batch above the limit of its partition is cut off.
 * - v5: log start offset; v7: sessions (KIP-227); v9: the leader epoch is checked; v10: the client knows zstd, which Kafka sends to
 *   older ones too.
 * - v12: the last fetched epoch, answered with the diverging epoch; the current leader, where this is not it.
 * - v13: topics by id; v15: followers name themselves in `replicaState`; v16: endpoints of the current leaders.
 *
 * Waits until `minBytes` are there or `maxWaitMs` have passed; an error, and data that fills it, end the wait. The
 * first batch is always returned whole, whatever the limits.
 *
 * Not done: fetching from the closest replica (KIP-392), the answer never names a preferred read replica.
 */

import {
  type FetchLimits,
  type PartitionFetch,
  type PartitionFetched,
  releaseFiles,
} from '../cluster/replicas/fetch-round.ts'
import type { HostedPartition } from '../cluster/replicas/hosted-partition.ts'
import { encode } from '../wire/codec.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import { FRAME_LENGTH_BYTES } from '../wire/frame.ts'
import { ZERO_UUID } from '../wire/schema.ts'
import {
  type FetchRequest,
  type FetchResponseInput,
  fetchRequest,
  fetchResponse,
} from '../wire/schemas/01-fetch.ts'
import { Writer } from '../wire/writer.ts'
import { currentLeaderOf, type LeaderHint, leaderEndpoints } from './current-leader.ts'
import { messageFormatOf, readConverted } from './down-conversion.ts'
import { readWithin } from './fetch-reads.ts'
import type { FetchContext, FetchedState, FetchTarget } from './fetch-sessions.ts'
import { handler, type RequestContext } from './handler.ts'
import type { Services } from './services.ts'

type TopicAnswer = FetchResponseInput['responses'][number]
type PartitionAnswer = TopicAnswer['partitions'][number]

const NO_RECORDS: readonly Buffer[] = []
const NOT_FOUND: ReadonlySet<number> = new Set([
  ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
  ErrorCode.UNKNOWN_TOPIC_ID,
])
/** Kafka's answer for a partition that it does not find; one that it refuses otherwise has null. */
const NO_ABORTED: PartitionFetched['abortedTransactions'] = []
const FIRST_VERSION_WITH_LEADER = 12
const FIRST_VERSION_WITH_TOPIC_IDS = 13
const FIRST_VERSION_WITH_ENDPOINTS = 16
const READ_COMMITTED = 1

export const fetch = handler({
  request: fetchRequest,
  response: fetchResponse,
  minVersion: 0,
  maxVersion: 18,

  async handle(context, request, services) {
    const version = context.apiVersion
    const { slices } = services
    const turn = slices.turn()
    const session = services.fetchSessions.open(
      {
        version,
        sessionId: request.sessionId,
        sessionEpoch: request.sessionEpoch,
        isFollower: replicaIdOf(request) >= 0,
        targets: targetsOf(version, request, services),
        forgotten: forgottenOf(request),
        client: context,
      },
      services.clock.now(),
    )
    if (session.errorCode !== ErrorCode.NONE) {
      return { errorCode: session.errorCode, sessionId: 0, responses: [] }
    }
    if (slices.isOver(turn)) await slices.pause(turn, context.time)
    const fetches = session.targets.map((target) => partitionFetch(version, target, services))
    const limits = limitsOf(context, request, services)
    const wait = {
      minBytes: Math.min(request.minBytes, limits.maxBytes),
      deadlineMs: services.clock.monotonicMs() + request.maxWaitMs,
    }
    const magic = messageFormatOf(version)
    const fetched =
      magic === undefined
        ? await readWithin(context, fetches, { ...limits, isToSend: true }, wait, services)
        : await readConverted(context, fetches, magic, limits, wait, services)
    context.time?.resume()
    if (replicaIdOf(request) >= 0) context.time?.exempt()
    else if (throttled(context, session, fetched, services)) {
      releaseFiles(fetched)
      return { errorCode: ErrorCode.NONE, sessionId: session.throttledId, responses: [] }
    }
    return answer(context, session, fetched, services)
  },

  refuse: (_request: FetchRequest, errorCode) => ({ errorCode, sessionId: 0, responses: [] }),
})

function replicaIdOf(request: FetchRequest): number {
  return request.replicaState.replicaId >= 0 ? request.replicaState.replicaId : request.replicaId
}

function targetsOf(version: number, request: FetchRequest, services: Services): FetchTarget[] {
  const image = services.metadata.image()
  // A partition that is named twice is fetched as it is named last.
  const targets = new Map<string, FetchTarget>()
  for (const topic of request.topics) {
    const byId = version >= FIRST_VERSION_WITH_TOPIC_IDS
    const name = byId ? image.topicsById.get(topic.topicId)?.name : topic.topic
    for (const partition of topic.partitions) {
      targets.set(`${byId ? topic.topicId : name}/${partition.partition}`, {
        topic: name,
        topicId: byId ? topic.topicId : ZERO_UUID,
        partition: partition.partition,
        currentLeaderEpoch: partition.currentLeaderEpoch,
        fetchOffset: partition.fetchOffset,
        lastFetchedEpoch: partition.lastFetchedEpoch,
        logStartOffset: partition.logStartOffset,
        partitionMaxBytes: partition.partitionMaxBytes,
      })
    }
  }
  return [...targets.values()]
}

function forgottenOf(request: FetchRequest) {
  return request.forgottenTopicsData.flatMap(({ topic, topicId, partitions }) =>
    partitions.map((partition) => ({ topic, topicId, partition })),
  )
}

/** Finds the partition anew for each request of a session: topics are deleted and made again under their names. */
function partitionFetch(version: number, target: FetchTarget, services: Services): PartitionFetch {
  const hosted = resolve(version, target, services)
  return typeof hosted === 'number'
    ? { errorCode: hosted, target }
    : { errorCode: ErrorCode.NONE, partition: hosted, target }
}

function resolve(version: number, target: FetchTarget, services: Services): HostedPartition | number {
  const image = services.metadata.image()
  const byId = version >= FIRST_VERSION_WITH_TOPIC_IDS
  const topic = byId ? image.topicsById.get(target.topicId) : image.topics.get(target.topic ?? '')
  if (topic === undefined) {
    // A session still knows the name of a topic that has gone, or was made again under another id.
    if (!byId || target.topic === undefined) {
      return byId ? ErrorCode.UNKNOWN_TOPIC_ID : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    }
    return image.topics.has(target.topic)
      ? ErrorCode.INCONSISTENT_TOPIC_ID
      : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
  }
  target.topic = topic.name
  if (topic.partitions[target.partition] === undefined) return ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
  const hosted = services.partitions.get(topic.name, target.partition)
  if (hosted === undefined) return services.partitions.missing(topic.name, target.partition)
  return hosted
}

function limitsOf(context: RequestContext, request: FetchRequest, services: Services): FetchLimits {
  const replicaId = replicaIdOf(request)
  return {
    replicaId,
    replicaEpoch: request.replicaState.replicaEpoch,
    maxBytes: Math.min(
      request.maxBytes,
      services.configs.broker.fetchMaxBytes,
      // The first batch comes in any case; with none there is something to wait for.
      Math.max(1, context.answerRoom),
      // More in one answer would never be within the quota.
      replicaId >= 0
        ? Number.POSITIVE_INFINITY
        : Math.floor(services.quotas.fetch.maxInWindows(context.quotaClient)),
    ),
    readCommitted: request.isolationLevel === READ_COMMITTED,
  }
}

/**
 * Whether the client is over a quota, so that it gets an empty answer and asks for the same again. The bytes are those
 * of the answer that it would have got, and count only if it gets it.
 */
function throttled(
  context: RequestContext,
  session: FetchContext,
  fetched: readonly PartitionFetched[],
  services: Services,
): boolean {
  const { fetch: quota } = services.quotas
  context.throttleForTime()
  if (!quota.enabled) return context.muteMs > 0
  const { responses, nodeEndpoints } = namedPartitions(context, session, fetched, services)
  const writer = new Writer()
  encode(fetchResponse, context.apiVersion, { responses, nodeEndpoints }, writer)
  const bytes = FRAME_LENGTH_BYTES + writer.length
  const nowMs = services.clock.monotonicMs()
  context.throttle('fetch', quota.record(context.quotaClient, bytes, nowMs))
  if (context.muteMs === 0) return false
  quota.recordOnly(context.quotaClient, -bytes, nowMs)
  return true
}

function answer(
  context: RequestContext,
  session: FetchContext,
  fetched: readonly PartitionFetched[],
  services: Services,
): FetchResponseInput {
  const { responses, nodeEndpoints, states } = namedPartitions(context, session, fetched, services)
  return {
    errorCode: ErrorCode.NONE,
    sessionId: session.finish(states, services.clock.now()),
    responses,
    nodeEndpoints,
  }
}

/** What the answer says of the partitions that it has to name, and the state of each that was asked for. */
function namedPartitions(
  context: RequestContext,
  session: FetchContext,
  fetched: readonly PartitionFetched[],
  services: Services,
) {
  const states: FetchedState[] = []
  const responses: TopicAnswer[] = []
  const leaders: LeaderHint[] = []
  const topics = new Map<string, PartitionAnswer[]>()
  session.targets.forEach((target, index) => {
    const partition = fetched[index]!
    const state: FetchedState = {
      errorCode: partition.errorCode,
      recordBytes: partition.size,
      highWatermark: partition.highWatermark,
      logStartOffset: partition.logStartOffset,
      diverging: partition.divergingEpoch !== undefined,
      preferredReadReplica: -1,
    }
    states.push(state)
    if (!session.mustSend(index, state)) return
    const key = context.apiVersion >= FIRST_VERSION_WITH_TOPIC_IDS ? target.topicId : target.topic!
    let partitions = topics.get(key)
    if (partitions === undefined) {
      partitions = []
      topics.set(key, partitions)
      responses.push({ topic: target.topic ?? '', topicId: target.topicId, partitions })
    }
    const leader =
      context.apiVersion >= FIRST_VERSION_WITH_LEADER
        ? currentLeaderOf(services.metadata.image(), partition.errorCode, target)
        : undefined
    if (leader !== undefined) leaders.push(leader)
    partitions.push({
      partitionIndex: target.partition,
      errorCode: partition.errorCode,
      highWatermark: partition.highWatermark,
      lastStableOffset: partition.lastStableOffset,
      logStartOffset: partition.logStartOffset,
      divergingEpoch: partition.divergingEpoch,
      currentLeader: leader,
      abortedTransactions: NOT_FOUND.has(partition.errorCode) ? NO_ABORTED : partition.abortedTransactions,
      records: partition.records ?? NO_RECORDS,
    })
  })
  return {
    states,
    responses,
    nodeEndpoints:
      context.apiVersion >= FIRST_VERSION_WITH_ENDPOINTS
        ? leaderEndpoints(services.metadata.image(), leaders, context.listenerName)
        : [],
  }
}
