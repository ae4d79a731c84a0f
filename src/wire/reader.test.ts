import { expect, test } from 'vitest'
import { Reader } from './reader.ts'
import { ZERO_UUID } from './schema.ts'
import { WireError } from './wire-error.ts'
import { Writer } from './writer.ts'

function hexReader(hex: string): Reader {
  return new Reader(Buffer.from(hex, 'hex'))
}

function hexOf(write: (writer: Writer) => void): string {
  const writer = new Writer()
  write(writer)
  return writer.toBuffer().toString('hex')
}

test('unsigned varints have one to five bytes', () => {
  const forms = { 0: '00', 127: '7f', 128: '8001', 16383: 'ff7f', 16384: '808001', 2097151: 'ffff7f' }
  const long = {
    2097152: '80808001',
    268435455: 'ffffff7f',
    268435456: '8080808001',
    4294967295: 'ffffffff0f',
  }
  for (const [value, hex] of Object.entries({ ...forms, ...long })) {
    expect(hexReader(hex).uvarint()).toBe(Number(value))
    expect(hexOf((writer) => writer.uvarint(Number(value)))).toBe(hex)
  }
  expect(() => hexReader('ffffffffff01').uvarint()).toThrow(/more than five bytes/)
  expect(() => hexReader('ffff').uvarint()).toThrow(WireError)
})

test('every primitive type is refused when a byte is missing', () => {
  const reads: ((reader: Reader) => unknown)[] = [
    (reader) => reader.int8(),
    (reader) => reader.int16(),
    (reader) => reader.uint16(),
    (reader) => reader.int32(),
    (reader) => reader.uint32(),
    (reader) => reader.int64(),
    (reader) => reader.int64Exact(),
    (reader) => reader.float64(),
    (reader) => reader.bool(),
    (reader) => reader.uuid(),
    (reader) => reader.string(),
    (reader) => reader.bytes(),
    (reader) => reader.arrayLength(1),
  ]
  for (const read of reads) {
    let size = 0
    while (size < 20) {
      const reader = new Reader(Buffer.alloc(size))
      let refused = false
      try {
        read(reader)
      } catch (error) {
        expect(error).toBeInstanceOf(WireError)
        refused = true
      }
      if (!refused) break
      size += 1
    }
    expect(size).toBeGreaterThan(0)
    expect(size).toBeLessThanOrEqual(16)
    const exact = new Reader(Buffer.alloc(size))
    read(exact)
    expect(exact.remaining).toBe(0)
  }
})

test('a length beyond the bytes left is refused', () => {
  expect(() => hexReader('000461').string()).toThrow(WireError)
  expect(() => hexReader('0561').compactString()).toThrow(WireError)
  expect(() => hexReader('7fffffff61').bytes()).toThrow(WireError)
  expect(() => hexReader('ffffffff0f61').compactBytes()).toThrow(WireError)
  expect(() => hexReader('7fffffff61').arrayLength(1)).toThrow(WireError)
})

test('a string of more than 32767 bytes is refused even when its bytes are there', () => {
  const bytes = Buffer.concat([Buffer.from('818002', 'hex'), Buffer.alloc(0x8000, 0x61)])
  expect(() => new Reader(bytes).compactString()).toThrow(/string of 32768 bytes/)
})

test('a negative length is null, as Kafka has it', () => {
  expect(hexReader('ffff').string()).toBeNull()
  expect(hexReader('fffe').string()).toBeNull()
  expect(hexReader('ffffffff').bytes()).toBeNull()
  expect(hexReader('80000000').arrayLength(1)).toBe(-1)
  expect(hexReader('00').compactString()).toBeNull()
  expect(hexReader('00').compactBytes()).toBeNull()
  expect(hexReader('00').compactArrayLength(1)).toBe(-1)
})

test('nothing is read past the end that the reader was given', () => {
  const reader = new Reader(Buffer.from('0001616263', 'hex'), 0, 3)
  expect(reader.string()).toBe('a')
  expect(() => reader.int8()).toThrow(WireError)
  expect(new Reader(Buffer.from('0001616263', 'hex'), 3).remaining).toBe(2)
})

test('a reader over a slice of a larger buffer reads the slice', () => {
  const large = Buffer.from('ffff0000002a0001', 'hex')
  const reader = new Reader(large.subarray(2, 6))
  expect(reader.int32()).toBe(42)
  expect(() => reader.int8()).toThrow(WireError)
})

test('text of any length and script survives, repeated or not', () => {
  const texts = [
    '',
    'a',
    'orders',
    'x'.repeat(63),
    'x'.repeat(64),
    'x'.repeat(65),
    'x'.repeat(2000),
    '한글-é',
    '😀'.repeat(50),
  ]
  for (const text of [...texts, ...texts]) {
    expect(hexReader(hexOf((writer) => writer.string(text))).string()).toBe(text)
    expect(hexReader(hexOf((writer) => writer.compactString(text))).compactString()).toBe(text)
  }
})

test('texts of the same length that differ in one place are told apart', () => {
  const base = 'some.topic.with.a.long.name.and.a.number.0001'
  for (let at = 0; at < base.length; at++) {
    const other = `${base.slice(0, at)}#${base.slice(at + 1)}`
    for (const text of [base, other, base]) {
      expect(hexReader(hexOf((writer) => writer.string(text))).string()).toBe(text)
    }
  }
})

test('bytes that are not UTF-8 become replacement characters, as in Java', () => {
  expect(hexReader('0003ff61fe').string()).toBe('\ufffda\ufffd')
})

test("uuids travel in Kafka's text form", () => {
  expect(hexReader('00'.repeat(16)).uuid()).toBe(ZERO_UUID)
  const hex = '00112233445566778899aabbccddeeff'
  for (let repeat = 0; repeat < 2; repeat++) {
    const text = hexReader(hex).uuid()
    expect(text).toBe('ABEiM0RVZneImaq7zN3u_w')
    expect(hexOf((writer) => writer.uuid(text))).toBe(hex)
  }
  expect(hexOf((writer) => writer.uuid(ZERO_UUID))).toBe('00'.repeat(16))
})

test('no more entries are read than the reader is allowed, and a long string is several', () => {
  const allow = (entries: number, write: (writer: Writer) => void) => {
    const writer = new Writer()
    write(writer)
    const reader = new Reader(writer.toBuffer())
    reader.entriesLeft = entries
    return reader
  }
  const elements = (writer: Writer) => {
    writer.int32(3)
    writer.int32(0)
  }
  expect(allow(3, elements).arrayLength(1)).toBe(3)
  expect(() => allow(2, elements).arrayLength(1)).toThrow(WireError)
  const tags = (writer: Writer) => writer.uvarint(3)
  expect(allow(3, tags).tagCount()).toBe(3)
  expect(() => allow(2, tags).tagCount()).toThrow(WireError)
  const text = (length: number) => (writer: Writer) => writer.string('x'.repeat(length))
  for (const [length, entries] of [
    [255, 0],
    [256, 1],
    [16_383, 63],
    [16_384, 1024],
    [32_767, 1024],
  ] as const) {
    expect(allow(entries, text(length)).string()).toHaveLength(length)
    if (entries > 0) expect(() => allow(entries - 1, text(length)).string()).toThrow(WireError)
  }
})
