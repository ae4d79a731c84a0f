import type { FieldMap, FieldSchema, MessageSchema } from './schema.ts'
import { includesVersion } from './versions.ts'

/** A field as one version has it. */
export interface VersionedField {
  readonly name: string
  readonly field: FieldSchema
  readonly nullable: boolean
}

/** The fields of a struct sorted by where one version has them. */
export interface VersionedStruct {
  /** In wire order. */
  readonly plain: readonly VersionedField[]
  /** By ascending tag. */
  readonly tagged: readonly VersionedField[]
  readonly absent: readonly VersionedField[]
}

export function structAt(fields: FieldMap, version: number): VersionedStruct {
  const plain: VersionedField[] = []
  const tagged: VersionedField[] = []
  const absent: VersionedField[] = []
  for (const [name, field] of Object.entries(fields)) {
    const place = !includesVersion(field.versions ?? '0+', version)
      ? absent
      : field.tag === undefined
        ? plain
        : tagged
    place.push({ name, field, nullable: includesVersion(field.nullable, version) })
  }
  tagged.sort((a, b) => (a.field.tag ?? 0) - (b.field.tag ?? 0))
  return { plain, tagged, absent }
}

/** Source text in the making: numbered names for functions and locals, and the finished functions. */
export class GeneratedSource {
  readonly message: MessageSchema
  readonly version: number
  readonly flexible: boolean
  readonly #functions: string[] = []
  #names = 0

  constructor(message: MessageSchema, version: number) {
    this.message = message
    this.version = version
    this.flexible = includesVersion(message.flexible, version)
  }

  /** A name that no other part of the source has. */
  fresh(prefix: string): string {
    this.#names += 1
    return `${prefix}${this.#names}`
  }

  addFunction(name: string, parameters: string, body: readonly string[]): void {
    this.#functions.push(`function ${name}(${parameters}) {\n${body.join('\n')}\n}`)
  }

  /** The whole text: a body for `Function` that returns the function `entry`. */
  finish(entry: string, direction: string): string {
    const url = `sluice-codec/${this.message.name}.v${this.version}.${direction}.js`
    return `'use strict'\n${this.#functions.join('\n')}\nreturn ${entry}\n//# sourceURL=${url}`
  }

  isCompact(field: FieldSchema): boolean {
    return this.flexible && field.flexible !== 'none'
  }
}

/** The default of a field as an expression that makes a fresh value. */
export function defaultExpression(field: FieldSchema): string {
  const { default: given } = field
  if (given !== undefined) return typeof given === 'bigint' ? `${given}n` : JSON.stringify(given)
  switch (field.kind) {
    case 'array':
      return '[]'
    case 'struct': {
      const members = Object.entries(field.fields ?? {}).map(
        ([name, inner]) => `${name}: ${defaultExpression(inner)}`,
      )
      return `{ ${members.join(', ')} }`
    }
    case 'string':
      return "''"
    case 'uuid':
      return 'ZERO_UUID'
    case 'bool':
      return 'false'
    case 'int64Exact':
      return '0n'
    case 'bytes':
      return 'EMPTY'
    case 'records':
      return 'null'
    default:
      return '0'
  }
}
