import type { Logger } from '../base/logger.ts'
import type { CoordinatorMachine, ReplyToken } from '../cluster/coordinator/contract.ts'
import type { MetadataImage } from '../cluster/metadata/image.ts'
import { NO_PRODUCER_ID } from '../wire/batch.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import { refuseParked } from './classic/answers.ts'
import { ClassicGroup, type ClassicGroupState } from './classic/classic-group.ts'
import { describeClassicGroup, describeMissingGroup } from './classic/describe.ts'
import { heartbeat } from './classic/heartbeat.ts'
import { joinGroup } from './classic/join.ts'
import { leaveGroup } from './classic/leave.ts'
import {
  joinTimerExpired,
  prepareRebalance,
  restartSession,
  sessionExpired,
  syncTimerExpired,
} from './classic/rebalance.ts'
import { syncGroup } from './classic/sync.ts'
import { parseClassicTimer, sessionTimer } from './classic/timers.ts'
import type { CommandOf, GroupCommand, GroupReplies, GroupReply } from './commands.ts'
import { CommittedOffsets } from './committed-offsets.ts'
import { applyConsumerRecord } from './consumer/apply.ts'
import type { ConsumerGroupState } from './consumer/consumer-group.ts'
import { describeConsumerGroup } from './consumer/describe.ts'
import { fenceLate, groupLoaded, rebalanceTimeoutExpired } from './consumer/fence.ts'
import { consumerGroupHeartbeat } from './consumer/heartbeat.ts'
import { leaveConsumerGroup } from './consumer/leave-group.ts'
import { GroupPatterns } from './consumer/patterns.ts'
import { groupTombstones } from './consumer/record-builders.ts'
import { assignmentTimerExpired } from './consumer/target-assignment.ts'
import { parseConsumerTimer } from './consumer/timers.ts'
import { classicGroup, type Group, type Groups } from './group.ts'
import { heartbeatToConsumerGroup } from './migration/heartbeat.ts'
import { syncConsumerGroup } from './migration/sync.ts'
import {
  commitOffsets,
  commitOffsetsInTransaction,
  deleteAllOffsets,
  deleteOffsets,
  deleteOffsetsOfTopics,
  expireOffsets,
  fetchOffsets,
} from './offsets.ts'
import type { GroupOptions } from './options.ts'
import { PendingOffsets } from './pending-offsets.ts'
import type { GroupRecord, OffsetCommitRecord } from './records.ts'
import { refusalOf } from './refusal.ts'
import { type GroupCounts, type GroupEffects, GroupStep, type StepSurroundings } from './step.ts'

const EXPIRATION_TIMER = 'offset-expiration'

/** Number of groups by the type and the state that ListGroups shows. */
export interface GroupsByType {
  readonly classic: Record<ClassicGroupState, number>
  readonly consumer: Record<ConsumerGroupState, number>
}

/**
 * The groups and committed offsets of one partition of `__consumer_offsets`: dispatches each command to the operation
 * that answers it, each record to the state that it changes. Pure: time, identities and writing come from outside.
 *
 * After a crash, what the log has is there again. A group in the middle of a rebalance is back at its last stable
 * generation; its members find out with their next request.
 */
export class GroupMachine implements CoordinatorMachine<GroupCommand, GroupReply, GroupRecord> {
  readonly #groups: Groups = new Map()
  readonly #offsets = new CommittedOffsets()
  readonly #pending = new PendingOffsets()
  readonly #patterns = new GroupPatterns()
  readonly #surroundings: StepSurroundings
  #loaded = false

  constructor(options: GroupOptions, image: () => MetadataImage, logger: Logger) {
    const counts = {
      completedRebalances: 0,
      consumerRebalances: 0,
      committedOffsets: 0,
      expiredOffsets: 0,
      deletedOffsets: 0,
    }
    this.#surroundings = { groups: this.#groups, options, image, logger, counts }
  }

  get counts(): Readonly<GroupCounts> {
    return this.#surroundings.counts
  }

  get groupsByType(): GroupsByType {
    const classic = { Empty: 0, PreparingRebalance: 0, CompletingRebalance: 0, Stable: 0 }
    const consumer = { Empty: 0, Assigning: 0, Reconciling: 0, Stable: 0 }
    for (const group of this.#groups.values()) {
      if (group.type === 'classic') classic[group.state]++
      else consumer[group.state]++
    }
    return { classic, consumer }
  }

