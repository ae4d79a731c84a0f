/**
 * Writes record batches converted to formats 0 and 1, with what is in them as JSON, for old clients' classes to read:
 * `node compat-tests/java/write-messages.ts DIR`; see java/fixtures/README.md.
 */
import { createHash } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { runAtOnce } from '../../src/base/steps.ts'
import { RecordBatch, type TimestampType } from '../../src/wire/batch.ts'
import type { CompressionType } from '../../src/wire/compression.ts'
import { downConvert } from '../../src/wire/down-convert.ts'
import type { LegacyMagic } from '../../src/wire/message-set.ts'
import { encodeBatch, type RecordInput } from '../../src/wire/records.ts'

const TIME_MS = 1_600_000_000_000
const BASE_OFFSET = 5000
const LONGEST_SHOWN = 64

const few: readonly RecordInput[] = [
  { key: Buffer.from('key'), value: Buffer.from('value') },
  { value: Buffer.from('no key'), timestampDelta: 7, headers: [{ key: 'h', value: Buffer.from('gone') }] },
  { key: Buffer.from('tombstone'), timestampDelta: 3 },
  { key: Buffer.alloc(0), value: Buffer.alloc(0), offsetDelta: 9 },
]
const many: readonly RecordInput[] = Array.from({ length: 120 }, (_, index) => ({
  key: Buffer.from(`key ${index}`),
  value: Buffer.from(Array.from({ length: 1000 }, (_, at) => (index * at * at) & 0xff)),
  timestampDelta: index,
}))

function shown(bytes: Uint8Array | null | undefined): string | null {
  if (bytes == null) return null
  return bytes.length <= LONGEST_SHOWN
    ? Buffer.from(bytes).toString('base64')
    : `sha256:${createHash('sha256').update(bytes).digest('hex')}`
}

function write(
  directory: string,
  magic: LegacyMagic,
  codec: CompressionType,
  records: readonly RecordInput[],
  timestampType: TimestampType,
): void {
  const batch = encodeBatch({
    baseOffset: BASE_OFFSET,
    compression: codec,
    timestampType,
    baseTimestamp: TIME_MS,
    ...(timestampType === 'LogAppendTime' && { maxTimestamp: TIME_MS + 1000 }),
    producerId: 7,
    producerEpoch: 0,
    baseSequence: 0,
    records,
  })
  const conversion = downConvert(new RecordBatch(batch), magic, {
    fromOffset: 0,
    maxBytes: Number.MAX_SAFE_INTEGER,
    maxDecompressedBytes: 1 << 24,
  })
  const { messages } = runAtOnce(conversion)
  const name = `format${magic}-${codec}-${records.length}-${timestampType}`
  writeFileSync(join(directory, `${name}.bin`), messages)
  const described = records.map((record, index) => ({
    offset: BASE_OFFSET + (record.offsetDelta ?? index),
    timestamp:
      magic === 0
        ? -1
        : timestampType === 'LogAppendTime'
          ? TIME_MS + 1000
          : TIME_MS + (record.timestampDelta ?? 0),
    key: shown(record.key),
    value: shown(record.value),
  }))
  writeFileSync(
    join(directory, `${name}.json`),
    `${JSON.stringify({ format: magic, codec, messages: described })}\n`,
  )
}

const [directory] = process.argv.slice(2)
if (directory === undefined) throw new Error('usage: node compat-tests/java/write-messages.ts DIR')
mkdirSync(directory, { recursive: true })
for (const magic of [0, 1] as const) {
  for (const codec of ['none', 'gzip', 'snappy', 'lz4'] as const) {
    for (const records of [few, many]) write(directory, magic, codec, records, 'CreateTime')
  }
  write(directory, magic, 'gzip', few, 'LogAppendTime')
  write(directory, magic, 'none', few, 'LogAppendTime')
}
