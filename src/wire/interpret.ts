/**
 * Encodes and decodes by walking the schema: slow and obvious. It is what the generated codecs are tested
 * against, and what runs where code generation is forbidden.
 */

import { defaultValue, isDefaultValue, isOptional, propertyOf } from './defaults.ts'
import { isFlexible, smallestElementSize } from './layout.ts'
import type { Reader } from './reader.ts'
import type { FieldMap, FieldSchema, MessageSchema } from './schema.ts'
import * as check from './value-checks.ts'
import { includesVersion } from './versions.ts'
import { WireError } from './wire-error.ts'
import type { Writer } from './writer.ts'

interface Context {
  readonly version: number
  readonly flexible: boolean
}

export function interpretDecode(message: MessageSchema, version: number, reader: Reader): unknown {
  return readStruct(message.fields, { version, flexible: isFlexible(message, version) }, reader)
}

export function interpretEncode(
  message: MessageSchema,
  version: number,
  value: unknown,
  writer: Writer,
): void {
  writeStruct(
    message.fields,
    { version, flexible: isFlexible(message, version) },
    value,
    writer,
    message.name,
  )
}

function isPresent(field: FieldSchema, { version }: Context): boolean {
  return includesVersion(field.versions ?? '0+', version)
}

function isNullable(field: FieldSchema, { version }: Context): boolean {
  return includesVersion(field.nullable, version)
}

function isCompact(field: FieldSchema, { flexible }: Context): boolean {
  return flexible && field.flexible !== 'none'
}

function readStruct(fields: FieldMap, context: Context, reader: Reader): object {
  const value: Record<string, unknown> = {}
  for (const [name, field] of Object.entries(fields)) {
    const onWire = isPresent(field, context) && field.tag === undefined
    value[name] = onWire ? readField(field, name, context, reader) : defaultValue(field)
  }
  if (context.flexible) readTaggedFields(fields, context, reader, value)
  return value
}

function readTaggedFields(
  fields: FieldMap,
  context: Context,
  reader: Reader,
  value: Record<string, unknown>,
): void {
  for (let left = reader.tagCount(); left > 0; left--) {
    const tag = reader.uvarint()
    const outerEnd = reader.enter(reader.uvarint())
    const known = Object.entries(fields).find(([, field]) => field.tag === tag && isPresent(field, context))
    if (known === undefined) {
      reader.take(reader.remaining)
    } else {
      const [name, field] = known
      value[name] = readField(field, name, context, reader)
    }
    reader.leave(outerEnd)
  }
}

function readField(field: FieldSchema, name: string, context: Context, reader: Reader): unknown {
  const value = readValue(field, name, context, reader)
  if (value === null && !isNullable(field, context)) throw new WireError(`${name} is null`)
  return value
}

function readValue(field: FieldSchema, name: string, context: Context, reader: Reader): unknown {
  const compact = isCompact(field, context)
  switch (field.kind) {
    case 'string':
      return compact ? reader.compactString() : reader.string()
    case 'bytes':
    case 'records':
      return compact ? reader.compactBytes() : reader.bytes()
    case 'array': {
      const element = elementOf(field)
      const size = smallestElementSize(element, context.version, context.flexible)
      const length = compact ? reader.compactArrayLength(size) : reader.arrayLength(size)
      if (length < 0) return null
      return Array.from({ length }, () => readField(element, name, context, reader))
    }
    case 'struct':
      if (isNullable(field, context)) {
        // Kafka marks a null struct with the byte -1, in a tagged field with a zero; 1 stands before any other.
        const isNull = field.tag === undefined ? reader.int8() < 0 : reader.uvarint() === 0
        if (isNull) return null
      }
      return readStruct(field.fields ?? {}, context, reader)
    default:
      return reader[field.kind]()
  }
}

function writeStruct(
  fields: FieldMap,
  context: Context,
  value: unknown,
  writer: Writer,
  where: string,
): void {
  check.checkStruct(value, where)
  for (const [name, field] of Object.entries(fields)) {
    if (!isPresent(field, context)) {
      if (field.ignorable !== true && !isDefaultValue(field, propertyOf(value, name)))
        throw check.lacking(name)
    } else if (field.tag === undefined) {
      writeField(field, name, context, propertyOf(value, name), writer)
    }
  }
  if (context.flexible) writeTaggedFields(fields, context, value, writer)
}

function writeTaggedFields(fields: FieldMap, context: Context, value: unknown, writer: Writer): void {
  const set = Object.entries(fields)
    .filter(([name, field]) => {
      return (
        field.tag !== undefined &&
        isPresent(field, context) &&
        !isDefaultValue(field, propertyOf(value, name))
      )
    })
    .sort(([, a], [, b]) => (a.tag ?? 0) - (b.tag ?? 0))
  writer.uvarint(set.length)
  for (const [name, field] of set) {
    writeField(field, name, context, propertyOf(value, name), writer.openTagged())
    writer.closeTagged(field.tag ?? 0)
  }
}

function writeField(
  field: FieldSchema,
  name: string,
  context: Context,
  given: unknown,
  writer: Writer,
): void {
  const value = given === undefined && isOptional(field) ? defaultValue(field) : given
  const compact = isCompact(field, context)
  const nullable = isNullable(field, context)
  if (value === null && nullable) {
    writeNull(field, compact, writer)
    return
  }
  switch (field.kind) {
    case 'string': {
      const text = check.checkString(value, name)
      if (compact) writer.compactString(text)
      else writer.string(text)
      break
    }
    case 'bytes': {
      const bytes = check.checkBytes(value, name)
      if (compact) writer.compactBytes(bytes)
      else writer.bytes(bytes)
      break
    }
    case 'records': {
      const records = check.checkRecords(value, name)
      if (compact) writer.compactRecords(records)
      else writer.records(records)
      break
    }
    case 'array': {
      const elements = check.checkArray(value, name)
      if (compact) writer.uvarint(elements.length + 1)
      else writer.int32(elements.length)
      for (const element of elements) writeField(elementOf(field), name, context, element, writer)
      break
    }
    case 'struct':
      if (nullable) writer.int8(1)
      writeStruct(field.fields ?? {}, context, value, writer, name)
      break
    case 'int8':
      writer.int8(check.checkInt8(value, name))
      break
    case 'int16':
      writer.int16(check.checkInt16(value, name))
      break
    case 'uint16':
      writer.uint16(check.checkUint16(value, name))
      break
    case 'int32':
      writer.int32(check.checkInt32(value, name))
      break
    case 'uint32':
      writer.uint32(check.checkUint32(value, name))
      break
    case 'int64':
      writer.int64(check.checkInt64(value, name))
      break
    case 'int64Exact':
      writer.int64Exact(check.checkInt64Exact(value, name))
      break
    case 'float64':
      writer.float64(check.checkFloat64(value, name))
      break
    case 'bool':
      writer.bool(check.checkBool(value, name))
      break
    case 'uuid':
      writer.uuid(check.checkUuid(value, name))
      break
    default:
      field.kind satisfies never
  }
}

function writeNull(field: FieldSchema, compact: boolean, writer: Writer): void {
  switch (field.kind) {
    case 'struct':
      if (field.tag === undefined) writer.int8(-1)
      else writer.uvarint(0)
      break
    case 'string':
      if (compact) writer.uvarint(0)
      else writer.int16(-1)
      break
    default:
      if (compact) writer.uvarint(0)
      else writer.int32(-1)
  }
}

function elementOf(field: FieldSchema): FieldSchema {
  if (field.element === undefined) throw new TypeError('an array without an element')
  return field.element
}
