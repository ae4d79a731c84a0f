import { defaultExpression, GeneratedSource, structAt, type VersionedField } from './generated-source.ts'
import { fixedSize, smallestElementSize } from './layout.ts'
import type { FieldMap, FieldSchema, MessageSchema } from './schema.ts'

/**
 * Source of a function `(reader) => value`. One function per struct; neighbouring fields of fixed size share one
 * bounds check; the value is one object literal with every key of the schema in the schema's order, so that all
 * versions of a message give objects of the same shape.
 */
export function decodeSource(message: MessageSchema, version: number): string {
  const source = new GeneratedSource(message, version)
  return source.finish(structDecoder(source, message.fields), 'decode')
}

function structDecoder(source: GeneratedSource, fields: FieldMap): string {
  const { plain, tagged, absent } = structAt(fields, source.version)
  const name = source.fresh('struct')
  const body: string[] = []
  const values = new Map<string, string>()
  for (const { name: key, field } of [...tagged, ...absent]) values.set(key, defaultExpression(field))

  if (plain.some(isFixed)) body.push('const view = r.view')
  for (let index = 0; index < plain.length; ) {
    const run = fixedRun(plain, index)
    if (run.length > 0) {
      readRun(source, run, body, values)
      index += run.length
      continue
    }
    const member = plain[index]!
    const local = source.fresh('v')
    readVariable(source, member, local, body)
    values.set(member.name, local)
    index += 1
  }
  if (source.flexible) readTagged(source, tagged, body, values)

  const members = Object.keys(fields).map((key) => `${key}: ${values.get(key)}`)
  body.push(`return { ${members.join(', ')} }`)
  source.addFunction(name, 'r', body)
  return name
}

function isFixed({ field }: VersionedField): boolean {
  return fixedSize(field) !== undefined
}

function fixedRun(members: readonly VersionedField[], from: number): VersionedField[] {
  let to = from
  while (to < members.length && isFixed(members[to]!)) to += 1
  return members.slice(from, to)
}

function readRun(
  source: GeneratedSource,
  run: readonly VersionedField[],
  body: string[],
  values: Map<string, string>,
): void {
  const at = source.fresh('at')
  let offset = 0
  const reads: string[] = []
  for (const { name, field } of run) {
    const local = source.fresh('v')
    reads.push(`const ${local} = ${readFixedAt(field, offset === 0 ? at : `${at} + ${offset}`)}`)
    values.set(name, local)
    offset += fixedSize(field) ?? 0
  }
  body.push(`const ${at} = r.take(${offset})`, ...reads)
}

function readFixedAt(field: FieldSchema, at: string): string {
  switch (field.kind) {
    case 'int8':
      return `view.getInt8(${at})`
    case 'bool':
      return `view.getInt8(${at}) !== 0`
    case 'int16':
      return `view.getInt16(${at})`
    case 'uint16':
      return `view.getUint16(${at})`
    case 'int32':
      return `view.getInt32(${at})`
    case 'uint32':
      return `view.getUint32(${at})`
    case 'int64':
      return `view.getInt32(${at}) * 4294967296 + view.getUint32(${at} + 4)`
    case 'int64Exact':
      return `view.getBigInt64(${at})`
    case 'float64':
      return `view.getFloat64(${at})`
    case 'uuid':
      return `r.uuidAt(${at})`
    default:
      throw new TypeError(`${field.kind} has no fixed size`)
  }
}

/** Statements that declare `local` with the value of a field whose length is on the wire. */
function readVariable(source: GeneratedSource, member: VersionedField, local: string, body: string[]): void {
  const { name, field, nullable } = member
  const compact = source.isCompact(field)
  switch (field.kind) {
    case 'string':
    case 'bytes':
    case 'records': {
      const type = field.kind === 'string' ? 'String' : 'Bytes'
      const read = compact ? `r.compact${type}()` : `r.${type.toLowerCase()}()`
      body.push(`const ${local} = ${nullable ? read : `notNull(${read}, '${name}')`}`)
      break
    }
    case 'array':
      readArray(source, member, local, body)
      break
    case 'struct': {
      const read = `${structDecoder(source, field.fields ?? {})}(r)`
      // Kafka marks a null struct with the byte -1, in a tagged field with a zero; 1 stands before any other.
      const isNull = field.tag === undefined ? 'r.int8() < 0' : 'r.uvarint() === 0'
      body.push(`const ${local} = ${nullable ? `${isNull} ? null : ${read}` : read}`)
      break
    }
    default:
      body.push(`const ${local} = r.${field.kind}()`)
  }
}

function readArray(
  source: GeneratedSource,
  { name, field, nullable }: VersionedField,
  local: string,
  body: string[],
): void {
  const element = field.element!
  const size = fixedSize(element)
  const method = source.isCompact(field) ? 'compactArrayLength' : 'arrayLength'
  const length = source.fresh('n')
  const read = `r.${method}(${smallestElementSize(element, source.version, source.flexible)})`
  body.push(`const ${length} = ${nullable ? read : `notNullLength(${read}, '${name}')`}`)
  body.push(`const ${local} = ${nullable ? `${length} < 0 ? null : ` : ''}new Array(${length})`)
  const lines: string[] = []
  if (size !== undefined) {
    const at = source.fresh('at')
    body.push(`if (${length} > 0) {`, `const view = r.view`, `let ${at} = r.take(${length} * ${size})`)
    lines.push(`${local}[i] = ${readFixedAt(element, at)}`, `${at} += ${size}`)
  } else if (element.kind === 'struct') {
    lines.push(`${local}[i] = ${structDecoder(source, element.fields ?? {})}(r)`)
  } else {
    const value = source.fresh('v')
    readVariable(source, { name, field: element, nullable: false }, value, lines)
    lines.push(`${local}[i] = ${value}`)
  }
  body.push(`for (let i = 0; i < ${length}; i++) {`, ...lines, '}')
  if (size !== undefined) body.push('}')
}

/** Known tags overwrite their defaults; others are skipped (KIP-482). */
function readTagged(
  source: GeneratedSource,
  tagged: readonly VersionedField[],
  body: string[],
  values: Map<string, string>,
): void {
  const cases: string[] = []
  for (const member of tagged) {
    const variable = source.fresh('t')
    const value = source.fresh('v')
    body.push(`let ${variable} = ${values.get(member.name)}`)
    values.set(member.name, variable)
    const lines: string[] = []
    readVariable(source, member, value, lines)
    cases.push(`case ${member.field.tag}: {`, ...lines, `${variable} = ${value}`, 'break', '}')
  }
  body.push('for (let left = r.tagCount(); left > 0; left--) {')
  if (tagged.length === 0) {
    body.push('r.uvarint()', 'r.take(r.uvarint())', '}')
    return
  }
  body.push('const tag = r.uvarint(), outerEnd = r.enter(r.uvarint())', 'switch (tag) {', ...cases)
  body.push('default: r.take(r.remaining)', '}', 'r.leave(outerEnd)', '}')
}
