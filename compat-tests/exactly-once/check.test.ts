import { expect, test } from 'vitest'
import { COPIES, type CopyingTransaction, check, copyValue, type History, type SeenRecord } from './check.ts'

/** Three transactions over two partitions: the first commits, the second aborts, the third copies the same and commits. */
function sound() {
  const transactions = new Map<string, CopyingTransaction>()
  const uncommitted = new Map<string, SeenRecord[]>([
    ['a-0', []],
    ['b-0', []],
  ])
  const committed = structuredClone(uncommitted)
  let end = 0
  for (const [id, from, to, outcome] of [
    ['first', 0, 2, 'committed'],
    ['second', 2, 4, 'aborted'],
    ['third', 2, 4, 'committed'],
  ] as const) {
    const transaction: CopyingTransaction = { id, source: 0, from, to, outcome }
    transactions.set(id, transaction)
    for (let offset = from; offset < to; offset++) {
      for (let copy = 0; copy < COPIES; copy++) {
        const partition = ['a-0', 'b-0'][copy]!
        const record = { offset: end + offset - from, value: copyValue(transaction, 0, offset, copy) }
        uncommitted.get(partition)!.push(record)
        if (outcome === 'committed') committed.get(partition)!.push(record)
      }
    }
    // With the marker.
    end += to - from + 1
  }
  return {
    transactions,
    finalCommitted: committed,
    finalUncommitted: uncommitted,
    liveCommitted: [structuredClone(committed)],
    liveUncommitted: [structuredClone(uncommitted)],
    committedOffsets: new Map([[0, 4]]),
  } satisfies History
}

const violations: readonly (readonly [string, (history: ReturnType<typeof sound>) => void, RegExp])[] = [
  [
    'an aborted record that a reader of what is committed was given',
    ({ liveCommitted, finalUncommitted }) =>
      liveCommitted[0]!.get('a-0')!.push(finalUncommitted.get('a-0')![2]!),
    /^aborted read: second 0 2 0 at a-0 3$/,
  ],
  [
    'an aborted record at the end',
    ({ finalCommitted, finalUncommitted }) =>
      finalCommitted.get('a-0')!.splice(2, 0, finalUncommitted.get('a-0')![2]!),
    /^aborted read: /,
  ],
  [
    'a record that nobody sent',
    ({ finalUncommitted }) => finalUncommitted.get('a-0')!.push({ offset: 99, value: 'other 0 0 0' }),
    /^never sent: other/,
  ],
  [
    'a committed transaction that is not there',
    ({ finalCommitted }) => {
      for (const records of finalCommitted.values()) records.splice(2)
    },
    /^lost: all of committed transaction third$/,
  ],
  [
    'a committed transaction that is there in part',
    ({ finalCommitted }) => finalCommitted.get('b-0')!.pop(),
    /^seen in part: 3 of 4 records of committed transaction third$/,
  ],
  [
    'a transaction that may have committed and is there in part',
    ({ transactions, finalCommitted }) => {
      transactions.get('third')!.outcome = 'unknown'
      finalCommitted.set('b-0', finalCommitted.get('b-0')!.slice(0, 2))
    },
    /^seen in part: 2 of 4 records of unknown transaction third$/,
  ],
  [
    'a record that is copied twice',
    ({ transactions, finalCommitted, finalUncommitted }) => {
      transactions.get('second')!.outcome = 'unknown'
      for (const [partition, records] of finalUncommitted) finalCommitted.set(partition, [...records])
    },
    /^copied twice: third 0 2 0, again at a-0 6$/,
  ],
  [
    'an aborted record that is stored twice',
    ({ finalUncommitted }) =>
      finalUncommitted.get('a-0')!.push({ offset: 99, value: finalUncommitted.get('a-0')![2]!.value }),
    /^stored twice: second 0 2 0, again at a-0 99$/,
  ],
  [
    'an offset above what is copied',
    ({ committedOffsets }) => committedOffsets.set(0, 5),
    /^offset 5 of source 0, but only 4 are copied$/,
  ],
  [
    'an offset below what is copied',
    ({ committedOffsets }) => committedOffsets.set(0, 2),
    /^offset 2 of source 0, but 2 is copied$/,
  ],
  [
    'an offset of a source of which nothing is copied',
    ({ committedOffsets }) => committedOffsets.set(1, 3),
    /^offset 3 of source 1, but only 0 are copied$/,
  ],
  [
    'an offset that has two values',
    ({ liveUncommitted, finalUncommitted }) => {
      const [first, second] = finalUncommitted.get('a-0')!
      liveUncommitted[0]!.set('a-0', [{ offset: first!.offset, value: second!.value }])
    },
    /^two values at a-0 0: /,
  ],
  [
    'a reader that skips',
    ({ liveCommitted }) => liveCommitted[0]!.get('a-0')!.splice(1, 1),
    /^reader 0 of committed a-0 was given 6 where 1 was due$/,
  ],
  [
    'a reader that goes back',
    ({ liveUncommitted }) => {
      const records = liveUncommitted[0]!.get('a-0')!
      records.splice(2, 0, records[0]!)
    },
    /^reader 0 of uncommitted a-0 was given 0 where 3 was due$/,
  ],
  [
    'a log that goes back',
    ({ finalUncommitted }) => {
      const records = finalUncommitted.get('a-0')!
      records.push(...records.splice(4, 1))
    },
    /^a-0 goes back to 6$/,
  ],
  [
    'a committed record that is only seen at read_committed',
    ({ finalUncommitted }) => finalUncommitted.get('b-0')!.shift(),
    /^b-0 0 is committed, and not read uncommitted$/,
  ],
]

test('a history in which all is well has no fault', () => {
  expect(check(sound())).toEqual([])
})

test('a transaction that may have committed may be there and may be not', () => {
  const there = sound()
  there.transactions.get('third')!.outcome = 'unknown'
  expect(check(there)).toEqual([])
  const missing = sound()
  missing.transactions.get('third')!.outcome = 'unknown'
  for (const records of [...missing.finalCommitted.values(), ...missing.liveCommitted[0]!.values()])
    records.splice(2)
  missing.committedOffsets.set(0, 2)
  expect(check(missing)).toEqual([])
})

test('a reader may stop anywhere', () => {
  const history = sound()
  history.liveCommitted[0]!.get('a-0')!.splice(1)
  history.liveUncommitted[0]!.delete('b-0')
  expect(check(history)).toEqual([])
})

test.each(violations)('%s is found', (_, spoil, line) => {
  const history = sound()
  spoil(history)
  expect(check(history).filter((found) => line.test(found))).toHaveLength(1)
})
