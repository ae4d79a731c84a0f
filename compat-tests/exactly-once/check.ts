/**
 * What has to hold of transactions that copy records from a source to two targets, and the offsets with them, whatever
 * was killed meanwhile. The properties are those that Jepsen's Kafka tests look for.
 */

/** `unknown`: asked to commit, and never told whether it did. */
export type Outcome = 'committed' | 'aborted' | 'unknown'

/** One transaction: it copies the offsets from `from` to below `to` of one source partition, `COPIES` times each. */
export interface CopyingTransaction {
  readonly id: string
  readonly source: number
  readonly from: number
  readonly to: number
  outcome: Outcome
}

/** Each source record goes to as many topics, so that a transaction has several partitions. */
export const COPIES = 2

/** A record as it was read; its value says what it is (`copyValue`). */
export interface SeenRecord {
  readonly offset: number
  readonly value: string
}

/** What one reader was given, by partition, in the order in which it came. */
export type Reading = ReadonlyMap<string, readonly SeenRecord[]>

export interface History {
  readonly transactions: ReadonlyMap<string, CopyingTransaction>
  /** From the beginning to the end, when all was over. */
  readonly finalCommitted: Reading
  readonly finalUncommitted: Reading
  /** While the copiers worked. */
  readonly liveCommitted: readonly Reading[]
  readonly liveUncommitted: readonly Reading[]
  /** The group's offset of each source partition, when all was over. */
  readonly committedOffsets: ReadonlyMap<number, number>
}

export function copyValue({ id }: CopyingTransaction, source: number, offset: number, copy: number): string {
  return `${id} ${source} ${offset} ${copy}`
}

/** What is wrong with a history; one line each. */
export function check(history: History): string[] {
  return [
    ...knownRecords(history),
    ...noAbortedRead(history),
    ...wholeTransactions(history),
    ...nothingTwice(history),
    ...offsetsAgree(history),
    ...oneValuePerOffset(history),
    ...readersInOrder(history),
  ]
}

interface Described {
  readonly transaction: string
  readonly source: number
  readonly offset: number
  readonly copy: number
}

function describe(value: string): Described {
  const [transaction = '', source, offset, copy] = value.split(' ')
  return { transaction, source: Number(source), offset: Number(offset), copy: Number(copy) }
}

function* all(readings: readonly Reading[]): Generator<SeenRecord & { readonly partition: string }> {
  for (const reading of readings)
    for (const [partition, records] of reading)
      for (const { offset, value } of records) yield { partition, offset, value }
}

function* knownRecords(history: History): Generator<string> {
  const { transactions, finalCommitted, finalUncommitted, liveCommitted, liveUncommitted } = history
  for (const { partition, offset, value } of all([
    finalCommitted,
    finalUncommitted,
    ...liveCommitted,
    ...liveUncommitted,
  ])) {
    if (!transactions.has(describe(value).transaction)) yield `never sent: ${value} at ${partition} ${offset}`
  }
}

/** G1a. */
function* noAbortedRead({ transactions, finalCommitted, liveCommitted }: History): Generator<string> {
  for (const { partition, offset, value } of all([finalCommitted, ...liveCommitted])) {
    if (transactions.get(describe(value).transaction)?.outcome === 'aborted')
      yield `aborted read: ${value} at ${partition} ${offset}`
  }
}

/** Lost writes, and transactions that are seen in part. */
function* wholeTransactions({ transactions, finalCommitted }: History): Generator<string> {
  const seen = new Map<string, Set<string>>()
  for (const { value } of all([finalCommitted])) {
    const { transaction } = describe(value)
    const values = seen.get(transaction)
    if (values === undefined) seen.set(transaction, new Set([value]))
    else values.add(value)
  }
  for (const [id, { from, to, outcome }] of transactions) {
    const expected = (to - from) * COPIES
    const found = seen.get(id)?.size ?? 0
    if (outcome === 'committed' && found === 0) yield `lost: all of committed transaction ${id}`
    else if (found !== 0 && found !== expected)
      yield `seen in part: ${found} of ${expected} records of ${outcome} transaction ${id}`
  }
}

