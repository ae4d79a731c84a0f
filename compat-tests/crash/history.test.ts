import { describe, expect, test } from 'vitest'
import type { ReadLog } from '../support/read-partition.ts'
import { contentOf, inspect, inspectKeys, type KeyedWrite, type SentBatch } from './history.ts'

const BATCH_BYTES = 1000
const NOW_MS = 1_000_000

/** Batches of two records, acknowledged one after the other. */
function history(count: number): SentBatch[] {
  return Array.from({ length: count }, (_, index) => ({
    producer: 'p',
    first: index * 2,
    count: 2,
    timestampMs: NOW_MS - 1000 * (count - index),
    outcome: { baseOffset: index * 2 },
  }))
}

function logOf(
  batches: readonly (readonly [offset: number, value: string][])[],
  logStartOffset = 0,
): ReadLog {
  const records = batches.flat()
  return {
    logStartOffset,
    highWatermark: (records.at(-1)?.[0] ?? logStartOffset - 1) + 1,
    batches: batches.map((batch) => ({
      sizeInBytes: BATCH_BYTES,
      records: batch.map(([offset, value]) => ({ offset, value, key: undefined })),
    })),
  }
}

const stored = (sent: readonly SentBatch[]) =>
  sent.map(({ first, outcome }): [number, string][] => {
    const { baseOffset } = outcome as { baseOffset: number }
    return [
      [baseOffset, contentOf('p', first)],
      [baseOffset + 1, contentOf('p', first + 1)],
    ]
  })

const look = (log: ReadLog, sent: readonly SentBatch[], bounds = {}) => [
  ...inspect(log, sent, sent, 0, bounds, NOW_MS),
]

describe('the history of a partition', () => {
  const sent = history(4)
  const whole = stored(sent)

  test('that is whole is right, with batches that nobody was told of', () => {
    expect(look(logOf(whole), sent)).toEqual([])
    const more: SentBatch = { producer: 'p', first: 8, count: 2, timestampMs: NOW_MS, outcome: 'unknown' }
    expect(look(logOf(whole), [...sent, more])).toEqual([])
    const there = { ...more, outcome: { baseOffset: 8 } }
    expect(look(logOf([...whole, ...stored([there])]), [...sent, more])).toEqual([])
  })

  test('shows what is lost, also where the log ends too early', () => {
    expect(look(logOf(whole.slice(0, 3)), sent)).toEqual([
      'lost: p:6, acknowledged at 6, is nowhere',
      'lost: p:7, acknowledged at 7, is nowhere',
    ])
    expect(look(logOf(whole.slice(1), 2), sent)).toContain('removed: p:0 at 0')
    expect(look({ ...logOf(whole), highWatermark: 12 }, sent)).toEqual(['nothing from 8 to 12'])
  })

  test('shows another content, a record that nobody sent, and one that was refused', () => {
    const changed = structuredClone(whole)
    changed[1]![0]![1] += 'x'
    expect(look(logOf(changed), sent)).toContain('another content of p:2 at 2')
    const foreign = structuredClone(whole)
    foreign[1]![0]![1] = contentOf('q', 2)
    expect(look(logOf(foreign), sent)[0]).toMatch(/^never sent: q:2/)
    const refused = sent.map((batch, index) =>
      index === 3 ? { ...batch, outcome: 'refused' as const } : batch,
    )
    expect(look(logOf(whole), refused)).toContain('refused, and there: p:6 at 6')
  })

  test('shows gaps, repetitions, another order and parts of batches', () => {
    const gap = [...whole.slice(0, 2), ...whole.slice(3)]
    expect(look(logOf(gap), sent)).toContain('offset 6 where 4 was due')
    const again = [...whole, [[8, contentOf('p', 6)] as [number, string]]]
    expect(look(logOf(again), sent)).toContain('twice: p:6 at 6 and 8')
    const swapped = structuredClone(whole)
    swapped[0]![0]![1] = contentOf('p', 1)
    swapped[0]![1]![1] = contentOf('p', 0)
    expect(look(logOf(swapped), sent)).toContain('p:0 at 1 after 1')
    const unknown = sent.map((batch, index) =>
      index === 3 ? { ...batch, outcome: 'unknown' as const } : batch,
    )
    const part = [...whole.slice(0, 3), whole[3]!.slice(0, 1)]
    expect(look(logOf(part), unknown)).toContain('1 of 2 records from p:6')
  })

  test('shows what retention took too soon', () => {
    const kept = logOf(whole.slice(2), 4)
    expect(look(kept, sent, { retentionBytes: 2 * BATCH_BYTES })).toEqual([])
    expect(look(kept, sent, { retentionBytes: 2 * BATCH_BYTES + 1 })).toEqual([
      '2000 bytes left of 2001 to be kept',
    ])
    expect(look(kept, sent, { retentionMs: 3000 })).toEqual([])
    expect(look(kept, sent, { retentionMs: 3001 })).toEqual(['removed before its time: p:2 at 2'])
  })
})

describe('the keys of a compacted log', () => {
  const writes = (...all: readonly (readonly [string | undefined, KeyedWrite['outcome']])[]) =>
    all.map(([value, outcome]) => ({ value, outcome }))
  const at = (baseOffset: number) => ({ baseOffset })
  const lookAtKeys = (value: string | undefined, ofKey: KeyedWrite[]) => {
    const records = value === undefined ? [] : [{ offset: 9, key: 'k', value }]
    const log = { logStartOffset: 0, highWatermark: 10, batches: [{ sizeInBytes: 1, records }] }
    return [
      ...inspectKeys(
        log,
        new Map([['k', ofKey]]),
        new Set(ofKey.filter(({ outcome }) => typeof outcome !== 'string')),
      ),
    ]
  }

  test('have the last acknowledged value, or one after it', () => {
    expect(lookAtKeys('b', writes(['a', at(1)], ['b', at(2)]))).toEqual([])
    expect(lookAtKeys('c', writes(['a', at(1)], ['b', at(2)], ['c', 'unknown']))).toEqual([])
    expect(lookAtKeys('a', writes(['a', at(1)], ['b', at(2)]))).toEqual([
      'the last value of k is not there: a',
    ])
    expect(lookAtKeys(undefined, writes(['a', at(1)], ['b', at(2)]))).toHaveLength(1)
    expect(lookAtKeys('z', writes(['a', at(1)]))).toContain('never written: k=z at 9')
  })

  test('may be gone after a tombstone', () => {
    expect(lookAtKeys(undefined, writes(['a', at(1)], [undefined, at(2)]))).toEqual([])
    expect(lookAtKeys('', writes(['a', at(1)], [undefined, at(2)]))).toEqual([])
    expect(lookAtKeys('a', writes(['a', at(1)], [undefined, at(2)]))).toHaveLength(1)
  })
})
