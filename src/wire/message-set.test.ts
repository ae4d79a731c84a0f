import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { crc32 } from 'node:zlib'
import { describe, expect, it, test } from 'vitest'
import { CorruptRecordError } from './corrupt-record-error.ts'
import {
  compressMessages,
  encodeMessage,
  type LegacyMagic,
  type LegacyMessage,
  messageFaultAt,
  messagesIn,
  readMessage,
} from './message-set.ts'

const MAX_BYTES = 1 << 24
const fixtures = new URL('fixtures/messages/', import.meta.url)

interface Described {
  readonly offset: number
  readonly timestamp: number
  readonly key: string | null
  readonly value: string | null
}

interface Fixture {
  readonly format: LegacyMagic
  readonly codec: string
  readonly messages: readonly Described[]
}

function shown(bytes: Buffer | null): string | null {
  if (bytes === null) return null
  if (bytes.length <= 64) return bytes.toString('base64')
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`
}

function readSet(set: Buffer): LegacyMessage[] {
  const messages: LegacyMessage[] = []
  for (let at = 0; at < set.length; ) {
    expect(messageFaultAt(set, at)).toBeUndefined()
    const message = readMessage(set, at)
    if (message.compressionCodec === 0) messages.push(message)
    else {
      const inner = [...messagesIn(message, MAX_BYTES)]
      const base = message.magic === 0 ? 0 : message.offset - inner.at(-1)!.offset
      messages.push(...inner.map((one) => ({ ...one, offset: base + one.offset })))
    }
    at += message.sizeInBytes
  }
  return messages
}

function message(magic: LegacyMagic, offset: number, value: string, timestamp = 100) {
  return encodeMessage(magic, {
    offset,
    timestamp,
    timestampType: 'CreateTime',
    key: null,
    value: Buffer.from(value),
  })
}

function wrapper(magic: LegacyMagic, offset: number, inner: Buffer, timestampType = 'CreateTime' as const) {
  return readMessage(
    encodeMessage(magic, {
      offset,
      timestamp: 500,
      timestampType,
      compressionCodec: 1,
      key: null,
      value: compressMessages('gzip', magic, inner),
    }),
    0,
  )
}

const names = readdirSync(fixtures)
  .filter((name) => name.endsWith('.json'))
  .map((name) => name.slice(0, -'.json'.length))

describe('what the clients of Kafka 0.9 and 0.10 wrote is read as they read it', () => {
  it('has every codec in both formats', () => expect(names).toHaveLength(16))

  it.each(names)('%s', (name) => {
    const fixture: Fixture = JSON.parse(readFileSync(new URL(`${name}.json`, fixtures), 'utf8'))
    const messages = readSet(readFileSync(new URL(`${name}.bin`, fixtures)))
    expect(messages.every(({ crcIsRight, magic }) => crcIsRight && magic === fixture.format)).toBe(true)
    const described = messages.map(({ offset, timestamp, key, value }) => ({
      offset,
      timestamp,
      key: shown(key),
      value: shown(value),
    }))
    expect(described).toEqual(fixture.messages)
  })

  it.each(names.filter((name) => name.endsWith('-none')))('%s is written again byte by byte', (name) => {
    const set = readFileSync(new URL(`${name}.bin`, fixtures))
    const again = readSet(set).map((read) => encodeMessage(read.magic, read))
    expect(Buffer.concat(again)).toEqual(set)
  })
})

test('the header of an LZ4 frame in format 0 has the checksum of old clients, over the magic number too', () => {
  const old = readMessage(readFileSync(new URL('format0-lz4.bin', fixtures)), 0).value!
  const content = Buffer.concat([message(0, 0, 'a'), message(0, 0, 'b')])
  const ours = compressMessages('lz4', 0, content)
  expect(ours.subarray(0, 7)).toEqual(old.subarray(0, 7))
  expect(ours[6]).not.toBe(compressMessages('lz4', 1, content)[6])
})

test('offsets in a wrapper are given as they stand, whatever offset the wrapper has', () => {
  const inner = Buffer.concat([message(1, 0, 'a'), message(1, 2, 'b')])
  for (const offset of [42, 2, 0])
    expect([...messagesIn(wrapper(1, offset, inner), MAX_BYTES)].map((one) => one.offset)).toEqual([0, 2])
})

test('a message that is cut off inside a wrapper is left out', () => {
  const inner = Buffer.concat([message(1, 0, 'a'), message(1, 1, 'b').subarray(0, 30)])
  expect([...messagesIn(wrapper(1, 0, inner), MAX_BYTES)]).toHaveLength(1)
})

describe('a wrapper that is none is refused', () => {
  const inner = Buffer.concat([message(1, 0, 'a'), message(1, 7, 'b')])
  const empty = encodeMessage(1, {
    offset: 0,
    timestamp: 0,
    timestampType: 'CreateTime',
    compressionCodec: 1,
    key: null,
    value: null,
  })
  const cases: [string, () => LegacyMessage, number?][] = [
    ['without messages', () => wrapper(1, 0, Buffer.alloc(0))],
    ['without a value', () => readMessage(empty, 0)],
    ['with an offset below that of its messages', () => wrapper(1, 6, inner)],
    ['around another wrapper', () => wrapper(1, 0, encodeMessage(1, { ...wrapper(1, 0, inner) }))],
    ['of a codec that formats 0 and 1 have not', () => ({ ...wrapper(1, 0, inner), compressionCodec: 4 })],
    ['of a codec that is none', () => ({ ...wrapper(1, 0, inner), compressionCodec: 6 })],
    ['whose bytes do not decompress', () => ({ ...wrapper(1, 0, inner), compressionCodec: 3 })],
    ['around record batches', () => wrapper(1, 0, Buffer.concat([inner, Buffer.alloc(61, 2)]))],
    ['with more than may be decompressed', () => wrapper(1, 0, message(1, 0, 'a'.repeat(10_000))), 5000],
  ]
  it.each(cases)('%s', (_what, made, maxBytes = MAX_BYTES) => {
    expect(() => [...messagesIn(made(), maxBytes)]).toThrow(CorruptRecordError)
  })
})

test('a key or value that reaches over the end is refused', () => {
  const set = message(0, 0, 'value')
  set.writeInt32BE(1000, 18)
  set.writeUInt32BE(crc32(set.subarray(16)), 12)
  expect(() => readMessage(set, 0)).toThrow(CorruptRecordError)
})

test('of a message with a wrong checksum nothing is read but its size', () => {
  const set = message(1, 3, 'value')
  set[set.length - 1]! ^= 1
  expect(readMessage(set, 0)).toMatchObject({
    crcIsRight: false,
    key: null,
    value: null,
    sizeInBytes: set.length,
  })
})

test.each([
  ['the end inside the length', 11, undefined, 'too-short'],
  ['the end inside the message', 30, undefined, 'too-short'],
  ['a length below the smallest', undefined, [8, 13], 'bad-length'],
] as const)('%s is no whole message', (_what, end, patch, fault) => {
  const set = message(1, 0, 'value')
  if (patch !== undefined) set.writeInt32BE(patch[1], patch[0])
  expect(messageFaultAt(set.subarray(0, end), 0)).toBe(fault)
})

test('a record batch is no message', () => {
  const set = message(1, 0, 'value')
  set[16] = 2
  expect(messageFaultAt(set, 0)).toBe('bad-magic')
})
