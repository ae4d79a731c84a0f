import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it, test } from 'vitest'
import { logFixture, START_MS } from '../testing/log-fixture.ts'
import { RecordBatch } from '../wire/batch.ts'
import type { CompressionType } from '../wire/compression.ts'
import { compressionTypeOf } from '../wire/compression.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import {
  compressMessages,
  encodeMessage,
  type LegacyMagic,
  type LegacyMessageInput,
} from '../wire/message-set.ts'
import { readRecords } from '../wire/record-reader.ts'
import { encodeBatch } from '../wire/records.ts'
import type { LogConfig } from './log-config.ts'
import type { AppendRefused } from './log-errors.ts'
import type { PartitionLog } from './partition-log.ts'

const client = { leaderEpoch: 3, origin: 'client' } as const
const fixtures = new URL('../wire/fixtures/messages/', import.meta.url)

function message(magic: LegacyMagic, input: Partial<LegacyMessageInput> = {}): Buffer {
  return encodeMessage(magic, {
    offset: 0,
    timestamp: START_MS,
    timestampType: 'CreateTime',
    key: Buffer.from('k'),
    value: Buffer.from('v'),
    ...input,
  })
}

function wrapped(
  magic: LegacyMagic,
  inner: Buffer,
  codec: Extract<CompressionType, 'gzip' | 'lz4'> = 'gzip',
  input: Partial<LegacyMessageInput> = {},
): Buffer {
  return message(magic, {
    compressionCodec: codec === 'gzip' ? 1 : 3,
    key: null,
    value: compressMessages(codec, magic, inner),
    ...input,
  })
}

async function stored(log: PartitionLog) {
  const { buffers } = await log.read(0, 1 << 24, log.logEndOffset, true)
  const batch = new RecordBatch(buffers[0]!)
  return { batch, records: [...readRecords(batch, 1 << 24)] }
}

function refusal(records: Buffer, config: Partial<LogConfig> = {}): AppendRefused {
  const log = logFixture().open({}, config)
  try {
    log.appendAsLeader(records, client)
  } catch (error) {
    expect(log.logEndOffset).toBe(0)
    return error as AppendRefused
  }
  throw new Error('the append was not refused')
}

describe('what clients of Kafka 0.9 and 0.10 produce is stored as one batch of today', () => {
  const names = readdirSync(fixtures).filter(
    (name) => name.endsWith('.json') && !name.includes('append-time'),
  )

  it.each(names)('%s', async (name) => {
    const fixture = JSON.parse(readFileSync(new URL(name, fixtures), 'utf8'))
    const log = logFixture().open()
    const count = fixture.messages.length
    const info = log.appendAsLeader(readFileSync(new URL(name.replace('.json', '.bin'), fixtures)), client)
    expect(info).toMatchObject({ firstOffset: 0, lastOffset: count - 1, logAppendTimeMs: -1 })
    const { batch, records } = await stored(log)
    expect(compressionTypeOf(batch.compressionCodec)).toBe(fixture.codec)
    expect(batch).toMatchObject({ magic: 2, partitionLeaderEpoch: 3, producerId: -1, recordsCount: count })
    expect(batch.crcIsRight()).toBe(true)
    expect(records.map(({ offset }) => offset)).toEqual(Array.from({ length: count }, (_, index) => index))
    expect(records.map(({ timestamp }) => timestamp)).toEqual(
      fixture.messages.map((sent: { timestamp: number }) => sent.timestamp),
    )
    const short = records.map(({ key }) => key?.toString('base64') ?? null)
    expect(short).toEqual(fixture.messages.map((sent: { key: string | null }) => sent.key))
  })
})

test('messages keep their order and get the next offsets, whatever offsets they came with', async () => {
  const log = logFixture().open()
  const set = ['a', 'b', 'c'].map((value, index) =>
    message(1, { offset: 90 - index, value: Buffer.from(value), timestamp: START_MS - index }),
  )
  log.appendAsLeader(Buffer.concat(set), client)
  const { batch, records } = await stored(log)
  expect(records.map(({ offset, timestamp, value }) => [offset, timestamp, String(value)])).toEqual([
    [0, START_MS, 'a'],
    [1, START_MS - 1, 'b'],
    [2, START_MS - 2, 'c'],
  ])
  expect(batch.maxTimestamp).toBe(START_MS)
})

test('a message cut off at the end is left out', () => {
  const log = logFixture().open()
  const set = Buffer.concat([message(1), message(1).subarray(0, 25)])
  expect(log.appendAsLeader(set, client)).toMatchObject({ firstOffset: 0, lastOffset: 0 })
})

