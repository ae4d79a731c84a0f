/**
 * Golden vectors: messages as JSON beside the bytes that Kafka's own code wrote for them, one JSON object a line.
 * 64-bit integers are decimal strings, bytes are base64, uuids are in Kafka's text form, fields that the version
 * lacks and tagged fields with their default are left out.
 */

import { isDeepStrictEqual } from 'node:util'
import { apiByKey } from '../wire/apis.ts'
import { compileDecoder, compileEncoder } from '../wire/compile.ts'
import { defaultValue, propertyOf } from '../wire/defaults.ts'
import { withExactIntegers } from '../wire/exact-integers.ts'
import { interpretDecode, interpretEncode } from '../wire/interpret.ts'
import { Reader } from '../wire/reader.ts'
import type { FieldMap, FieldSchema, MessageSchema } from '../wire/schema.ts'
import { includesVersion } from '../wire/versions.ts'
import { Writer } from '../wire/writer.ts'

export interface GoldenVector {
  readonly api: string
  readonly key: number
  readonly kind: 'request' | 'response'
  readonly version: number
  readonly json: unknown
  readonly hex: string
}

export function parseGoldenVectors(text: string): GoldenVector[] {
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => JSON.parse(line))
}

interface Codec {
  readonly name: string
  readonly decode: (message: MessageSchema, version: number, reader: Reader) => unknown
  readonly encode: (message: MessageSchema, version: number, value: unknown, writer: Writer) => void
}

/** Both ways to run a schema; the generated functions are kept, vectors come several to a version. */
export function goldenCodecs(): readonly Codec[] {
  const decoders = new Map<string, ReturnType<typeof compileDecoder>>()
  const encoders = new Map<string, ReturnType<typeof compileEncoder>>()
  return [
    {
      name: 'generated',
      decode: (message, version, reader) =>
        remembered(decoders, `${message.name} ${version}`, () => compileDecoder(message, version))(reader),
      encode: (message, version, value, writer) =>
        remembered(encoders, `${message.name} ${version}`, () => compileEncoder(message, version))(
          writer,
          value,
        ),
    },
    { name: 'interpreted', decode: interpretDecode, encode: interpretEncode },
  ]
}

function remembered<T>(map: Map<string, T>, key: string, make: () => T): T {
  const known = map.get(key) ?? make()
  map.set(key, known)
  return known
}

/** What is wrong with a vector, by every codec; empty when it decodes to its JSON and encodes to its bytes. */
export function checkGoldenVector(vector: GoldenVector, codecs: readonly Codec[]): string[] {
  const api = apiByKey(vector.key)
  if (api === undefined || api.name !== vector.api) return [`no API ${vector.key} ${vector.api}`]
  return checkMessage(api[vector.kind], vector, codecs)
}

/** The same for any message, whether an API's or not. */
export function checkMessage(
  declared: MessageSchema,
  vector: Pick<GoldenVector, 'version' | 'json' | 'hex'>,
  codecs: readonly Codec[],
): string[] {
  const { version } = vector
  if (!includesVersion(declared.versions, version)) return [`${declared.name} has no version ${version}`]
  const message = withExactIntegers(declared)
  const bytes = Buffer.from(vector.hex, 'hex')
  let expected: unknown
  try {
    expected = structFromJson(message.fields, version, vector.json)
  } catch (error) {
    return [`${declared.name} v${version}: the JSON has ${error instanceof Error ? error.message : error}`]
  }
  const faults: string[] = []
  for (const codec of codecs) {
    const where = `${declared.name} v${version} (${codec.name})`
    try {
      const reader = new Reader(bytes)
      const decoded = codec.decode(message, version, reader)
      if (reader.remaining > 0) faults.push(`${where}: ${reader.remaining} bytes left over`)
      if (!isDeepStrictEqual(decoded, expected)) faults.push(`${where}: decodes to another value`)
      for (const value of [decoded, expected]) {
        const writer = new Writer()
        codec.encode(message, version, value, writer)
        if (!writer.toBuffer().equals(bytes)) faults.push(`${where}: encodes to other bytes`)
      }
    } catch (error) {
      faults.push(`${where}: ${error}`)
    }
  }
  return faults
}

function structFromJson(fields: FieldMap, version: number, json: unknown): Record<string, unknown> {
  if (typeof json !== 'object' || json === null) throw new TypeError('something else where an object belongs')
  for (const key of Object.keys(json)) {
    const field = fields[key]
    if (field === undefined || !includesVersion(field.versions ?? '0+', version)) {
      throw new TypeError(`a field ${key} that version ${version} does not have`)
    }
  }
  return Object.fromEntries(
    Object.entries(fields).map(([name, field]) => {
      const given = propertyOf(json, name)
      if (given !== undefined) return [name, valueFromJson(field, version, given)]
      const mayLack = field.tag !== undefined || !includesVersion(field.versions ?? '0+', version)
      if (!mayLack) throw new TypeError(`no field ${name}`)
      return [name, defaultValue(field)]
    }),
  )
}

function valueFromJson(field: FieldSchema, version: number, json: unknown): unknown {
  if (json === null) return null
  switch (field.kind) {
    case 'array':
      if (!Array.isArray(json) || field.element === undefined) {
        throw new TypeError('something else where an array belongs')
      }
      return json.map((item) => valueFromJson(field.element ?? field, version, item))
    case 'struct':
      return structFromJson(field.fields ?? {}, version, json)
    case 'int64Exact':
      return BigInt(String(json))
    case 'bytes':
    case 'records':
      return Buffer.from(String(json), 'base64')
    default:
      return json
  }
}
