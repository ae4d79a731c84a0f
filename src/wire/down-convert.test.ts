import { describe, expect, it, test } from 'vitest'
import { RecordBatch } from './batch.ts'
import { type DownConversionLimits, downConvert } from './down-convert.ts'
import { ErrorCode } from './error-codes.ts'
import { type LegacyMagic, type LegacyMessage, messagesIn, readMessage } from './message-set.ts'
import { type BatchInput, encodeBatch } from './records.ts'

const unlimited: DownConversionLimits = {
  fromOffset: 0,
  maxBytes: Number.MAX_SAFE_INTEGER,
  maxDecompressedBytes: 1 << 24,
}

const input: BatchInput = {
  baseOffset: 100,
  baseTimestamp: 1000,
  producerId: 5,
  producerEpoch: 1,
  baseSequence: 9,
  records: [
    { key: Buffer.from('k'), value: Buffer.from('a'), headers: [{ key: 'h', value: null }] },
    { key: null, value: Buffer.from('b'), timestampDelta: 20 },
    { key: Buffer.from('t'), value: null, timestampDelta: 5, offsetDelta: 7 },
  ],
}

function convert(magic: LegacyMagic, changes: Partial<BatchInput> = {}, limits = {}) {
  return stepsAndResult(changes, magic, limits).result
}

function stepsAndResult(changes: Partial<BatchInput>, magic: LegacyMagic, limits = {}) {
  const batch = new RecordBatch(encodeBatch({ ...input, ...changes }))
  const conversion = downConvert(batch, magic, { ...unlimited, ...limits })
  for (let steps = 0; ; steps++) {
    const step = conversion.next()
    if (step.done === true) return { steps, result: step.value }
    step.value?.atOnce()
  }
}

function messagesOf(set: Buffer): LegacyMessage[] {
  const messages: LegacyMessage[] = []
  for (let at = 0; at < set.length; at += messages.at(-1)!.sizeInBytes) messages.push(readMessage(set, at))
  return messages
}

const facts = ({ offset, timestamp, key, value, crcIsRight }: LegacyMessage) => [
  offset,
  timestamp,
  key?.toString() ?? null,
  value?.toString() ?? null,
  crcIsRight,
]

test('each record becomes a message that keeps offset, timestamp, key and value', () => {
  const { messages, isWhole } = convert(1)
  expect(isWhole).toBe(true)
  expect(messagesOf(messages).map(facts)).toEqual([
    [100, 1000, 'k', 'a', true],
    [101, 1020, null, 'b', true],
    [107, 1005, 't', null, true],
  ])
})

test('format 0 has no timestamps', () => {
  expect(messagesOf(convert(0).messages).map(({ timestamp, magic }) => [timestamp, magic])).toEqual([
    [-1, 0],
    [-1, 0],
    [-1, 0],
  ])
})

describe('a compressed batch becomes one compressed message, at the offset of its last record', () => {
  const cases = [0, 1].flatMap((magic) =>
    (['gzip', 'snappy', 'lz4'] as const).map((codec) => [magic, codec] as const),
  )
  it.each(cases)('format %i, %s', (magic, compression) => {
    const [wrapper, ...others] = messagesOf(convert(magic as LegacyMagic, { compression }).messages)
    expect(others).toEqual([])
    expect(wrapper).toMatchObject({ offset: 107, timestamp: magic === 0 ? -1 : 1020, crcIsRight: true })
    const inner = [...messagesIn(wrapper!, 1 << 24)]
    // Format 1 counts from the first message.
    expect(inner.map(({ offset }) => offset)).toEqual(magic === 0 ? [100, 101, 107] : [0, 1, 7])
    expect(inner.map(({ value }) => value?.toString() ?? null)).toEqual(['a', 'b', null])
  })
})

test('all messages of a LogAppendTime batch have its time', () => {
  const changes = { timestampType: 'LogAppendTime', maxTimestamp: 9000 } as const
  for (const message of messagesOf(convert(1, changes).messages)) {
    expect(message).toMatchObject({ timestamp: 9000, timestampType: 'LogAppendTime' })
  }
  const [wrapper] = messagesOf(convert(1, { ...changes, compression: 'gzip' }).messages)
  expect(wrapper).toMatchObject({ timestamp: 9000, timestampType: 'LogAppendTime' })
  expect([...messagesIn(wrapper!, 1 << 24)].map(({ timestamp }) => timestamp)).toEqual([9000, 9000, 9000])
})

test('what lies before the offset asked for is left out, unless it is compressed', () => {
  expect(messagesOf(convert(1, {}, { fromOffset: 101 }).messages).map(({ offset }) => offset)).toEqual([
    101, 107,
  ])
  const [wrapper] = messagesOf(convert(1, { compression: 'gzip' }, { fromOffset: 101 }).messages)
  expect([...messagesIn(wrapper!, 1 << 24)]).toHaveLength(3)
})

test('messages end before the limit, the first one whole whatever its size', () => {
  const all = convert(1).messages.length
  const first = readMessage(convert(1).messages, 0).sizeInBytes
  expect(convert(1, {}, { maxBytes: all - 1 })).toMatchObject({ isWhole: false })
  expect(messagesOf(convert(1, {}, { maxBytes: all - 1 }).messages)).toHaveLength(2)
  expect(convert(1, {}, { maxBytes: 1 }).messages.length).toBe(first)
  expect(convert(1, {}, { maxBytes: all }).isWhole).toBe(true)
})

test('control records and batches without records leave nothing', () => {
  const nothing = { messages: Buffer.alloc(0), isWhole: true }
  expect(convert(1, { isControl: true })).toEqual(nothing)
  expect(convert(1, { records: [], lastOffsetDelta: 3 })).toEqual(nothing)
})

test('zstd, which those formats have not, is refused', () => {
  expect(() => convert(1, { compression: 'zstd' })).toThrow(
    expect.objectContaining({ code: ErrorCode.UNSUPPORTED_COMPRESSION_TYPE }),
  )
})

describe('a compressed batch of very many records', () => {
  const records = Array.from({ length: 60_000 }, () => ({ value: null }))
  const changes: Partial<BatchInput> = { compression: 'gzip', records }
  const offsetsOf = (messages: Buffer, magic: LegacyMagic) =>
    messagesOf(messages).map((wrapper) => {
      const inner = [...messagesIn(wrapper, 1 << 24)].map(({ offset }) => offset)
      const base = magic === 0 ? 0 : wrapper.offset - inner.at(-1)!
      return [base + inner[0]!, base + inner.at(-1)!, inner.length]
    })

  test.each([0, 1] as const)('becomes several messages, in steps (format %d)', (magic) => {
    const { steps, result } = stepsAndResult(changes, magic)
    expect(steps).toBeGreaterThan(7)
    expect(result.isWhole).toBe(true)
    const offsets = offsetsOf(result.messages, magic)
    expect(offsets.length).toBeGreaterThan(1)
    let next = 100
    for (const [first, last, count] of offsets) {
      expect([first, last]).toEqual([next, next + count! - 1])
      next = last! + 1
    }
    expect(next).toBe(60_100)
  })

  it('is read on from where the limit ended it', () => {
    const all = offsetsOf(convert(1, changes).messages, 1)
    const first = convert(1, changes, { maxBytes: 1 })
    expect(first.isWhole).toBe(false)
    expect(offsetsOf(first.messages, 1)).toEqual(all.slice(0, 1))
    const rest = convert(1, changes, { fromOffset: all[0]![1]! + 1 })
    expect(offsetsOf(rest.messages, 1)).toEqual(all.slice(1))
  })
})
