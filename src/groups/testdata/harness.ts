import { inspect, isDeepStrictEqual } from 'node:util'
import { silentLogger } from '../../base/logger.ts'
import type { ReplyToken } from '../../cluster/coordinator/contract.ts'
import { emptyImage, type MetadataImage, type TopicImage } from '../../cluster/metadata/image.ts'
import { NO_PRODUCER_ID } from '../../wire/batch.ts'
import { ErrorCode } from '../../wire/error-codes.ts'
import { rangeAssignor } from '../assignor/range.ts'
import { uniformAssignor } from '../assignor/uniform.ts'
import type { GroupCommand, GroupReply } from '../commands.ts'
import type { Group } from '../group.ts'
import { GroupMachine } from '../group-machine.ts'
import type { ConsumerGroupSettings, GroupOptions } from '../options.ts'
import { type GroupRecord, groupSerde } from '../records.ts'
import type { GroupEffects } from '../step.ts'

export const DEFAULT_CONSUMER_SETTINGS: ConsumerGroupSettings = {
  sessionTimeoutMs: 45_000,
  heartbeatIntervalMs: 5_000,
  assignmentIntervalMs: 0,
}

export const DEFAULT_OPTIONS: GroupOptions = {
  minSessionTimeoutMs: 6_000,
  maxSessionTimeoutMs: 1_800_000,
  initialRebalanceDelayMs: 0,
  maxSize: 2_147_483_647,
  offsetMetadataMaxBytes: 4_096,
  offsetsRetentionMs: 7 * 24 * 3_600_000,
  offsetsRetentionCheckIntervalMs: 600_000,
  consumer: {
    maxSize: 2_147_483_647,
    assignors: [uniformAssignor, rangeAssignor],
    migrationPolicy: 'bidirectional',
    groupSettings: () => DEFAULT_CONSUMER_SETTINGS,
  },
}

/** What a harness reports, in the order in which it happens. */
export interface Observer {
  record(record: GroupRecord): void
  reply(token: number, command: GroupCommand, reply: GroupReply): void
  timer(key: string, delayMs: number | null): void
}

interface HeldWrite {
  readonly effects: GroupEffects
  readonly sender: { readonly token: ReplyToken; readonly command: GroupCommand } | undefined
}

/**
 * What a coordinator runtime does for one machine, in memory, with time that moves when told: log, replay, timers,
 * and replies that wait for the write. Records go through the serde, so that the log is made of bytes.
 */
export class Harness {
  nowMs: number
  machine: GroupMachine
  /** The topics that there are. */
  image: MetadataImage = emptyImage
  /** Writes wait for `releaseWrites` or `failWrites`. */
  holdsWrites = false
  readonly log: GroupRecord[] = []
  #options: GroupOptions
  readonly #observer: Observer
  readonly #timers = new Map<string, { readonly atMs: number; readonly order: number }>()
  readonly #tokens = new Map<ReplyToken, { readonly number: number; readonly command: GroupCommand }>()
  #held: HeldWrite[] = []
  #tokenCount = 0
  #timerCount = 0

  constructor(options: GroupOptions, observer: Observer, nowMs = 0) {
    this.#options = options
    this.#observer = observer
    this.nowMs = nowMs
    this.machine = this.newMachine()
    this.#run(this.machine.loaded(nowMs))
  }

