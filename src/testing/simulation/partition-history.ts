import type { Audited } from './audit.ts'
import { isTombstone, keyOf } from './keyed-values.ts'
import type { World } from './world.ts'

/** What stands at an offset that holds no record: the end of a transaction. */
export const MARKER = '<marker>'

/** What else than a deletion that somebody asked for may take records away. */
export interface Kept {
  /** Of each key the last record stays, at its offset. */
  readonly isCompacted?: boolean
  /** So many of the last bytes stay. */
  readonly retentionBytes?: number
  /** What is not older stays. */
  readonly retentionMs?: number
}

/**
 * What is known of one partition, from the answers that clients got: which value stands at which offset, and how far
 * its marks have come. Anything that a later answer says otherwise is a violation.
 */
export class PartitionHistory {
  readonly name: string
  readonly #world: World
  readonly #kept: Kept
  readonly #log = new Map<number, string>()
  readonly #offsets = new Map<string, number>()
  /** When each was sent first, by the wall clock. */
  readonly #attempted = new Map<string, number>()
  readonly #acknowledged = new Map<string, number>()
  #deletableBelow = 0
  #hadPowerCut = false
  /** Seen by somebody: later answers can't be below. */
  highWatermark = 0
  lastStableOffset = 0
  logStartOffset = 0

  constructor(world: World, name: string, kept: Kept = {}) {
    this.#world = world
    this.name = name
    this.#kept = kept
  }

  get acknowledgedCount(): number {
    return this.#acknowledged.size
  }

  /** It is about to be sent, once or again. */
  attempted(values: readonly string[]): void {
    const nowMs = this.#world.clock.now()
    // Sent again, it has a new timestamp: after a jump of the clock, an earlier one.
    for (const value of values)
      this.#attempted.set(value, Math.min(nowMs, this.#attempted.get(value) ?? nowMs))
  }

  acknowledged(baseOffset: number, values: readonly string[]): void {
    for (const [index, value] of values.entries()) {
      this.#stands(baseOffset + index, value, 'is acknowledged at')
      this.#acknowledged.set(value, baseOffset + index)
    }
    // Readers see what is acknowledged, with one replica.
    this.highWatermark = Math.max(this.highWatermark, baseOffset + values.length)
  }

