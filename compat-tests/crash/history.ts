/**
 * What producers sent to one partition, what they were told, and what of it has to be in the log whenever a broker starts,
 * however the one before ended.
 */
import type { ReadLog } from '../support/read-partition.ts'

/** `unknown`: never answered, or not to be answered. `refused`: the broker said that it is not in the log. */
export type Outcome = 'unknown' | 'refused' | { readonly baseOffset: number }

/** One batch: records `first` to `first + count - 1` of its producer. */
export interface SentBatch {
  readonly producer: string
  readonly first: number
  readonly count: number
  readonly timestampMs: number
  outcome: Outcome
}

export interface Bounds {
  /** The log keeps so many bytes at least, once it has them. */
  readonly retentionBytes?: number
  /** No record goes before it is so old. */
  readonly retentionMs?: number
}

const MAX_PADDING = 900

/** Its content follows from its name, so that any other shows. */
export function contentOf(producer: string, sequence: number): string {
  let hash = sequence
  for (const character of producer) hash = (Math.imul(hash, 31) + character.charCodeAt(0)) | 0
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d) >>> 0
  return `${producer}:${sequence}:${(hash.toString(36) + producer).repeat(100).slice(0, hash % MAX_PADDING)}`
}

/**
 * What is wrong, a line each: with the order of the offsets, the contents of the records, their producers' order, batches
 * in part, what was acknowledged and is not there, what was refused and is, and what retention took too soon.
 *
 * `sent` is what was sent before the log was read to its end, `acknowledged` what was known before that began. `fromOffset`
 * is where the reading began, unless the log begins later.
 */
export function* inspect(
  log: ReadLog,
  sent: readonly SentBatch[],
  acknowledged: readonly SentBatch[],
  fromOffset = 0,
  { retentionBytes, retentionMs }: Bounds = {},
  nowMs = Date.now(),
): Generator<string> {
  const from = Math.max(fromOffset, log.logStartOffset)
  const batchOf = new Map<string, SentBatch>()
  for (const batch of sent)
    for (let at = batch.first; at < batch.first + batch.count; at++)
      batchOf.set(`${batch.producer}:${at}`, batch)
  const found = new Map<string, number>()
  const latest = new Map<string, number>()
  const seen = new Map<SentBatch, number>()
  let due = from
  for (const { offset, value } of log.batches.flatMap(({ records }) => records)) {
    if (offset !== due) yield `offset ${offset} where ${due} was due`
    due = offset + 1
    const [producer = '', text] = value.split(':', 2)
    const sequence = Number(text)
    const name = `${producer}:${sequence}`
    const batch = batchOf.get(name)
    if (batch === undefined) yield `never sent: ${value.slice(0, 40)} at ${offset}`
    else if (value !== contentOf(producer, sequence)) yield `another content of ${name} at ${offset}`
    else {
      if (batch.outcome === 'refused') yield `refused, and there: ${name} at ${offset}`
      seen.set(batch, (seen.get(batch) ?? 0) + 1)
    }
    if (found.has(name)) yield `twice: ${name} at ${found.get(name)} and ${offset}`
    found.set(name, offset)
    if (sequence < (latest.get(producer) ?? -1)) yield `${name} at ${offset} after ${latest.get(producer)}`
    latest.set(producer, sequence)
  }
  if (due < log.highWatermark) yield `nothing from ${due} to ${log.highWatermark}`
  for (const [batch, count] of seen) {
    // The reading may have begun within one, and the log may.
    const begins = found.get(`${batch.producer}:${batch.first}`) !== undefined
    if (begins && count !== batch.count)
      yield `${count} of ${batch.count} records from ${batch.producer}:${batch.first}`
  }
  for (const { producer, first, count, timestampMs, outcome } of acknowledged) {
    if (typeof outcome === 'string') continue
    const { baseOffset } = outcome
    if (baseOffset < log.logStartOffset && retentionMs !== undefined && timestampMs + retentionMs > nowMs)
      yield `removed before its time: ${producer}:${first} at ${baseOffset}`
    for (let index = 0; index < count; index++) {
      const offset = baseOffset + index
      if (offset < from) continue
      const at = found.get(`${producer}:${first + index}`)
      if (at !== offset)
        yield `lost: ${producer}:${first + index}, acknowledged at ${offset}, is ${at ?? 'nowhere'}`
    }
    const mayGo = retentionBytes !== undefined || retentionMs !== undefined
    if (!mayGo && baseOffset < log.logStartOffset) yield `removed: ${producer}:${first} at ${baseOffset}`
  }
  const bytes = log.batches.reduce((sum, { sizeInBytes }) => sum + sizeInBytes, 0)
  if (retentionBytes !== undefined && log.logStartOffset > 0 && bytes < retentionBytes)
    yield `${bytes} bytes left of ${retentionBytes} to be kept`
}

/** The outcome of a keyed write, by its place among the writes of that key. */
export interface KeyedWrite {
  readonly value: string | undefined
  outcome: Outcome
}

/**
 * What is wrong with a compacted log: the last record of a key has to be that of its last acknowledged write, or of one
 * after it; a key whose last write is a tombstone may be gone. `acknowledged` is what was known before the reading began.
 */
export function* inspectKeys(
  log: ReadLog,
  writes: ReadonlyMap<string, readonly KeyedWrite[]>,
  acknowledged: ReadonlySet<KeyedWrite>,
): Generator<string> {
  const found = new Map<string, string>()
  let last = -1
  for (const { offset, key = '', value } of log.batches.flatMap(({ records }) => records)) {
    if (offset <= last) yield `offset ${offset} after ${last}`
    last = offset
    found.set(key, value)
    if (!(writes.get(key) ?? []).some((write) => (write.value ?? '') === value))
      yield `never written: ${key}=${value.slice(0, 40)} at ${offset}`
  }
  for (const [key, all] of writes) {
    const lastKnown = all.findLastIndex((write) => acknowledged.has(write))
    const possible = all.slice(Math.max(0, lastKnown)).filter(({ outcome }) => outcome !== 'refused')
    if (lastKnown >= 0 && !possible.some(({ value }) => (value ?? '') === (found.get(key) ?? '')))
      yield `the last value of ${key} is not there: ${found.get(key)?.slice(0, 40)}`
  }
}