test('the topic decides on codec and time', async () => {
  const log = logFixture().open({}, { compressionType: 'zstd', messageTimestampType: 'LogAppendTime' })
  const info = log.appendAsLeader(wrapped(0, Buffer.concat([message(0), message(0)]), 'lz4'), client)
  expect(info.logAppendTimeMs).toBe(START_MS)
  const { batch, records } = await stored(log)
  expect(compressionTypeOf(batch.compressionCodec)).toBe('zstd')
  expect(batch.timestampType).toBe('LogAppendTime')
  expect(records.map(({ timestamp }) => timestamp)).toEqual([START_MS, START_MS])
})

describe('a message set that breaks a rule is refused whole', () => {
  const flipped = (set: Buffer): Buffer => {
    const copy = Buffer.from(set)
    copy[copy.length - 1]! ^= 1
    return copy
  }
  const cases: [string, number, () => Buffer, Partial<LogConfig>?][] = [
    ['a wrong checksum', ErrorCode.CORRUPT_MESSAGE, () => Buffer.concat([message(1), flipped(message(1))])],
    [
      'a wrong checksum inside of a wrapper',
      ErrorCode.CORRUPT_MESSAGE,
      () => wrapped(1, flipped(message(1))),
    ],
    [
      'a length that no message has',
      ErrorCode.CORRUPT_MESSAGE,
      () => {
        const second = message(1)
        second.writeInt32BE(5, 8)
        return Buffer.concat([message(1), second])
      },
    ],
    [
      'a format to come',
      ErrorCode.CORRUPT_MESSAGE,
      () => {
        const second = message(1)
        second[16] = 3
        return Buffer.concat([message(1), second])
      },
    ],
    ['two formats', ErrorCode.INVALID_RECORD, () => Buffer.concat([message(0), message(1)])],
    ['two formats, one in the other', ErrorCode.INVALID_RECORD, () => wrapped(1, message(0))],
    [
      'a record batch behind a message',
      ErrorCode.INVALID_RECORD,
      () => Buffer.concat([message(1), encodeBatch({ records: [{ value: Buffer.from('v') }] })]),
    ],
    [
      'two wrappers',
      ErrorCode.INVALID_RECORD,
      () => Buffer.concat([wrapped(1, message(1)), wrapped(1, message(1))]),
    ],
    [
      'a wrapper after a message',
      ErrorCode.INVALID_RECORD,
      () => Buffer.concat([message(1), wrapped(1, message(1))]),
    ],
    ['an empty wrapper', ErrorCode.INVALID_RECORD, () => wrapped(0, Buffer.alloc(0))],
    [
      'zstd, which the format has not',
      ErrorCode.INVALID_RECORD,
      () => message(1, { compressionCodec: 4, key: null }),
    ],
    [
      'no key for a compacted topic',
      ErrorCode.INVALID_RECORD,
      () => wrapped(1, Buffer.concat([message(1), message(1, { key: null })])),
      { cleanupPolicy: ['compact'] },
    ],
    [
      'a time too far ahead',
      ErrorCode.INVALID_TIMESTAMP,
      () => message(1, { timestamp: START_MS + 3_600_001 }),
    ],
    ['a time before there was time', ErrorCode.INVALID_TIMESTAMP, () => message(1, { timestamp: -5 })],
    [
      'a producer that claims to be a broker',
      ErrorCode.INVALID_TIMESTAMP,
      () => message(1, { timestampType: 'LogAppendTime' }),
      { messageTimestampType: 'LogAppendTime' },
    ],
    [
      'a message above max.message.bytes',
      ErrorCode.MESSAGE_TOO_LARGE,
      () => message(1, { value: Buffer.alloc(500) }),
      { maxMessageBytes: 400 },
    ],
    [
      'messages that make a batch above max.message.bytes',
      ErrorCode.MESSAGE_TOO_LARGE,
      () => Buffer.concat([1, 2, 3].map(() => message(1, { value: Buffer.alloc(200) }))),
      { maxMessageBytes: 400 },
    ],
    [
      'a wrapper that decompresses to more than any producer puts in one',
      ErrorCode.MESSAGE_TOO_LARGE,
      () => wrapped(1, message(1, { value: Buffer.alloc(33 * 1024 * 1024) })),
    ],
    [
      'a wrapper that holds a batch above max.message.bytes',
      ErrorCode.MESSAGE_TOO_LARGE,
      () => wrapped(1, message(1, { value: Buffer.alloc(10_000) })),
      { maxMessageBytes: 400, compressionType: 'uncompressed' },
    ],
  ]
  it.each(cases)('%s', (_what, errorCode, records, config) => {
    expect(refusal(records(), config).errorCode).toBe(errorCode)
  })
})

test('without a timestamp there is none to be out of range', async () => {
  const log = logFixture().open({}, { messageTimestampBeforeMaxMs: 1000 })
  log.appendAsLeader(message(0), client)
  expect((await stored(log)).records[0]!.timestamp).toBe(-1)
})

test('a coordinator does not append messages of old formats', () => {
  const log = logFixture().open()
  expect(() => log.appendAsLeader(message(1), { leaderEpoch: 0, origin: 'coordinator' })).toThrow()
})