  /** A reader got it. */
  seen(offset: number, value: string): void {
    this.#world.check(
      value === MARKER || this.#attempted.has(value),
      () => `${this.name}: ${value} at ${offset} was never sent`,
    )
    this.#stands(offset, value, 'is read at')
  }

  /** An answer to a request that was sent when the marks were `floor`. */
  marks(floor: Marks, marks: Marks): void {
    this.#mark('highWatermark', floor, marks)
    this.#mark('lastStableOffset', floor, marks)
    this.#mark('logStartOffset', floor, marks)
  }

  floor(): Marks {
    const { highWatermark, lastStableOffset, logStartOffset } = this
    return { highWatermark, lastStableOffset, logStartOffset }
  }

  /** Readers may miss what is below from now on. */
  deletionAsked(offset: number): void {
    this.#deletableBelow = Math.max(this.#deletableBelow, offset)
  }

  /** Somebody was told so. */
  startsAt(offset: number): void {
    this.logStartOffset = Math.max(this.logStartOffset, offset)
  }

  /** Whether a reader at `offset` may find it gone. */
  mayBeGone(offset: number): boolean {
    return this.#hasRetention || offset < this.#deletableBelow
  }

  /** Where the log starts is written down now and then, as in Kafka: what was deleted last may come back. */
  reopened(how: 'killed' | 'power cut'): void {
    this.logStartOffset = 0
    if (how === 'power cut') this.#hadPowerCut = true
  }

  /** A power cut took what was not on the device; `audited` tells what is left. */
  lost(): void {
    this.highWatermark = 0
    this.lastStableOffset = 0
    this.logStartOffset = 0
  }

  get #hasRetention(): boolean {
    return this.#kept.retentionBytes !== undefined || this.#kept.retentionMs !== undefined
  }

  /** All that the log holds now, in order. `isLossy` where a power cut may have taken what was acknowledged. */
  audited(audited: Audited, isLossy: boolean): void {
    const { entries, startOffset, highWatermark } = audited
    if (isLossy) this.#forgetFrom(highWatermark)
    for (const [offset, value] of entries) this.seen(offset, value)
    this.#checkSequences(entries, isLossy)
    if (this.#kept.isCompacted === true) {
      this.#checkKeys(entries)
      return
    }
    const present = new Set(entries.map(([, value]) => value))
    for (const [value, offset] of this.#acknowledged) {
      this.#world.check(
        present.has(value) ||
          (offset < startOffset && (offset < this.#deletableBelow || this.#mayHaveGone(value))),
        () => `${this.name}: ${value}, acknowledged at ${offset}, is lost`,
      )
    }
    const { retentionBytes } = this.#kept
    // Retention counts what nobody was told of yet, and a power cut takes it.
    if (retentionBytes === undefined || this.#hadPowerCut) return
    this.#world.check(
      startOffset === 0 || startOffset <= this.#deletableBelow || audited.sizeInBytes >= retentionBytes,
      () => `${this.name}: ${audited.sizeInBytes} bytes are left of ${retentionBytes} to be kept`,
    )
  }

  /** Whether retention may have taken it. */
  #mayHaveGone(value: string): boolean {
    const { retentionMs } = this.#kept
    if (retentionMs === undefined) return this.#hasRetention
    return (this.#attempted.get(value) ?? 0) + retentionMs < this.#world.latestMs()
  }

  /**
   * Of each key, the last record that is known is the last that is there: nothing older comes back. Where nothing is
   * there, it was a tombstone. Which values of transactions are left, `TransactionsHistory` knows.
   */
  #checkKeys(entries: readonly (readonly [number, string])[]): void {
    const present = lastOfKeys(entries)
    for (const [key, [offset, value]] of lastOfKeys(this.#log)) {
      const found = present.get(key)
      const mayBeGone = found === undefined && (isTombstone(value) || this.#isDeletedUnheard(key))
      this.#world.check(
        mayBeGone || found?.[0] === offset,
        () =>
          `${this.name}: the last of ${key} is ${found?.[1]} at ${found?.[0]}, and was ${value} at ${offset}`,
      )
    }
  }

  /** A tombstone of which nobody knows whether it was written. */
  #isDeletedUnheard(key: string): boolean {
    for (const value of this.#attempted.keys())
      if (isTombstone(value) && keyOf(value) === key && !this.#offsets.has(value)) return true
    return false
  }

  #checkSequences(entries: readonly (readonly [number, string])[], isLossy: boolean): void {
    const last = new Map<string, number>()
    const { isCompacted = false } = this.#kept
    for (const [offset, text] of entries) {
      if (!text.startsWith(IN_SEQUENCE)) continue
      const { sender, number } = senderOf(text)
      // Of a producer that has nothing in the log any more, the broker takes any sequence, as Kafka (KIP-360).
      const before = last.get(sender)
      this.#world.check(
        before === undefined
          ? number === 0 || this.#deletableBelow > 0 || isCompacted || this.#hasRetention || isLossy
          : isCompacted
            ? number > before
            : number === before + 1,
        () => `${this.name}: ${text} at ${offset} comes after ${before}`,
      )
      last.set(sender, number)
    }
  }

  #mark(name: keyof Marks, floor: Marks, marks: Marks): void {
    this.#world.check(
      marks[name] < 0 || marks[name] >= floor[name],
      () => `${this.name}: ${name} fell from ${floor[name]} to ${marks[name]}`,
    )
    this[name] = Math.max(this[name], marks[name])
  }

  #stands(offset: number, value: string, how: string): void {
    const other = this.#log.get(offset)
    this.#world.check(
      other === undefined || other === value,
      () => `${this.name}: ${value} ${how} ${offset}, where ${other} was`,
    )
    this.#log.set(offset, value)
    if (value === MARKER) return
    const elsewhere = this.#offsets.get(value)
    this.#world.check(
      elsewhere === undefined || elsewhere === offset || !isOnce(value),
      () => `${this.name}: ${value} ${how} ${offset}, and at ${elsewhere} before`,
    )
    this.#offsets.set(value, offset)
  }

  #forgetFrom(end: number): void {
    for (const [offset, value] of [...this.#log]) {
      if (offset < end) continue
      this.#log.delete(offset)
      if (this.#offsets.get(value) === offset) this.#offsets.delete(value)
    }
    for (const [value, offset] of [...this.#acknowledged]) if (offset >= end) this.#acknowledged.delete(value)
  }
}

export interface Marks {
  readonly highWatermark: number
  readonly lastStableOffset: number
  readonly logStartOffset: number
}

/** Values of producers that may write one twice say so. */
const TWICE = '*'
const IN_SEQUENCE = '#'

export function value(producer: string, number: number, mayComeTwice = false): string {
  return `${producer}:${number}${mayComeTwice ? TWICE : ''}`
}

function isOnce(text: string): boolean {
  return !text.endsWith(TWICE)
}

/** Names a sender whose values follow each other without a gap. */
export function inSequence(sender: string): string {
  return `${IN_SEQUENCE}${sender}`
}

/** Who sent it and the how manieth it was. */
export function senderOf(text: string): { readonly sender: string; readonly number: number } {
  const at = text.lastIndexOf(':')
  return { sender: text.slice(0, at), number: Number.parseInt(text.slice(at + 1), 10) }
}

function lastOfKeys(entries: Iterable<readonly [number, string]>): Map<string, readonly [number, string]> {
  const last = new Map<string, readonly [number, string]>()
  for (const entry of entries) {
    if (!entry[1].startsWith(IN_SEQUENCE)) continue
    const key = keyOf(entry[1])
    if ((last.get(key)?.[0] ?? -1) < entry[0]) last.set(key, entry)
  }
  return last
}