  get memberCount(): number {
    let count = 0
    for (const group of this.#groups.values()) count += group.members.size
    return count
  }

  group(groupId: string): Group | undefined {
    return this.#groups.get(groupId)
  }

  get offsetCount(): number {
    return this.#offsets.count
  }

  handle(command: GroupCommand, token: ReplyToken, nowMs: number): GroupEffects {
    const step = new GroupStep(this.#surroundings, nowMs)
    // These two may answer later, and others than the sender.
    if (command.type === 'joinGroup') joinGroup(this.#groups, this.#patterns, command, token, step)
    else if (command.type === 'syncGroup') this.#syncGroup(command, token, step)
    else {
      step.reply(token, this.#answer(command, step))
      if (step.awaitsWrite) this.#refuseUnlessWritten(command, token, step)
    }
    return step.effects()
  }

  #refuseUnlessWritten(command: GroupCommand, token: ReplyToken, step: GroupStep): void {
    step.whenWritten((errorCode, after) => {
      if (errorCode !== ErrorCode.NONE) after.reply(token, this.refusal(command, errorCode))
    })
  }

  expire(timerKey: string, nowMs: number): GroupEffects {
    const step = new GroupStep(this.#surroundings, nowMs)
    if (timerKey === EXPIRATION_TIMER) {
      this.#cleanup(step)
      this.#scheduleCleanup(step)
      return step.effects()
    }
    if (!this.#expireOfConsumerGroup(timerKey, step)) this.#expireOfClassicGroup(timerKey, step)
    return step.effects()
  }

  #expireOfClassicGroup(timerKey: string, step: GroupStep): void {
    const timer = parseClassicTimer(timerKey)
    const group = timer && classicGroup(this.#groups, timer.groupId)
    if (timer === undefined || group === undefined) return
    switch (timer.kind) {
      case 'session':
        sessionExpired(group, timer.memberId, step)
        break
      case 'join':
        joinTimerExpired(group, step)
        break
      case 'sync':
        syncTimerExpired(group, step)
        break
      default:
        timer satisfies never
    }
  }

  /** False for a timer of another kind. */
  #expireOfConsumerGroup(timerKey: string, step: GroupStep): boolean {
    const timer = parseConsumerTimer(timerKey)
    if (timer === undefined) return false
    const found = this.#groups.get(timer.groupId)
    const group = found?.type === 'consumer' ? found : undefined
    switch (timer.kind) {
      case 'consumer-assignment':
        if (group !== undefined) assignmentTimerExpired(group, step)
        break
      case 'consumer-patterns':
        this.#patterns.expired(timer.groupId, group, step)
        break
      case 'consumer-session':
      case 'consumer-join':
      case 'consumer-sync':
        if (group !== undefined) fenceLate(group, timer.memberId, timer.kind, step)
        break
      case 'consumer-rebalance':
        if (group !== undefined) rebalanceTimeoutExpired(group, timer.memberId, step)
        break
      default:
        timer satisfies never
    }
    return true
  }

  apply(record: GroupRecord, offset: number, producerId: number): void {
    switch (record.type) {
      case 'offsetCommit':
        this.#applyOffset(record, offset, producerId)
        return
      case 'groupMetadata':
        if (record.value === null) this.#deleteClassicGroup(record.groupId)
        // A group that coordinates is where its record says already, or beyond: see ClassicGroup.
        else if (!this.#loaded || !this.#groups.has(record.groupId)) {
          this.#groups.set(record.groupId, ClassicGroup.fromRecord(record.groupId, record.value))
        }
        return
      default:
        applyConsumerRecord(this.#groups, record)
    }
  }

  #deleteClassicGroup(groupId: string): void {
    if (classicGroup(this.#groups, groupId) !== undefined) this.#groups.delete(groupId)
  }

  /**
   * The metadata has other topics now: groups that subscribe to these look at them with their next heartbeat. Nothing of
   * it is in the log; after a restart every group looks.
   * @param created whether there are new ones, which patterns may match
   */
  topicsChanged(names: ReadonlySet<string>, created: boolean): void {
    if (created) this.#patterns.topicsCreated(this.#surroundings.image().version)
    for (const group of this.#groups.values()) {
      if (group.type !== 'consumer') continue
      if (group.subscriptions.hasAny(names)) group.requestMetadataRefresh()
    }
  }

  #applyOffset(
    { groupId, topic, partition, value }: OffsetCommitRecord,
    recordOffset: number,
    producerId: number,
  ): void {
    if (value === null) {
      this.#offsets.delete(groupId, topic, partition)
      this.#pending.delete(groupId, topic, partition)
      return
    }
    // Whoever commits without joining makes a group without members and protocol.
    if (!this.#groups.has(groupId)) this.#groups.set(groupId, new ClassicGroup(groupId, -1))
    if (producerId === NO_PRODUCER_ID)
      this.#offsets.set(groupId, topic, partition, { ...value, recordOffset })
    else this.#pending.add(producerId, { groupId, topic, partition, value, recordOffset })
  }

  /** What was committed since the transaction's record of a partition was written stays. */
  endTransaction(producerId: number, result: 'commit' | 'abort'): void {
    for (const { groupId, topic, partition, value, recordOffset } of this.#pending.take(producerId)) {
      if (result === 'abort') continue
      const present = this.#offsets.get(groupId, topic, partition)
      if (present !== undefined && present.recordOffset > recordOffset) continue
      this.#offsets.set(groupId, topic, partition, { ...value, recordOffset })
    }
  }

  /** Stable groups go on as they were: each member has its session timeout to be heard of. */
  loaded(nowMs: number): GroupEffects {
    const step = new GroupStep(this.#surroundings, nowMs)
    this.#loaded = true
    this.#patterns.topicsCreated(step.image.version)
    for (const group of this.#groups.values()) {
      if (group.type === 'consumer') {
        groupLoaded(group, step)
        continue
      }
      for (const member of group.members.values()) restartSession(group, member, step)
      if (group.members.size > step.options.maxSize) {
        prepareRebalance(group, `${group.members.size} members are more than group.max.size`, step)
      }
    }
    this.#scheduleCleanup(step)
    return step.effects()
  }

  unloaded(): GroupEffects {
    // No timer is set and no time looked at: whoever waits is sent elsewhere.
    const step = new GroupStep(this.#surroundings, 0)
    for (const group of this.#groups.values()) {
      if (group.type !== 'classic') continue
      for (const member of group.members.values()) {
        refuseParked(group, member, ErrorCode.NOT_COORDINATOR, step, member.memberId)
      }
    }
    this.#loaded = false
    return step.effects()
  }

  refusal(command: GroupCommand, errorCode: number): GroupReply {
    return refusalOf(command, errorCode)
  }

  #answer(command: Exclude<GroupCommand, CommandOf<'joinGroup' | 'syncGroup'>>, step: GroupStep): GroupReply {
    switch (command.type) {
      case 'heartbeat':
        return this.#heartbeat(command, step)
      case 'leaveGroup':
        return this.#leaveGroup(command, step)
      case 'consumerGroupHeartbeat':
        return consumerGroupHeartbeat(this.#groups, this.#patterns, command, step)
      case 'consumerGroupDescribe': {
        const { assignors } = step.options.consumer
        return {
          groups: command.groupIds.map((groupId) =>
            describeConsumerGroup(groupId, this.#groups.get(groupId), assignors, step.image),
          ),
        }
      }
      case 'offsetCommit':
        return { partitions: commitOffsets(this.#groups, command, step) }
      case 'txnOffsetCommit':
        return { partitions: commitOffsetsInTransaction(this.#groups, command, step) }
      case 'offsetFetch':
        return fetchOffsets(this.#groups, this.#offsets, this.#pending, command)
      case 'offsetDelete':
        return deleteOffsets(this.#groups, this.#offsets, this.#pending, command.request, step)
      case 'describeGroups':
        return this.#describeGroups(command)
      case 'listGroups':
        return this.#listGroups(command)
      case 'deleteGroups':
        return this.#deleteGroups(command, step)
      case 'topicsDeleted': {
        const deletedOffsets = deleteOffsetsOfTopics(this.#offsets, this.#pending, command.topics, step)
        return { errorCode: ErrorCode.NONE, deletedOffsets }
      }
      case 'cleanupExpiredOffsets':
        return { errorCode: ErrorCode.NONE, ...this.#cleanup(step) }
      default:
        return command satisfies never
    }
  }

  #heartbeat({ request }: CommandOf<'heartbeat'>, step: GroupStep): GroupReplies['heartbeat'] {
    const group = this.#groups.get(request.groupId)
    return group?.type === 'consumer'
      ? heartbeatToConsumerGroup(group, request, step)
      : heartbeat(group, request, step)
  }

  #syncGroup(command: CommandOf<'syncGroup'>, token: ReplyToken, step: GroupStep): void {
    const group = this.#groups.get(command.request.groupId)
    if (group?.type !== 'consumer') syncGroup(group, command, token, step)
    else step.reply(token, syncConsumerGroup(group, command, step))
  }

  #leaveGroup(command: CommandOf<'leaveGroup'>, step: GroupStep): GroupReplies['leaveGroup'] {
    const group = this.#groups.get(command.request.groupId)
    return group?.type === 'consumer'
      ? leaveConsumerGroup(group, command, step)
      : leaveGroup(group, command, step)
  }

  #describeGroups({ groupIds, context }: CommandOf<'describeGroups'>): GroupReplies['describeGroups'] {
    return {
      groups: groupIds.map((groupId) => {
        const group = this.#groups.get(groupId)
        if (group?.type === 'classic') return describeClassicGroup(group)
        const why =
          group === undefined ? `Group ${groupId} not found.` : `Group ${groupId} is not a classic group.`
        return describeMissingGroup(groupId, context.version, why)
      }),
    }
  }

  /** Filters are compared without regard to case; one that names nothing known matches nothing. */
  #listGroups({ request }: CommandOf<'listGroups'>): GroupReplies['listGroups'] {
    const states = new Set(request.statesFilter.map((state) => state.toLowerCase().trim()))
    const types = new Set(request.typesFilter.map((type) => type.toLowerCase()))
    return {
      errorCode: ErrorCode.NONE,
      groups: [...this.#groups.values()]
        .filter((group) => states.size === 0 || states.has(group.state.toLowerCase()))
        .filter((group) => types.size === 0 || types.has(group.type))
        .map((group) => ({
          groupId: group.groupId,
          protocolType: group.protocolType ?? '',
          groupState: group.state,
          groupType: group.type,
        })),
    }
  }

  #deleteGroups({ groupIds }: CommandOf<'deleteGroups'>, step: GroupStep): GroupReplies['deleteGroups'] {
    return {
      results: groupIds.map((groupId) => {
        const group = this.#groups.get(groupId)
        if (group === undefined) return { groupId, errorCode: ErrorCode.GROUP_ID_NOT_FOUND }
        if (group.state !== 'Empty') return { groupId, errorCode: ErrorCode.NON_EMPTY_GROUP }
        deleteAllOffsets(this.#offsets, this.#pending, groupId, step)
        this.#appendTombstone(group, step)
        return { groupId, errorCode: ErrorCode.NONE }
      }),
    }
  }

  #cleanup(step: GroupStep): { expiredOffsets: number; deletedGroups: number } {
    let expiredOffsets = 0
    let deletedGroups = 0
    for (const group of this.#groups.values()) {
      const { expired, anyLeft } = expireOffsets(group, this.#offsets, this.#pending, step)
      expiredOffsets += expired
      if (!anyLeft && group.state === 'Empty') {
        this.#appendTombstone(group, step)
        deletedGroups++
      }
    }
    if (expiredOffsets + deletedGroups > 0) {
      step.logger.info('cleaned up groups', { expiredOffsets, deletedGroups })
    }
    return { expiredOffsets, deletedGroups }
  }

  #scheduleCleanup(step: GroupStep): void {
    step.setTimer(EXPIRATION_TIMER, step.options.offsetsRetentionCheckIntervalMs)
  }

  /** Pending members of the group find out when they come back. */
  #appendTombstone(group: Group, step: GroupStep): void {
    if (group.type === 'consumer') {
      for (const record of groupTombstones(group)) step.appendTombstone(record)
      return
    }
    step.appendTombstone({ type: 'groupMetadata', groupId: group.groupId, value: null })
    for (const memberId of group.pendingJoinMembers) {
      step.cancelTimer(sessionTimer(group.groupId, memberId))
    }
  }
}
