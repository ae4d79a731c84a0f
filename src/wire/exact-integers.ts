import type { FieldMap, FieldSchema, Message, MessageSchema } from './schema.ts'

const MAX = 2n ** 63n - 1n

/**
 * The same message with every int64 as a bigint, for tools that must keep all 64 bits of what they read.
 * The broker itself has no use for it.
 */
export function withExactIntegers(message: MessageSchema): Message<unknown, unknown> {
  // The phantom types say `unknown`, which holds for any value.
  return { ...message, fields: exactFields(message.fields) } as unknown as Message<unknown, unknown>
}

function exactFields(fields: FieldMap): FieldMap {
  return Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, exactField(field)]))
}

function exactField(field: FieldSchema): FieldSchema {
  if (field.fields !== undefined) return { ...field, fields: exactFields(field.fields) }
  if (field.element !== undefined) return { ...field, element: exactField(field.element) }
  if (field.kind !== 'int64') return field
  const { default: given, ...rest } = field
  if (typeof given !== 'number') return { ...rest, kind: 'int64Exact' }
  const exact = BigInt(given)
  return { ...rest, kind: 'int64Exact', default: exact > MAX ? MAX : exact }
}
