import { isOptional } from './defaults.ts'
import { defaultExpression, GeneratedSource, structAt, type VersionedField } from './generated-source.ts'
import { fixedSize } from './layout.ts'
import type { FieldMap, FieldSchema, MessageSchema } from './schema.ts'

/**
 * Source of a function `(writer, value) => void`. One function per struct; neighbouring fields of fixed size are
 * written into one reserved stretch.
 */
export function encodeSource(message: MessageSchema, version: number): string {
  const source = new GeneratedSource(message, version)
  return source.finish(structEncoder(source, message.fields), 'encode')
}

function structEncoder(source: GeneratedSource, fields: FieldMap): string {
  const { plain, tagged, absent } = structAt(fields, source.version)
  const name = source.fresh('struct')
  const body: string[] = []
  for (const { name: key, field } of absent) {
    if (field.ignorable === true) continue
    body.push(`if (!(${isDefaultExpression(source, field, `o.${key}`)})) throw lacking('${key}')`)
  }
  for (let index = 0; index < plain.length; ) {
    const run = fixedRun(plain, index)
    if (run.length > 1) {
      writeRun(source, run, body)
      index += run.length
      continue
    }
    const member = plain[index]!
    writeValue(source, member, given(source, member, body), 'w', body)
    index += 1
  }
  if (source.flexible) writeTagged(source, tagged, body)
  source.addFunction(name, 'w, o', body)
  return name
}

/** Declares a local with the field's value, the default where the key was left out. */
function given(source: GeneratedSource, { name, field }: VersionedField, body: string[]): string {
  const local = source.fresh('v')
  const value = isOptional(field)
    ? `o.${name} === undefined ? ${defaultExpression(field)} : o.${name}`
    : `o.${name}`
  body.push(`const ${local} = ${value}`)
  return local
}

function fixedRun(members: readonly VersionedField[], from: number): VersionedField[] {
  let to = from
  while (to < members.length && fixedSize(members[to]!.field) !== undefined) to += 1
  return members.slice(from, to)
}

function writeRun(source: GeneratedSource, run: readonly VersionedField[], body: string[]): void {
  const checks: string[] = []
  const writes: string[] = []
  const at = source.fresh('at')
  const view = source.fresh('view')
  let offset = 0
  for (const member of run) {
    const local = given(source, member, checks)
    writes.push(writeFixedAt(member, local, offset === 0 ? at : `${at} + ${offset}`, view, 'w'))
    offset += fixedSize(member.field) ?? 0
  }
  body.push(...checks, `const ${at} = w.reserve(${offset}), ${view} = w.view`, ...writes)
}

function writeFixedAt(
  { name, field }: VersionedField,
  value: string,
  at: string,
  view: string,
  writer: string,
): string {
  const checked = checkExpression(field, value, name)
  switch (field.kind) {
    case 'int8':
      return `${view}.setInt8(${at}, ${checked})`
    case 'bool':
      return `${view}.setInt8(${at}, ${checked} ? 1 : 0)`
    case 'int16':
      return `${view}.setInt16(${at}, ${checked})`
    case 'uint16':
      return `${view}.setUint16(${at}, ${checked})`
    case 'int32':
      return `${view}.setInt32(${at}, ${checked})`
    case 'uint32':
      return `${view}.setUint32(${at}, ${checked})`
    case 'int64':
      return `${writer}.int64At(${at}, ${checked})`
    case 'int64Exact':
      return `${view}.setBigInt64(${at}, ${checked})`
    case 'float64':
      return `${view}.setFloat64(${at}, ${checked})`
    case 'uuid':
      return `${writer}.uuidAt(${at}, ${checked})`
    default:
      throw new TypeError(`${field.kind} has no fixed size`)
  }
}

function checkExpression({ kind }: FieldSchema, value: string, name: string): string {
  return `check${kind.charAt(0).toUpperCase()}${kind.slice(1)}(${value}, '${name}')`
}

