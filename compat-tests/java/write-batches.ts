import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describeBatches } from '../../src/testing/describe-batches.ts'
import { RecordBatch } from '../../src/wire/batch.ts'
import { compressionTypes } from '../../src/wire/compression.ts'
import { encodeEndTxnMarkerBatch } from '../../src/wire/control-records.ts'
import { encodeBatch, type RecordInput } from '../../src/wire/records.ts'

// Record batches as Sluice writes them, each with what it holds, for Kafka's own classes to read: see
// fixtures/README.md.

const time = 1_700_000_000_000
const text = (content: string): Buffer => Buffer.from(content)

/** Content that no codec shrinks, the same at every run. */
function noise(length: number): Buffer {
  let seed = 1
  return Buffer.from(
    Array.from({ length }, () => {
      seed = (seed * 48_271) % 0x7fff_ffff
      return seed >> 8
    }),
  )
}

const mixed: RecordInput[] = [
  { key: text('key'), value: text('value') },
  { value: text('no key'), timestampDelta: 10 },
  { key: text('tombstone'), timestampDelta: -5 },
  { key: Buffer.alloc(0), value: Buffer.alloc(0), timestampDelta: 100_000 },
  {
    value: text('headers'),
    headers: [
      { key: '', value: Buffer.alloc(0) },
      { key: '한글-é-😀', value: text('1') },
      { key: 'null', value: null },
    ],
  },
]
const large: RecordInput[] = [
  { key: text('text'), value: Buffer.alloc(200_000, 'all codecs shrink this. ') },
  { key: text('noise'), value: noise(200_000) },
  { key: text('both'), value: Buffer.concat([noise(70_000), Buffer.alloc(70_000, 'abc')]) },
]
const many: RecordInput[] = Array.from({ length: 2000 }, (_, index) => ({
  key: text(`key-${index % 7}`),
  value: text(`value ${index}`),
  timestampDelta: index,
}))

function batches(): Map<string, Buffer> {
  const result = new Map<string, Buffer>()
  for (const compression of compressionTypes) {
    const common = { compression, baseTimestamp: time, partitionLeaderEpoch: 5 }
    result.set(`${compression}-mixed`, encodeBatch({ ...common, baseOffset: 1000, records: mixed }))
    result.set(`${compression}-large`, encodeBatch({ ...common, records: large }))
    result.set(`${compression}-many`, encodeBatch({ ...common, records: many }))
    const producer = { producerId: 4711, producerEpoch: 3, baseSequence: 2 ** 31 - 2, isTransactional: true }
    result.set(`${compression}-transactional`, encodeBatch({ ...common, ...producer, records: mixed }))
    const appended = encodeBatch({ ...common, records: mixed })
    new RecordBatch(appended).setLogAppendTime(time + 777)
    result.set(`${compression}-log-append-time`, appended)
  }
  for (const level of [1, 9]) {
    for (const compression of ['gzip', 'zstd'] as const) {
      const name = `${compression}-level-${level}`
      result.set(
        name,
        encodeBatch({ compression, compressionLevel: level, baseTimestamp: time, records: large }),
      )
    }
  }
  result.set('empty', encodeBatch({ baseOffset: 500, lastOffsetDelta: 4, maxTimestamp: time, records: [] }))
  result.set(
    'gaps',
    encodeBatch({
      baseOffset: 500,
      baseTimestamp: time,
      hasDeleteHorizon: true,
      lastOffsetDelta: 9,
      records: [
        { key: text('a'), offsetDelta: 2 },
        { key: text('b'), offsetDelta: 7, timestampDelta: -50_000 },
      ],
    }),
  )
  for (const type of ['ABORT', 'COMMIT'] as const) {
    const marker = { type, coordinatorEpoch: 12 }
    result.set(
      `marker-${type.toLowerCase()}`,
      encodeEndTxnMarkerBatch({
        marker,
        producerId: 4711,
        producerEpoch: 3,
        timestamp: time,
        baseOffset: 82,
      }),
    )
  }
  result.set('several', Buffer.concat([...result.values()]))
  return result
}

const [directory] = process.argv.slice(2)
if (directory === undefined) {
  console.error('usage: write-batches.ts DIR')
  process.exitCode = 2
} else {
  mkdirSync(directory, { recursive: true })
  for (const [name, bytes] of batches()) {
    writeFileSync(join(directory, `${name}.bin`), bytes)
    writeFileSync(join(directory, `${name}.json`), `${JSON.stringify(describeBatches(bytes), null, 2)}\n`)
  }
}