  /** Numbers of the tokens that have not been answered. */
  get unanswered(): number[] {
    return [...this.#tokens.values()].map(({ number }) => number)
  }

  get timerKeys(): string[] {
    return [...this.#timers.keys()]
  }

  /** Gives the number of the command's token. */
  execute(command: GroupCommand): number {
    const number = ++this.#tokenCount
    // A token is opaque to the machine, so that any object serves.
    const token = { number } as unknown as ReplyToken
    this.#tokens.set(token, { number, command })
    this.#run(this.machine.handle(command, token, this.nowMs), { token, command })
    return number
  }

  /** Time passes; timers fire at their time, in the order in which they were set. */
  advance(durationMs: number): void {
    const end = this.nowMs + durationMs
    for (;;) {
      const next = this.#nextTimer()
      if (next === undefined || next.atMs > end) break
      this.nowMs = Math.max(this.nowMs, next.atMs)
      this.#timers.delete(next.key)
      this.#run(this.machine.expire(next.key, this.nowMs))
    }
    this.nowMs = end
  }

  /** The first timer that is due, if any is. */
  turn(): void {
    const next = this.#nextTimer()
    if (next === undefined || next.atMs > this.nowMs) return
    this.#timers.delete(next.key)
    this.#run(this.machine.expire(next.key, this.nowMs))
  }

  releaseWrites(): void {
    for (const { effects } of this.#takeHeld()) this.#written(effects)
  }

  failWrites(errorCode: number): void {
    for (const { effects, sender } of this.#takeHeld()) {
      if (effects.written !== undefined) this.#run(effects.written(errorCode, this.nowMs))
      else {
        for (const { to } of effects.replies) {
          const command = to === sender?.token ? sender.command : this.#tokens.get(to)?.command
          if (command === undefined) throw new Error('a reply to a token that is not waiting')
          this.#reply(to, this.machine.refusal(command, errorCode))
        }
      }
    }
  }

  /** The broker goes and comes back, perhaps with other options: only the log remains. */
  restart(options: Partial<GroupOptions> = {}): void {
    this.failWrites(ErrorCode.NOT_COORDINATOR)
    this.#run(this.machine.unloaded())
    this.#options = { ...this.#options, ...options }
    this.#timers.clear()
    this.machine = this.newMachine()
    for (const [offset, record] of this.log.entries()) {
      this.machine.apply(throughBytes(record), offset, NO_PRODUCER_ID)
    }
    this.#run(this.machine.loaded(this.nowMs))
  }

  /** Fails where the records of the log make other consumer groups than there are, all of them or after compaction. */
  checkReplay(): void {
    if (this.holdsWrites) return
    this.#checkSame(this.rebuilt(), 'log')
    this.#checkSame(this.rebuilt(this.#compacted()), 'compacted log')
  }

  #checkSame(rebuilt: GroupMachine, from: string): void {
    for (const groupId of new Set(this.log.map((record) => record.groupId))) {
      const live = dumpOf(this.machine.group(groupId))
      const replayed = dumpOf(rebuilt.group(groupId))
      if (!isDeepStrictEqual(live, replayed)) {
        throw new Error(`live ${inspect(live, INSPECT)}, from the ${from} ${inspect(replayed, INSPECT)}`)
      }
    }
  }

  /** What a cleaner may leave of the log: the last record of each key, and no tombstones. */
  #compacted(): GroupRecord[] {
    const keys = this.log.map((record) => groupSerde.serialize(record).key.toString('hex'))
    const last = new Map(keys.map((key, i) => [key, i]))
    return this.log.filter((record, i) => record.value !== null && last.get(keys[i]!) === i)
  }

  /** A machine that has what the log has, or what is left of it. */
  rebuilt(log: readonly GroupRecord[] = this.log): GroupMachine {
    const machine = this.newMachine()
    for (const [offset, record] of log.entries()) {
      machine.apply(throughBytes(record), offset, NO_PRODUCER_ID)
    }
    return machine
  }

  /** A machine that has nothing yet. */
  newMachine(): GroupMachine {
    return new GroupMachine(this.#options, () => this.image, silentLogger)
  }

  /** The topics are these from now on; the machine is told. */
  changeTopics(topics: readonly TopicImage[]): void {
    const before = this.image.topics
    this.image = {
      ...this.image,
      version: this.image.version + 1,
      topics: new Map(topics.map((topic) => [topic.name, topic])),
      topicsById: new Map(topics.map((topic) => [topic.id, topic])),
    }
    const names = new Set([...before.keys(), ...this.image.topics.keys()])
    for (const [name, topic] of this.image.topics) {
      const old = before.get(name)
      if (old?.id === topic.id && old.partitions.length === topic.partitions.length) names.delete(name)
    }
    const created = topics.some(({ name, id }) => before.get(name)?.id !== id)
    this.machine.topicsChanged(names, created)
  }

  #takeHeld(): HeldWrite[] {
    const held = this.#held
    this.#held = []
    return held
  }

  #run(effects: GroupEffects, sender?: HeldWrite['sender']): void {
    for (const { key, set } of effects.timers) {
      if (set === null) this.#timers.delete(key)
      else this.#timers.set(key, { atMs: this.nowMs + set.delayMs, order: ++this.#timerCount })
      this.#observer.timer(key, set?.delayMs ?? null)
    }
    if (this.holdsWrites && effects.records.length > 0) this.#held.push({ effects, sender })
    else this.#written(effects)
  }

  #written(effects: GroupEffects): void {
    for (const record of effects.records) {
      this.machine.apply(record, this.log.length, NO_PRODUCER_ID)
      this.log.push(throughBytes(record))
      this.#observer.record(record)
    }
    for (const { to, reply } of effects.replies) this.#reply(to, reply)
    if (effects.written !== undefined) this.#run(effects.written(0, this.nowMs))
  }

  #reply(to: ReplyToken, reply: GroupReply): void {
    const waiting = this.#tokens.get(to)
    if (waiting === undefined) throw new Error('a second reply to the same token')
    this.#tokens.delete(to)
    this.#observer.reply(waiting.number, waiting.command, reply)
  }

  #nextTimer(): { key: string; atMs: number } | undefined {
    let next: { key: string; atMs: number; order: number } | undefined
    for (const [key, { atMs, order }] of this.#timers) {
      if (next === undefined || atMs < next.atMs || (atMs === next.atMs && order < next.order)) {
        next = { key, atMs, order }
      }
    }
    return next
  }
}

const INSPECT = { depth: 8, breakLength: 200 }

/** All of a consumer group that is to last; nothing of other groups, whose records lag behind them. */
function dumpOf(group: Group | undefined): unknown {
  if (group?.type !== 'consumer') return undefined
  const { state, groupEpoch, assignmentEpoch, assignmentTimestampMs, metadataHash, subscriptions } = group
  const owned = [...group.targets.values(), ...[...group.members.values()].map(({ assigned }) => assigned)]
  return {
    state,
    groupEpoch,
    assignmentEpoch,
    assignmentTimestampMs,
    metadataHash,
    members: group.members,
    targets: group.targets,
    staticMembers: group.staticMembers,
    votes: group.assignorVotes,
    topics: subscriptions.topicCounts,
    patterns: subscriptions.patterns,
    resolved: subscriptions.resolved,
    // In no order: compaction leaves another one.
    owned: new Set(
      owned.flatMap((partitions) =>
        [...partitions].flatMap(([topicId, list]) =>
          [...(list instanceof Map ? list.keys() : list)]
            .filter((partition) => group.isOwned(topicId, partition))
            .map((partition) => `${topicId}-${partition}`),
        ),
      ),
    ),
  }
}

function throughBytes(record: GroupRecord): GroupRecord {
  const back = groupSerde.deserialize(groupSerde.serialize(record))
  if (back === undefined) throw new Error(`record of kind ${record.type} does not come back`)
  return back
}
