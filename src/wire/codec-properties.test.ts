import fc from 'fast-check'
import { expect, test } from 'vitest'
import { inMemory } from '../base/file-slice.ts'
import { messageValue } from '../testing/wire-arbitraries.ts'
import { allMessages, versionsOf } from '../testing/wire-fixtures.ts'
import { compileDecoder, compileEncoder } from './compile.ts'
import { interpretDecode, interpretEncode } from './interpret.ts'
import { Reader } from './reader.ts'
import { requestHeader } from './schemas/request-header.ts'
import { responseHeader } from './schemas/response-header.ts'
import { WireError } from './wire-error.ts'
import { Writer } from './writer.ts'

const RUNS = 8

const codecs = [...(await allMessages()), requestHeader, responseHeader].flatMap((message) =>
  versionsOf(message).map((version) => ({
    name: `${message.name} v${version}`,
    value: messageValue(message, version),
    encode: compileEncoder(message, version),
    decode: compileDecoder(message, version),
    interpretEncode: (writer: Writer, value: unknown) => interpretEncode(message, version, value, writer),
    interpretDecode: (reader: Reader) => interpretDecode(message, version, reader),
  })),
)

function written(encode: (writer: Writer, value: unknown) => void, value: unknown): Buffer {
  // A tiny first chunk: every message crosses chunk borders.
  const writer = new Writer(16)
  encode(writer, value)
  const { length } = writer
  const bytes = Buffer.concat(inMemory(writer.finish()))
  expect(bytes.length).toBe(length)
  return bytes
}

/** A reader that fails the test as soon as an array is granted that the bytes left cannot fill. */
function watchedReader(bytes: Buffer): Reader {
  const reader = new Reader(bytes)
  for (const method of ['arrayLength', 'compactArrayLength'] as const) {
    const original = reader[method].bind(reader)
    reader[method] = (elementSize) => {
      const length = original(elementSize)
      if (length > reader.remaining) throw new Error(`${length} elements in ${reader.remaining} bytes`)
      return length
    }
  }
  return reader
}

/**
 * The value, or that the bytes were refused as they should be; any other error is thrown. Where exactly they are
 * refused may differ, as generated code checks neighbouring fields at once.
 */
function decoded(
  decode: (reader: Reader) => unknown,
  bytes: Buffer,
): { value: unknown; left: number } | string {
  const reader = watchedReader(bytes)
  try {
    return { value: decode(reader), left: reader.remaining }
  } catch (error) {
    if (error instanceof WireError) return 'refused'
    throw error
  }
}

test('every version of every message: what is written reads back, generated and interpreted alike', () => {
  for (const codec of codecs) {
    const property = fc.property(codec.value, (value) => {
      const bytes = written(codec.encode, value)
      expect(written(codec.interpretEncode, value).equals(bytes), codec.name).toBe(true)
      const whole = { value, left: 0 }
      expect(decoded(codec.decode, bytes), codec.name).toStrictEqual(whole)
      expect(decoded(codec.interpretDecode, bytes), codec.name).toStrictEqual(whole)
    })
    fc.assert(property, { numRuns: RUNS })
  }
})

test('a truncated message is refused with a WireError, wherever it ends', () => {
  for (const codec of codecs) {
    const property = fc.property(
      codec.value,
      fc.double({ min: 0, max: 1, maxExcluded: true }),
      (value, part) => {
        const bytes = written(codec.encode, value)
        const cut = bytes.subarray(0, Math.floor(bytes.length * part))
        if (bytes.length === 0) return
        expect(decoded(codec.decode, cut), codec.name).toBe('refused')
        expect(decoded(codec.interpretDecode, cut), codec.name).toBe('refused')
      },
    )
    fc.assert(property, { numRuns: RUNS })
  }
})

test('a damaged message is read or refused with a WireError, generated and interpreted alike', () => {
  for (const codec of codecs) {
    const damage = fc.array(fc.tuple(fc.nat(), fc.constantFrom(0, 1, 0x7f, 0x80, 0xff)), {
      minLength: 1,
      maxLength: 8,
    })
    const property = fc.property(codec.value, damage, (value, changes) => {
      const bytes = written(codec.encode, value)
      if (bytes.length === 0) return
      for (const [at, byte] of changes) bytes[at % bytes.length] = byte
      expect(decoded(codec.decode, bytes), codec.name).toStrictEqual(decoded(codec.interpretDecode, bytes))
    })
    fc.assert(property, { numRuns: RUNS })
  }
})

test('random bytes are read or refused with a WireError, generated and interpreted alike', () => {
  const noise = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes))
  for (const codec of codecs) {
    const property = fc.property(noise, (bytes) => {
      expect(decoded(codec.decode, bytes), codec.name).toStrictEqual(decoded(codec.interpretDecode, bytes))
    })
    fc.assert(property, { numRuns: RUNS })
  }
})
