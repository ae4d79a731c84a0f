import type { FieldSchema, MessageSchema, ScalarKind } from './schema.ts'
import { includesVersion } from './versions.ts'

/** Bytes of the types that always take the same. */
const fixedSizes: Readonly<Partial<Record<ScalarKind | 'array' | 'struct', number>>> = {
  int8: 1,
  bool: 1,
  int16: 2,
  uint16: 2,
  int32: 4,
  uint32: 4,
  int64: 8,
  int64Exact: 8,
  float64: 8,
  uuid: 16,
}

/** Bytes of a field on the wire when its type alone decides them, else undefined. */
export function fixedSize(field: FieldSchema): number | undefined {
  return fixedSizes[field.kind]
}

/** Whether the version has compact lengths and tagged fields (KIP-482). */
export function isFlexible(message: MessageSchema, version: number): boolean {
  return includesVersion(message.flexible, version)
}

/**
 * The least number of bytes that an element of an array takes. Never less than one, which bounds the count of an
 * array of empty structs by the bytes left, as Kafka does.
 */
export function smallestElementSize(element: FieldSchema, version: number, flexible: boolean): number {
  return Math.max(1, smallestSize(element, version, flexible))
}

function smallestSize(field: FieldSchema, version: number, flexible: boolean): number {
  const size = fixedSize(field)
  if (size !== undefined) return size
  switch (field.kind) {
    case 'string':
      return flexible && field.flexible !== 'none' ? 1 : 2
    case 'struct': {
      if (includesVersion(field.nullable, version)) return 1
      let total = flexible ? 1 : 0
      for (const inner of Object.values(field.fields ?? {})) {
        if (inner.tag !== undefined || !includesVersion(inner.versions ?? '0+', version)) continue
        total += smallestSize(inner, version, flexible)
      }
      return total
    }
    default:
      return flexible ? 1 : 4
  }
}