/** A source record is copied once, and no record is stored twice even where it is aborted. */
function* nothingTwice({ finalCommitted, finalUncommitted }: History): Generator<string> {
  const copies = new Set<string>()
  for (const { partition, offset, value } of all([finalCommitted])) {
    const { source, offset: sourceOffset, copy } = describe(value)
    const key = `${source} ${sourceOffset} ${copy}`
    if (copies.has(key)) yield `copied twice: ${value}, again at ${partition} ${offset}`
    copies.add(key)
  }
  const values = new Set<string>()
  for (const { partition, offset, value } of all([finalUncommitted])) {
    if (values.has(value)) yield `stored twice: ${value}, again at ${partition} ${offset}`
    values.add(value)
  }
}

/** Exactly the source records below the group's offset are copied. */
function* offsetsAgree({ finalCommitted, committedOffsets }: History): Generator<string> {
  const copied = new Map<number, Set<number>>()
  for (const { value } of all([finalCommitted])) {
    const { source, offset } = describe(value)
    const offsets = copied.get(source)
    if (offsets === undefined) copied.set(source, new Set([offset]))
    else offsets.add(offset)
  }
  for (const source of new Set([...copied.keys(), ...committedOffsets.keys()])) {
    const offsets = copied.get(source) ?? new Set()
    const end = committedOffsets.get(source) ?? 0
    const above = [...offsets].filter((offset) => offset >= end)
    if (above.length > 0) yield `offset ${end} of source ${source}, but ${above[0]} is copied`
    const copiedBelow = offsets.size - above.length
    if (copiedBelow !== end) yield `offset ${end} of source ${source}, but only ${copiedBelow} are copied`
  }
}

/** Inconsistent offsets. */
function* oneValuePerOffset(history: History): Generator<string> {
  const values = new Map<string, string>()
  const { finalCommitted, finalUncommitted, liveCommitted, liveUncommitted } = history
  for (const { partition, offset, value } of all([
    finalUncommitted,
    finalCommitted,
    ...liveUncommitted,
    ...liveCommitted,
  ])) {
    const place = `${partition} ${offset}`
    const other = values.get(place)
    if (other === undefined) values.set(place, value)
    else if (other !== value) yield `two values at ${place}: ${other}, ${value}`
  }
}

/**
 * Polls that skip or go back: a reader that began at the beginning has seen what a later one sees first. What is
 * committed is also read by those who read everything.
 */
function* readersInOrder(history: History): Generator<string> {
  const { finalCommitted, finalUncommitted } = history
  for (const [partition, records] of finalUncommitted) {
    for (const [index, { offset }] of records.entries())
      if (index > 0 && offset <= records[index - 1]!.offset) yield `${partition} goes back to ${offset}`
    const offsets = new Set(records.map(({ offset }) => offset))
    for (const { offset } of finalCommitted.get(partition) ?? [])
      if (!offsets.has(offset)) yield `${partition} ${offset} is committed, and not read uncommitted`
  }
  yield* prefixes('committed', history.liveCommitted, finalCommitted)
  yield* prefixes('uncommitted', history.liveUncommitted, finalUncommitted)
}

function* prefixes(level: string, readers: readonly Reading[], final: Reading): Generator<string> {
  for (const [reader, reading] of readers.entries()) {
    for (const [partition, records] of reading) {
      const expected = final.get(partition) ?? []
      const at = records.findIndex(({ offset }, index) => expected[index]?.offset !== offset)
      if (at < 0) continue
      const due = expected[at]?.offset ?? 'no more'
      yield `reader ${reader} of ${level} ${partition} was given ${records[at]!.offset} where ${due} was due`
    }
  }
}
