import { type FieldSchema, ZERO_UUID } from './schema.ts'

const EMPTY = Buffer.alloc(0)

/** The value of a field that the version lacks, or of a tagged field that was not sent. Always a fresh object. */
export function defaultValue(field: FieldSchema): unknown {
  if (field.default !== undefined) return field.default
  switch (field.kind) {
    case 'array':
      return []
    case 'struct':
      return Object.fromEntries(
        Object.entries(field.fields ?? {}).map(([name, inner]) => [name, defaultValue(inner)]),
      )
    case 'string':
      return ''
    case 'uuid':
      return ZERO_UUID
    case 'bool':
      return false
    case 'int64Exact':
      return 0n
    case 'bytes':
      return EMPTY
    case 'records':
      // Kafka's generated classes have no empty record set: absent is null.
      return null
    default:
      return 0
  }
}

/** Whether a value, or a key left out, is what an absent field stands for. */
export function isDefaultValue(field: FieldSchema, value: unknown): boolean {
  if (value === undefined) return isOptional(field)
  const expected = defaultValue(field)
  if (expected === null || value === null) return value === expected
  switch (field.kind) {
    case 'array':
      return Array.isArray(value) && value.length === 0
    case 'bytes':
      return Buffer.isBuffer(value) && value.length === 0
    case 'struct':
      return Object.entries(field.fields ?? {}).every(([name, inner]) =>
        isDefaultValue(inner, propertyOf(value, name)),
      )
    default:
      return value === expected
  }
}

/** Whether the key may be left out of a value to be written. */
export function isOptional(field: FieldSchema): boolean {
  return field.default !== undefined || field.versions !== undefined || field.tag !== undefined
}

/** A key of a value whose type is known to its schema only. */
export function propertyOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined
}
