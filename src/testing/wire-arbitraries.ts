/** Random values of any message, for property tests. */

import fc from 'fast-check'
import { defaultValue } from '../wire/defaults.ts'
import { type FieldMap, type FieldSchema, MAX_INT64, type MessageSchema } from '../wire/schema.ts'
import { includesVersion } from '../wire/versions.ts'

/** Decoded values: every key is there, fields that the version lacks hold their default. */
export function messageValue(message: MessageSchema, version: number): fc.Arbitrary<unknown> {
  return structValue(message.fields, version)
}

function structValue(fields: FieldMap, version: number): fc.Arbitrary<unknown> {
  return fc.record(
    Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, memberValue(field, version)])),
    { noNullPrototype: true },
  )
}

function memberValue(field: FieldSchema, version: number): fc.Arbitrary<unknown> {
  const absent = fc.constant(null).map(() => defaultValue(field))
  if (!includesVersion(field.versions ?? '0+', version)) return absent
  let value = fieldValue(field, version)
  if (includesVersion(field.nullable, version)) value = fc.option(value, { freq: 4 })
  return field.tag === undefined ? value : fc.oneof(absent, value)
}

function fieldValue(field: FieldSchema, version: number): fc.Arbitrary<unknown> {
  switch (field.kind) {
    case 'int8':
      return fc.integer({ min: -0x80, max: 0x7f })
    case 'int16':
      return fc.integer({ min: -0x8000, max: 0x7fff })
    case 'uint16':
      return fc.integer({ min: 0, max: 0xffff })
    case 'int32':
      return fc.integer({ min: -0x8000_0000, max: 0x7fff_ffff })
    case 'uint32':
      return fc.integer({ min: 0, max: 0xffff_ffff })
    case 'int64':
      return fc.oneof(
        { weight: 8, arbitrary: fc.maxSafeInteger() },
        { weight: 1, arbitrary: fc.constantFrom(-1, -2, MAX_INT64, -MAX_INT64) },
      )
    case 'int64Exact':
      return fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
    case 'float64':
      return fc.double({ noNaN: true })
    case 'bool':
      return fc.boolean()
    case 'string':
      return fc.oneof(
        { weight: 6, arbitrary: fc.string({ unit: 'binary', maxLength: 20 }) },
        { weight: 1, arbitrary: fc.string({ unit: 'binary-ascii', minLength: 100, maxLength: 300 }) },
      )
    case 'uuid':
      return someBytes(16, 16).map((bytes) => bytes.toString('base64url'))
    case 'bytes':
    case 'records':
      return someBytes(0, 200)
    case 'array':
      if (field.element === undefined) throw new TypeError('an array without an element')
      return fc.array(fieldValue(field.element, version), { maxLength: 3 })
    case 'struct':
      return structValue(field.fields ?? {}, version)
    default:
      return field.kind satisfies never
  }
}

function someBytes(minLength: number, maxLength: number): fc.Arbitrary<Buffer> {
  return fc.uint8Array({ minLength, maxLength }).map((bytes) => Buffer.from(bytes))
}
