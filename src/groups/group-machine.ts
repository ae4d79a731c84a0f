import type { Logger } from '../base/logger.ts'
import type { CoordinatorMachine, ReplyToken } from '../cluster/coordinator/contract.ts'
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
import {
  commitOffsets,
  deleteAllOffsets,
  deleteOffsets,
  deleteOffsetsOfTopics,
  expireOffsets,
  fetchOffsets,
} from './offsets.ts'
import type { GroupOptions } from './options.ts'
import type { GroupRecord, OffsetCommitRecord } from './records.ts'
import { refusalOf } from './refusal.ts'
import { type GroupCounts, type GroupEffects, GroupStep, type StepSurroundings } from './step.ts'

const EXPIRATION_TIMER = 'offset-expiration'

/** Number of groups by the state that ListGroups shows. */
export type GroupsByState = Record<ClassicGroupState, number>

/**
 * The groups and committed offsets of one partition of `__consumer_offsets`: dispatches each command to the operation
 * that answers it, each record to the state that it changes. Pure: time, identities and writing come from outside.
 *
 * After a crash, what the log has is there again. A group in the middle of a rebalance is back at its last stable
 * generation; its members find out with their next request.
 */
export class GroupMachine implements CoordinatorMachine<GroupCommand, GroupReply, GroupRecord> {
  readonly #groups = new Map<string, ClassicGroup>()
  readonly #offsets = new CommittedOffsets()
  readonly #surroundings: StepSurroundings
  #loaded = false

  constructor(options: GroupOptions, logger: Logger) {
    const counts = { completedRebalances: 0, committedOffsets: 0, expiredOffsets: 0, deletedOffsets: 0 }
    this.#surroundings = { options, logger, counts }
  }

  get counts(): Readonly<GroupCounts> {
    return this.#surroundings.counts
  }

  get groupsByState(): GroupsByState {
    const count = { Empty: 0, PreparingRebalance: 0, CompletingRebalance: 0, Stable: 0 }
    for (const group of this.#groups.values()) count[group.state]++
    return count
  }

  get offsetCount(): number {
    return this.#offsets.count
  }

  handle(command: GroupCommand, token: ReplyToken, nowMs: number): GroupEffects {
    const step = new GroupStep(this.#surroundings, nowMs)
    // These two may answer later, and others than the sender.
    if (command.type === 'joinGroup') joinGroup(this.#groups, command, token, step)
    else if (command.type === 'syncGroup') syncGroup(this.#groups, command, token, step)
    else step.reply(token, this.#answer(command, step))
    return step.effects()
  }

  expire(timerKey: string, nowMs: number): GroupEffects {
    const step = new GroupStep(this.#surroundings, nowMs)
    if (timerKey === EXPIRATION_TIMER) {
      this.#cleanup(step)
      this.#scheduleCleanup(step)
      return step.effects()
    }
    const timer = parseClassicTimer(timerKey)
    const group = timer && this.#groups.get(timer.groupId)
    if (timer === undefined || group === undefined) return step.effects()
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
    return step.effects()
  }

  apply(record: GroupRecord): void {
    switch (record.type) {
      case 'offsetCommit':
        this.#applyOffset(record)
        return
      case 'groupMetadata':
        if (record.value === null) this.#groups.delete(record.groupId)
        // A group that coordinates is where its record says already, or beyond: see ClassicGroup.
        else if (!this.#loaded || !this.#groups.has(record.groupId)) {
          this.#groups.set(record.groupId, ClassicGroup.fromRecord(record.groupId, record.value))
        }
        return
      default:
        record satisfies never
    }
  }

  #applyOffset({ groupId, topic, partition, value }: OffsetCommitRecord): void {
    if (value === null) {
      this.#offsets.delete(groupId, topic, partition)
      return
    }
    // Whoever commits without joining makes a group without members and protocol.
    if (!this.#groups.has(groupId)) this.#groups.set(groupId, new ClassicGroup(groupId, -1))
    this.#offsets.set(groupId, topic, partition, value)
  }

  /** Stable groups go on as they were: each member has its session timeout to be heard of. */
  loaded(nowMs: number): GroupEffects {
    const step = new GroupStep(this.#surroundings, nowMs)
    this.#loaded = true
    for (const group of this.#groups.values()) {
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
        return heartbeat(this.#groups, command.request, step)
      case 'leaveGroup':
        return leaveGroup(this.#groups, command, step)
      case 'offsetCommit':
        return { partitions: commitOffsets(this.#groups, command, step) }
      case 'offsetFetch':
        return fetchOffsets(this.#offsets, command)
      case 'offsetDelete':
        return deleteOffsets(this.#groups, this.#offsets, command.request, step)
      case 'describeGroups':
        return this.#describeGroups(command)
      case 'listGroups':
        return this.#listGroups(command)
      case 'deleteGroups':
        return this.#deleteGroups(command, step)
      case 'topicsDeleted': {
        const deletedOffsets = deleteOffsetsOfTopics(this.#offsets, command.topics, step)
        return { errorCode: ErrorCode.NONE, deletedOffsets }
      }
      case 'cleanupExpiredOffsets':
        return { errorCode: ErrorCode.NONE, ...this.#cleanup(step) }
      default:
        return command satisfies never
    }
  }

  #describeGroups({ groupIds, context }: CommandOf<'describeGroups'>): GroupReplies['describeGroups'] {
    return {
      groups: groupIds.map((groupId) => {
        const group = this.#groups.get(groupId)
        return group === undefined
          ? describeMissingGroup(groupId, context.version)
          : describeClassicGroup(group)
      }),
    }
  }

  /** Filters are compared without regard to case; one that names nothing known matches nothing. */
  #listGroups({ request }: CommandOf<'listGroups'>): GroupReplies['listGroups'] {
    const states = new Set(request.statesFilter.map((state) => state.toLowerCase()))
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
        deleteAllOffsets(this.#offsets, groupId, step)
        this.#appendTombstone(group, step)
        return { groupId, errorCode: ErrorCode.NONE }
      }),
    }
  }

  #cleanup(step: GroupStep): { expiredOffsets: number; deletedGroups: number } {
    let expiredOffsets = 0
    let deletedGroups = 0
    for (const group of this.#groups.values()) {
      const { expired, anyLeft } = expireOffsets(group, this.#offsets, step)
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
  #appendTombstone(group: ClassicGroup, step: GroupStep): void {
    step.appendTombstone({ type: 'groupMetadata', groupId: group.groupId, value: null })
    for (const memberId of group.pendingJoinMembers) {
      step.cancelTimer(sessionTimer(group.groupId, memberId))
    }
  }
}
