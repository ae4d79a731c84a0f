import { expect, test } from 'vitest'
import { inMemory } from '../base/file-slice.ts'
import { EncodeError } from './wire-error.ts'
import { Writer } from './writer.ts'

test('nothing written is an empty list, and record sets without bytes leave no buffer', () => {
  expect(new Writer().finish()).toEqual([])
  const writer = new Writer()
  writer.append([Buffer.alloc(0)])
  expect(writer.length).toBe(0)
  expect(writer.finish()).toEqual([])
})

test('buffers that are appended keep their place between what is written', () => {
  const writer = new Writer(8)
  const first = Buffer.from('first')
  writer.int16(1)
  writer.append(first)
  writer.int16(2)
  writer.append([Buffer.from('second'), Buffer.from('third')])
  expect(writer.length).toBe(20)
  const chunks = inMemory(writer.finish())
  expect(chunks[1]).toBe(first)
  expect(Buffer.concat(chunks)).toEqual(Buffer.from('\0\x01first\0\x02secondthird'))
})

test('a value larger than any chunk is written whole', () => {
  const writer = new Writer(4)
  const large = Buffer.alloc(300_000, 7)
  writer.int8(1)
  writer.bytes(large)
  writer.string('x'.repeat(30_000))
  const all = Buffer.concat(inMemory(writer.finish()))
  expect(all.length).toBe(1 + 4 + 300_000 + 2 + 30_000)
  expect(all.subarray(5, 300_005).equals(large)).toBe(true)
})

test('text is limited to 32767 bytes of UTF-8, whatever its length in characters', () => {
  for (const write of ['string', 'compactString'] as const) {
    expect(() => new Writer()[write]('x'.repeat(0x8000))).toThrow(EncodeError)
    expect(() => new Writer()[write]('é'.repeat(0x4000))).toThrow(EncodeError)
    const writer = new Writer()
    writer[write]('x'.repeat(0x7fff))
    expect(writer.length).toBeGreaterThan(0x7fff)
  }
})

test('the length of text is exact around the sizes where its form changes', () => {
  for (const length of [0, 15, 16, 17, 41, 42, 43, 126, 127, 128, 1023, 1024, 1025]) {
    for (const letter of ['x', 'é', '한']) {
      const text = letter.repeat(length)
      const plain = new Writer(32)
      plain.string(text)
      const expected = Buffer.from(text)
      expect(plain.length).toBe(2 + expected.length)
      const bytes = plain.toBuffer()
      expect(bytes.readInt16BE()).toBe(expected.length)
      expect(bytes.subarray(2).equals(expected)).toBe(true)
      const compact = new Writer(32)
      compact.compactString(text)
      expect(
        compact
          .toBuffer()
          .subarray(-expected.length || Number.POSITIVE_INFINITY)
          .equals(expected),
      ).toBe(true)
      expect(compact.length).toBe((expected.length + 1 < 128 ? 1 : 2) + expected.length)
    }
  }
})

test('a tagged value is written with its length before it, whatever its size', () => {
  const writer = new Writer(8)
  for (const size of [0, 127, 128, 70_000]) {
    const value = writer.openTagged()
    value.raw(Buffer.alloc(size, 5))
    writer.closeTagged(3)
  }
  const bytes = Buffer.concat(inMemory(writer.finish()))
  const head = (size: string) => Buffer.from(`03${size}`, 'hex')
  expect(bytes.subarray(0, 4).equals(Buffer.concat([head('00'), head('7f')]))).toBe(true)
  expect(bytes.length).toBe(2 + 2 + 127 + 3 + 128 + 4 + 70_000)
})

test('a reset writer starts over', () => {
  const writer = new Writer(16)
  writer.string('left behind')
  writer.reset()
  writer.int8(4)
  expect(writer.toBuffer()).toEqual(Buffer.from([4]))
})
