import { execFileSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { inMemory } from '../base/file-slice.ts'
import { decode, decodeBuffer, encode, encodeBuffer } from './codec.ts'
import { compileDecoder, compileEncoder } from './compile.ts'
import { withExactIntegers } from './exact-integers.ts'
import { interpretDecode, interpretEncode } from './interpret.ts'
import { Reader } from './reader.ts'
import {
  array,
  bool,
  bytes,
  int8,
  int16,
  int32,
  int64,
  int64Exact,
  type Message,
  type MessageSchema,
  message,
  records,
  string,
  struct,
  uint16,
  uuid,
  ZERO_UUID,
} from './schema.ts'
import { produceResponse } from './schemas/00-produce.ts'
import { fetchRequest, fetchResponse } from './schemas/01-fetch.ts'
import { offsetCommitRequest } from './schemas/08-offset-commit.ts'
import { joinGroupResponse } from './schemas/11-join-group.ts'
import { EncodeError, WireError } from './wire-error.ts'
import { Writer } from './writer.ts'

const sample = message(
  { name: 'Sample', versions: '0-2', flexible: '1+' },
  {
    name: string({ nullable: '1+' }),
    count: int32({ versions: '1+', default: 7 }),
    quiet: int32({ versions: '2+', default: 7, ignorable: true }),
    parts: array({ index: int32() }, { versions: '1+' }),
    first: string({ versions: '1+', tag: 3 }),
    second: struct(
      { id: int32({ default: -1 }), label: string({ default: 'none' }) },
      { versions: '1+', tag: 0 },
    ),
    third: struct({ id: int8() }, { versions: '1+', nullable: '1+', tag: 1, default: null }),
  },
)

interface Codec {
  readonly encode: (message: MessageSchema, version: number, value: unknown) => Buffer
  readonly decode: (message: MessageSchema, version: number, bytes: Buffer) => unknown
}

function written(write: (writer: Writer) => void): Buffer {
  const writer = new Writer()
  write(writer)
  return writer.toBuffer()
}

const generated: Codec = {
  encode: (schema, version, value) => written((writer) => compileEncoder(schema, version)(writer, value)),
  decode: (schema, version, data) => compileDecoder(schema, version)(new Reader(data)),
}

const interpreted: Codec = {
  encode: (schema, version, value) => written((writer) => interpretEncode(schema, version, value, writer)),
  decode: (schema, version, data) => interpretDecode(schema, version, new Reader(data)),
}

const defaults = {
  count: 7,
  quiet: 7,
  parts: [],
  first: '',
  second: { id: -1, label: 'none' },
  third: null,
}

for (const [kind, codec] of Object.entries({ generated, interpreted })) {
  const roundTrip = (version: number, value: unknown) =>
    codec.decode(sample, version, codec.encode(sample, version, value))
  const one = <T extends MessageSchema>(schema: T, value: unknown) => codec.encode(schema, 0, value)

  test(`fields that a version lacks are decoded as their defaults (${kind})`, () => {
    expect(roundTrip(0, { name: 'a' })).toStrictEqual({ name: 'a', ...defaults })
    expect(roundTrip(2, { name: 'a', parts: [{ index: 1 }] })).toStrictEqual({
      ...{ name: 'a', ...defaults },
      parts: [{ index: 1 }],
    })
  })

  test(`default values are fresh objects, so that changing one changes no other message (${kind})`, () => {
    const data = codec.encode(sample, 0, { name: 'a' })
    const first = codec.decode(sample, 0, data) as { parts: unknown[]; second: object }
    const second = codec.decode(sample, 0, data) as { parts: unknown[]; second: object }
    expect(first.parts).not.toBe(second.parts)
    expect(first.second).not.toBe(second.second)
  })

  test(`a value other than the default cannot be written where the version lacks the field (${kind})`, () => {
    for (const extra of [
      { count: 1 },
      { parts: [{ index: 1 }] },
      { parts: null },
      { first: 'x' },
      { second: { id: 1, label: 'none' } },
      { second: { id: -1, label: 'x' } },
      { second: null },
      { third: { id: 1 } },
    ]) {
      expect(() => codec.encode(sample, 0, { name: 'a', ...extra }), JSON.stringify(extra)).toThrow(
        EncodeError,
      )
    }
    for (const same of [defaults, { second: {} }, { second: { label: 'none' } }, { count: undefined }]) {
      expect(codec.encode(sample, 0, { name: 'a', ...same })).toEqual(codec.encode(sample, 0, { name: 'a' }))
    }
  })

  test(`an ignorable value is dropped where the version lacks the field (${kind})`, () => {
    expect(roundTrip(1, { name: 'a', parts: [], quiet: 99 })).toStrictEqual({ name: 'a', ...defaults })
  })

  test(`null is refused both ways where the version allows none (${kind})`, () => {
    expect(() => codec.encode(sample, 0, { name: null })).toThrow(EncodeError)
    expect(() => codec.decode(sample, 0, Buffer.from('ffff', 'hex'))).toThrow(WireError)
    expect(roundTrip(1, { name: null, parts: [] })).toStrictEqual({ name: null, ...defaults })
    expect(() => codec.encode(sample, 1, { name: null, parts: null })).toThrow(EncodeError)
    // name null, count 7, parts null
    expect(() => codec.decode(sample, 1, Buffer.from('0000000007' + '00' + '00', 'hex'))).toThrow(WireError)
  })

  test(`tagged fields are written in the order of their tags, only when they are not the default (${kind})`, () => {
    const start = '02610000000701'
    const value = { name: 'a', parts: [] }
    expect(codec.encode(sample, 1, value).toString('hex')).toBe(`${start}00`)
    const second = { id: 5, label: 'none' }
    expect(codec.encode(sample, 1, { ...value, first: 'z', second, third: { id: 9 } }).toString('hex')).toBe(
      // three fields: tag 0 of ten bytes, tag 1 of three with the mark of a present struct, tag 3 of two
      [`${start}03`, '000a00000005056e6f6e6500', '0103010900', '0302027a'].join(''),
    )
  })

  test(`a null struct is marked with the byte -1, in a tagged field with zero (${kind})`, () => {
    const marks = message(
      { name: 'Marks', versions: '0', flexible: '0+' },
      {
        plain: struct({ id: int8() }, { nullable: '0+' }),
        tagged: struct({ id: int8() }, { nullable: '0+', tag: 0 }),
      },
    )
    const forms = {
      ff01000100: { plain: null, tagged: null },
      '010500010003010600': { plain: { id: 5 }, tagged: { id: 6 } },
      ff00: { plain: null, tagged: { id: 0 } },
    }
    for (const [hex, value] of Object.entries(forms)) {
      expect(codec.decode(marks, 0, Buffer.from(hex, 'hex'))).toStrictEqual(value)
      expect(one(marks, value).toString('hex')).toBe(hex)
    }
  })

  test(`every tagged field reads back (${kind})`, () => {
    const value = {
      ...{ name: 'a', ...defaults },
      first: 'x'.repeat(500),
      second: { id: 5, label: 'y'.repeat(200) },
      third: { id: 9 },
    }
    expect(roundTrip(1, value)).toStrictEqual(value)
  })

  test(`unknown tagged fields are skipped at every level (${kind})`, () => {
    // name 'a', count 7, one part (index 1 and an unknown tag 9 of two bytes), unknown tags 0x7f and 2000
    const data = Buffer.from(
      '0261' + '00000007' + '02' + '00000001' + '010902ffff' + '027f00d00f03aabbcc',
      'hex',
    )
    expect(codec.decode(sample, 1, data)).toStrictEqual({ name: 'a', ...defaults, parts: [{ index: 1 }] })
  })

  test(`a known tagged field that does not fill its size is refused (${kind})`, () => {
    const start = '02610000000701'
    expect(() => codec.decode(sample, 1, Buffer.from(`${start}01030302790000`, 'hex'))).toThrow(WireError)
    expect(() => codec.decode(sample, 1, Buffer.from(`${start}0103010279`, 'hex'))).toThrow(WireError)
    expect(() => codec.decode(sample, 1, Buffer.from(`${start}01037f0279`, 'hex'))).toThrow(WireError)
  })

  test(`an array whose elements the bytes left cannot hold is refused before it is made (${kind})`, () => {
    const pairs = message(
      { name: 'Pairs', versions: '0-1', flexible: '1+' },
      { all: array({ a: int32(), b: int64() }) },
    )
    const twelve = '00'.repeat(12)
    expect(codec.decode(pairs, 0, Buffer.from(`00000001${twelve}`, 'hex'))).toEqual({ all: [{ a: 0, b: 0 }] })
    expect(() => codec.decode(pairs, 0, Buffer.from(`00000002${twelve}`, 'hex'))).toThrow(
      /array of 2 elements/,
    )
    expect(() => codec.decode(pairs, 0, Buffer.from(`7fffffff${twelve}`, 'hex'))).toThrow(/array of/)
    expect(() => codec.decode(pairs, 1, Buffer.from(`ffffffff0f${twelve}`, 'hex'))).toThrow(/array of/)
  })

  test(`a value of the wrong type or range is refused with the field's name (${kind})`, () => {
    const all = {
      int8: [int8(), [128, -129, 1.5, '1', null, undefined, 1n]],
      int16: [int16(), [0x8000, -0x8001, Number.NaN]],
      uint16: [uint16(), [-1, 0x1_0000]],
      int32: [int32(), [2 ** 31, -(2 ** 31) - 1, Number.POSITIVE_INFINITY]],
      int64: [int64(), [0.5, Number.NaN, 1n]],
      int64Exact: [int64Exact(), [1, 2n ** 63n]],
      bool: [bool(), [0, 'true', undefined]],
      string: [string(), [1, undefined, 'x'.repeat(0x8000)]],
      uuid: [uuid(), ['short', '!'.repeat(22), 'A'.repeat(23)]],
      bytes: [bytes(), ['text', new Uint8Array(1), undefined]],
      records: [records(), ['text', [1], [Buffer.alloc(1), 'x']]],
      array: [array(int32()), [1, { length: 1 }, [0.5], [undefined]]],
      struct: [struct({ id: int8() }), [1, undefined, { id: 300 }]],
    } as const
    for (const [name, [field, wrong]] of Object.entries(all)) {
      for (const version of [0, 1]) {
        // The builders' own types would not let these values through.
        const schema: MessageSchema = {
          name,
          versions: '0-1',
          flexible: '1',
          fields: { value: field, next: int8() },
        }
        for (const value of wrong) {
          const attempt = () => codec.encode(schema, version, { value, next: 1 })
          expect(attempt, `${name} ${String(value)}`).toThrow(EncodeError)
        }
      }
    }
  })

  test(`64-bit integers saturate at Kafka's extremes and keep the special values (${kind})`, () => {
    const schema = message({ name: 'Longs', versions: '0' }, { value: int64() })
    const hex = (value: number) => one(schema, { value }).toString('hex')
    expect(hex(2 ** 63)).toBe('7fffffffffffffff')
    expect(hex(1e30)).toBe('7fffffffffffffff')
    expect(hex(-(2 ** 63))).toBe('8000000000000000')
    expect(hex(-1e30)).toBe('8000000000000000')
    expect(hex(-1)).toBe('ffffffffffffffff')
    expect(hex(-2)).toBe('fffffffffffffffe')
    expect(hex(2 ** 53 - 1)).toBe('001fffffffffffff')
    expect(hex(-(2 ** 53) + 1)).toBe('ffe0000000000001')
    expect(hex(2 ** 32)).toBe('0000000100000000')
    for (const value of [
      2 ** 63,
      -(2 ** 63),
      -1,
      -2,
      0,
      2 ** 53 - 1,
      -(2 ** 53) + 1,
      2 ** 32,
      1763696263000,
    ]) {
      expect(codec.decode(schema, 0, one(schema, { value }))).toEqual({ value })
    }
  })

  test(`decoded bytes and records are slices of what was received (${kind})`, () => {
    const schema = message({ name: 'Slices', versions: '0' }, { a: bytes(), b: records({ nullable: '0+' }) })
    const data = one(schema, { a: Buffer.from('abc'), b: Buffer.from('defg') })
    const value = codec.decode(schema, 0, data) as { a: Buffer; b: Buffer }
    expect(value).toEqual({ a: Buffer.from('abc'), b: Buffer.from('defg') })
    expect(value.a.buffer).toBe(data.buffer)
    expect(value.b.buffer).toBe(data.buffer)
  })
}

test('committed offsets keep all 64 bits', () => {
  const committedOffset = 2n ** 62n + 1n
  const topics = [{ name: 't', partitions: [{ partitionIndex: 0, committedOffset, committedMetadata: '' }] }]
  const data = encodeBuffer(offsetCommitRequest, 9, { groupId: 'g', topics })
  expect(decodeBuffer(offsetCommitRequest, 9, data).topics[0]?.partitions[0]?.committedOffset).toBe(
    committedOffset,
  )
})

test('with exact integers every int64 and its default is a bigint', () => {
  const exact = withExactIntegers(fetchRequest)
  const value = { maxWaitMs: 1, minBytes: 1, topics: [], forgottenTopicsData: [] }
  const data = encodeBuffer(exact, 18, {
    ...value,
    topics: [{ partitions: [{ partition: 0, fetchOffset: 2n ** 63n - 1n, partitionMaxBytes: 1 }] }],
  })
  expect(decodeBuffer(exact, 18, data)).toMatchObject({
    replicaState: { replicaEpoch: -1n },
    topics: [{ partitions: [{ fetchOffset: 2n ** 63n - 1n, highWatermark: 2n ** 63n - 1n }] }],
  })
})

/** The answer of a topic whose partitions have these records: as it is sent, and what is read of it. */
function fetchAnswer(version: number, records: readonly (readonly Buffer[] | null)[]) {
  const partitions = records.map((ofPartition, partitionIndex) => ({
    ...{ partitionIndex, errorCode: 0, highWatermark: 9, abortedTransactions: null },
    records: ofPartition,
  }))
  const writer = new Writer()
  encode(fetchResponse, version, { responses: [{ topic: 't', topicId: ZERO_UUID, partitions }] }, writer)
  const { length } = writer
  const chunks = inMemory(writer.finish())
  const bytes = Buffer.concat(chunks)
  expect(bytes).toHaveLength(length)
  return { chunks, decoded: decodeBuffer(fetchResponse, version, bytes) }
}

test('a fetch answer takes large record sets over without a copy and sends unset tagged structs as nothing', () => {
  const slices = [Buffer.alloc(3000, 'a'), Buffer.alloc(3000, 'b')]
  const { chunks, decoded } = fetchAnswer(16, [slices, null])
  expect(chunks).toHaveLength(4)
  expect(chunks[1]).toBe(slices[0])
  expect(chunks[2]).toBe(slices[1])
  const [partition, empty] = decoded.responses[0]!.partitions
  expect(partition?.records?.toString()).toBe(slices.join(''))
  expect(partition?.currentLeader).toEqual({ leaderId: -1, leaderEpoch: -1 })
  expect(empty?.records).toBeNull()
})

test.each([1, 100, 1000, 3000])('a fetch answer with %i bytes of records is one chunk', (bytes) => {
  const slices = [Buffer.alloc(bytes - 1, 'a'), Buffer.alloc(1, 'b')]
  const { chunks, decoded } = fetchAnswer(16, [slices, null])
  expect(chunks).toHaveLength(1)
  expect(decoded.responses[0]!.partitions[0]?.records?.toString()).toBe(slices.join(''))
  expect(decoded.responses[0]!.partitions[1]?.records).toBeNull()
})

test.each([16, 11])('a fetch answer v%i of many partitions copies each small record set once', (version) => {
  const records = Array.from({ length: 1000 }, () => [Buffer.alloc(1000, 'a')])
  const { chunks, decoded } = fetchAnswer(version, records)
  // What is moved to make room for more is no more than the head of one partition.
  expect(Math.max(...chunks.map(({ length }) => length))).toBeLessThanOrEqual(64 * 1024)
  expect(
    decoded.responses[0]!.partitions.map((partition) => partition.records?.equals(records[0]![0]!)),
  ).toEqual(records.map(() => true))
})

test('all versions of a message decode to objects with the same keys in the same order', () => {
  const answer = { responses: [{ partitionResponses: [{ index: 0, errorCode: 0, baseOffset: 1 }] }] }
  const keys = [3, 8, 10, 13].map((version) => {
    const value = decodeBuffer(produceResponse, version, encodeBuffer(produceResponse, version, answer))
    return JSON.stringify([value, value.responses[0]], (_, inner) =>
      typeof inner === 'object' && inner !== null && !Array.isArray(inner) ? Object.entries(inner) : inner,
    )
  })
  expect(new Set(keys).size).toBe(1)
})

test('errors name the message, its version and the field', () => {
  const answer = { errorCode: 0, protocolName: null, leader: '', memberId: '', members: [] }
  expect(() => encodeBuffer(joinGroupResponse, 6, answer)).toThrow(/JoinGroupResponse v6: protocolName/)
  expect(encodeBuffer(joinGroupResponse, 7, answer).length).toBeGreaterThan(0)
  expect(() => decode(joinGroupResponse, 5, new Reader(Buffer.alloc(3)))).toThrow(
    /JoinGroupResponse v5: \d+ bytes wanted/,
  )
})

test('a version that the message does not have is refused', () => {
  for (const version of [-1, 3, 19, 1.5]) {
    expect(() => decodeBuffer(fetchRequest, version, Buffer.alloc(100))).toThrow(WireError)
    expect(() => encode(fetchRequest as Message<unknown, unknown>, version, {}, new Writer())).toThrow(
      EncodeError,
    )
  }
})

test('bytes after the end of a whole buffer are refused', () => {
  expect(() => decodeBuffer(sample, 0, Buffer.from('00016100', 'hex'))).toThrow(/1 bytes left over/)
})

test('generated functions carry a name for stack traces and profiles', () => {
  const encoder = compileEncoder(sample, 1)
  let stack = ''
  const trap = Object.defineProperty({}, 'name', {
    get() {
      stack = new Error('here').stack ?? ''
      return 'a'
    },
  })
  encoder(new Writer(), trap)
  expect(stack).toContain('sluice-codec/Sample.v1.encode.js')
})

test('where code generation is forbidden the interpreter does the work', () => {
  const program = `
    const { decodeBuffer, encodeBuffer } = await import(${JSON.stringify(new URL('./codec.ts', import.meta.url).href)})
    const { heartbeatRequest } = await import(${JSON.stringify(new URL('./schemas/12-heartbeat.ts', import.meta.url).href)})
    let forbidden = false
    try { new Function('') } catch { forbidden = true }
    const value = { groupId: 'g', generationId: 3, memberId: 'm', groupInstanceId: null }
    const back = decodeBuffer(heartbeatRequest, 4, encodeBuffer(heartbeatRequest, 4, value))
    console.log(JSON.stringify({ forbidden, back }))`
  const flags = ['--disallow-code-generation-from-strings', '--input-type=module', '--eval', program]
  const output = execFileSync(process.execPath, flags, {
    encoding: 'utf8',
    env: { ...process.env, NODE_OPTIONS: '' },
  })
  expect(JSON.parse(output)).toEqual({
    forbidden: true,
    back: { groupId: 'g', generationId: 3, memberId: 'm', groupInstanceId: null },
  })
})
