import type { Logger } from '../base/logger.ts'
import type { Effects, ReplyToken, TimerChange } from '../cluster/coordinator/contract.ts'
import type { MetadataImage } from '../cluster/metadata/image.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import type { GroupReply } from './commands.ts'
import type { Groups } from './group.ts'
import type { GroupOptions } from './options.ts'
import type { GroupRecord } from './records.ts'

export type GroupEffects = Effects<GroupReply, GroupRecord>

/** What the steps of one machine share: its options and what it counts for the metrics. */
export interface StepSurroundings {
  /** Of this machine. */
  readonly groups: Groups
  readonly options: GroupOptions
  /** The metadata now: what topics there are. */
  readonly image: () => MetadataImage
  readonly logger: Logger
  readonly counts: GroupCounts
}

/** Totals since the machine was made. */
export interface GroupCounts {
  /** Of classic groups. */
  completedRebalances: number
  /** New epochs of consumer groups. */
  consumerRebalances: number
  committedOffsets: number
  expiredOffsets: number
  deletedOffsets: number
}

/**
 * One step of a group machine: the time at which it happens, and the effects that it has had so far. Operations are
 * handed a step and add to it.
 */
export class GroupStep {
  readonly nowMs: number
  readonly groups: Groups
  readonly options: GroupOptions
  readonly image: MetadataImage
  readonly logger: Logger
  readonly counts: GroupCounts
  readonly #surroundings: StepSurroundings
  readonly #records: GroupRecord[] = []
  #atomic = true
  #producer: GroupEffects['producer']
  readonly #replies: { to: ReplyToken; reply: GroupReply }[] = []
  readonly #timers: TimerChange[] = []
  readonly #written: ((errorCode: number, step: GroupStep) => void)[] = []

  constructor(surroundings: StepSurroundings, nowMs: number) {
    this.nowMs = nowMs
    this.groups = surroundings.groups
    this.options = surroundings.options
    this.image = surroundings.image()
    this.logger = surroundings.logger
    this.counts = surroundings.counts
    this.#surroundings = surroundings
  }

  append(record: GroupRecord): void {
    this.#records.push(record)
  }

  /** What this step appends is part of a producer's transaction. */
  inTransactionOf(producer: NonNullable<GroupEffects['producer']>): void {
    this.#producer = producer
  }

  /**
   * A tombstone that does not hang together with others: thousands of them, of an expiry or a deleted topic, may take
   * several batches.
   */
  appendTombstone(record: GroupRecord): void {
    this.#atomic = false
    this.#records.push(record)
  }

  reply(to: ReplyToken, reply: GroupReply): void {
    this.#replies.push({ to, reply })
  }

  setTimer(key: string, delayMs: number): void {
    this.#timers.push({ key, set: { delayMs } })
  }

  cancelTimer(key: string): void {
    this.#timers.push({ key, set: null })
  }

  /**
   * `written` runs when the step's records are in the log (errorCode 0) or could not be written. In the latter case
   * the runtime sends none of this step's replies; those that `written` does not replace then go out as they are:
   * they don't hang on the record (one that was overtaken by another request, say).
   */
  whenWritten(written: (errorCode: number, step: GroupStep) => void): void {
    this.#written.push(written)
  }

  /** Whether something hangs on the step's records, so that replies that do have to be replaced when they fail. */
  get awaitsWrite(): boolean {
    return this.#written.length > 0
  }

  effects(): GroupEffects {
    const effects = {
      records: this.#records,
      ...(this.#producer !== undefined && { producer: this.#producer }),
      atomic: this.#atomic,
      replies: this.#replies,
      timers: this.#timers,
    }
    if (this.#written.length === 0) return effects
    return {
      ...effects,
      written: (errorCode, nowMs) => {
        const step = new GroupStep(this.#surroundings, nowMs)
        for (const written of this.#written) written(errorCode, step)
        if (errorCode !== ErrorCode.NONE) {
          const replaced = new Set(step.#replies.map(({ to }) => to))
          for (const { to, reply } of this.#replies) if (!replaced.has(to)) step.reply(to, reply)
        }
        return step.effects()
      },
    }
  }
}