function writeValue(
  source: GeneratedSource,
  member: VersionedField,
  value: string,
  writer: string,
  body: string[],
): void {
  const { name, field, nullable } = member
  const compact = source.isCompact(field)
  const checked = checkExpression(field, value, name)
  switch (field.kind) {
    case 'string':
    case 'bytes':
    case 'records': {
      const type = field.kind.charAt(0).toUpperCase() + field.kind.slice(1)
      const method = compact ? `compact${type}` : field.kind
      body.push(`${writer}.${method}(${nullable ? `${value} === null ? null : ${checked}` : checked})`)
      break
    }
    case 'array': {
      const lines: string[] = []
      writeArray(source, member, value, writer, lines)
      if (!nullable) body.push(...lines)
      else
        body.push(
          `if (${value} === null) ${writer}.${compact ? 'uvarint(0)' : 'int32(-1)'}`,
          'else {',
          ...lines,
          '}',
        )
      break
    }
    case 'struct': {
      const call = `${structEncoder(source, field.fields ?? {})}(${writer}, ${checked})`
      if (nullable) {
        const mark = field.tag === undefined ? 'int8(-1)' : 'uvarint(0)'
        body.push(`if (${value} === null) ${writer}.${mark}`, `else { ${writer}.int8(1); ${call} }`)
      } else {
        body.push(call)
      }
      break
    }
    default:
      body.push(`${writer}.${field.kind}(${checked})`)
  }
}

function writeArray(
  source: GeneratedSource,
  { name, field }: VersionedField,
  value: string,
  writer: string,
  body: string[],
): void {
  const element = field.element!
  const size = fixedSize(element)
  const length = source.fresh('n')
  body.push(`const ${length} = ${checkExpression(field, value, name)}.length`)
  body.push(source.isCompact(field) ? `${writer}.uvarint(${length} + 1)` : `${writer}.int32(${length})`)
  const lines: string[] = []
  const member = { name, field: element, nullable: false }
  if (size !== undefined) {
    const at = source.fresh('at')
    const view = source.fresh('view')
    const write = writeFixedAt(member, `${value}[i]`, at, view, writer)
    body.push(`let ${at} = ${writer}.reserve(${length} * ${size})`, `const ${view} = ${writer}.view`)
    lines.push(write, `${at} += ${size}`)
  } else {
    const item = source.fresh('v')
    lines.push(`const ${item} = ${value}[i]`)
    writeValue(source, member, item, writer, lines)
  }
  body.push(`for (let i = 0; i < ${length}; i++) {`, ...lines, '}')
}

/** Tagged fields are sent only when they differ from their default (KIP-482). */
function writeTagged(source: GeneratedSource, tagged: readonly VersionedField[], body: string[]): void {
  if (tagged.length === 0) {
    body.push('w.uvarint(0)')
    return
  }
  const flags: string[] = []
  const writes: string[] = []
  for (const member of tagged) {
    const flag = source.fresh('set')
    const writer = source.fresh('w')
    flags.push(flag)
    body.push(`const ${flag} = !(${isDefaultExpression(source, member.field, `o.${member.name}`)})`)
    writes.push(`if (${flag}) {`, `const ${writer} = w.openTagged()`)
    writeValue(source, member, `o.${member.name}`, writer, writes)
    writes.push(`w.closeTagged(${member.field.tag})`, '}')
  }
  body.push(`w.uvarint(${flags.map((flag) => `(${flag} ? 1 : 0)`).join(' + ')})`, ...writes)
}

/** An expression for "absent, or what an absent field stands for". */
function isDefaultExpression(source: GeneratedSource, field: FieldSchema, value: string): string {
  const absent = isOptional(field) ? `${value} === undefined || ` : ''
  return `${absent}${isDefaultGiven(source, field, value)}`
}

function isDefaultGiven(source: GeneratedSource, field: FieldSchema, value: string): string {
  if (field.default === null) return `${value} === null`
  switch (field.kind) {
    case 'array':
    case 'bytes':
      return `isEmpty(${value})`
    case 'struct': {
      const name = source.fresh('isDefault')
      const parts = Object.entries(field.fields ?? {}).map(
        ([key, inner]) => `(${isDefaultExpression(source, inner, `o.${key}`)})`,
      )
      source.addFunction(name, 'o', [`return ${parts.length === 0 ? 'true' : parts.join(' && ')}`])
      return `(isObject(${value}) && ${name}(${value}))`
    }
    default:
      return `${value} === ${defaultExpression(field)}`
  }
}
