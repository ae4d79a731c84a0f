import type { World } from './world.ts'

/** What stands at an offset that holds no record: the end of a transaction. */
export const MARKER = '<marker>'

/**
 * What is known of one partition, from the answers that clients got: which value stands at which offset, and how far
 * its marks have come. Anything that a later answer says otherwise is a violation.
 */
export class PartitionHistory {
  readonly name: string
  readonly #world: World
  readonly #log = new Map<number, string>()
  readonly #offsets = new Map<string, number>()
  readonly #attempted = new Set<string>()
  readonly #acknowledged = new Map<string, number>()
  #deletableBelow = 0
  /** Seen by somebody: later answers can't be below. */
  highWatermark = 0
  lastStableOffset = 0
  logStartOffset = 0

  constructor(world: World, name: string) {
    this.#world = world
    this.name = name
  }

  get acknowledgedCount(): number {
    return this.#acknowledged.size
  }

  /** It is about to be sent, once or again. */
  attempted(values: readonly string[]): void {
    for (const value of values) this.#attempted.add(value)
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
    return offset < this.#deletableBelow
  }

  /** Where the log starts is written down now and then, as in Kafka: what was deleted last may come back. */
  reopened(): void {
    this.logStartOffset = 0
  }

  /** A power cut took what was not on the device; `audited` tells what is left. */
  lost(): void {
    this.highWatermark = 0
    this.lastStableOffset = 0
    this.logStartOffset = 0
  }

  /** All that the log holds now, in order. `isLossy` where a power cut may have taken what was acknowledged. */
  audited(startOffset: number, entries: readonly (readonly [number, string])[], isLossy: boolean): void {
    const endOffset = entries.at(-1)?.[0] ?? startOffset - 1
    if (isLossy) this.#forgetFrom(endOffset + 1)
    for (const [offset, value] of entries) this.seen(offset, value)
    this.#checkSequences(entries, isLossy)
    const present = new Set(entries.map(([, value]) => value))
    for (const [value, offset] of this.#acknowledged) {
      this.#world.check(
        present.has(value) || (offset < startOffset && offset < this.#deletableBelow),
        () => `${this.name}: ${value}, acknowledged at ${offset}, is lost`,
      )
    }
  }

  #checkSequences(entries: readonly (readonly [number, string])[], isLossy: boolean): void {
    const last = new Map<string, number>()
    for (const [offset, text] of entries) {
      if (!text.startsWith(IN_SEQUENCE)) continue
      const { sender, number } = senderOf(text)
      // Of a producer that has nothing in the log any more, the broker takes any sequence, as Kafka (KIP-360).
      const before = last.get(sender)
      this.#world.check(
        before === undefined ? number === 0 || this.#deletableBelow > 0 || isLossy : number === before + 1,
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
