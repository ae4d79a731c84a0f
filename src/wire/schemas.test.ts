import { expect, test } from 'vitest'
import {
  allMessages,
  type DeclaredField,
  type DeclaredMessage,
  declaredApis,
  declaredRecords,
} from '../testing/wire-fixtures.ts'
import { apiByKey, apis } from './apis.ts'
import { type FieldMap, type FieldSchema, MAX_INT64, type MessageSchema } from './schema.ts'
import { requestHeader } from './schemas/request-header.ts'
import { responseHeader } from './schemas/response-header.ts'

/** Fields whose every bit counts, since clients read them back or they are hashes; Kafka's int64 is a bigint here. */
const exactFields = [
  'OffsetCommitRequest.committedOffset',
  'OffsetFetchResponse.committedOffset',
  'TxnOffsetCommitRequest.committedOffset',
  'OffsetCommitValue.offset',
  'LegacyOffsetCommitValue.offset',
  'ConsumerGroupMetadataValue.metadataHash',
  'ShareGroupMetadataValue.metadataHash',
]

/** A field in one notation for both sides: ours, and Kafka's with what it leaves unsaid filled in. */
interface Facts {
  readonly name: string
  readonly type: string
  readonly versions: string
  readonly nullable: string | undefined
  readonly tag: number | undefined
  readonly default: string | undefined
  readonly ignorable: boolean
  readonly flexible: string | undefined
  readonly fields: readonly Facts[] | undefined
}

function ourFacts(fields: FieldMap): Facts[] {
  return Object.entries(fields).map(([name, field]) => {
    const inner = field.element?.fields ?? field.fields
    return {
      name,
      type: ourType(field),
      versions: field.versions ?? '0+',
      nullable: field.nullable,
      tag: field.tag,
      default: field.default === undefined ? undefined : String(field.default),
      ignorable: field.ignorable === true,
      flexible: field.flexible,
      fields: inner === undefined ? undefined : ourFacts(inner),
    }
  })
}

function ourType(field: FieldSchema): string {
  return field.kind === 'array' ? `[]${field.element?.kind}` : field.kind
}

function kafkasFacts(message: DeclaredMessage, fields: readonly DeclaredField[]): Facts[] {
  return fields.map((field) => {
    const name = field.name.charAt(0).toLowerCase() + field.name.slice(1)
    const base = field.type.replace('[]', '')
    const shared = message.commonStructs?.find((struct) => struct.name === base)?.fields
    const inner = field.fields ?? shared
    const scalar = exactFields.includes(`${message.name}.${name}`) ? 'int64Exact' : base
    return {
      name,
      type: `${field.type.startsWith('[]') ? '[]' : ''}${inner === undefined ? scalar : 'struct'}`,
      versions: field.versions ?? field.taggedVersions ?? 'none',
      nullable: field.nullableVersions,
      tag: field.tag,
      default: kafkasDefault(field),
      ignorable: field.ignorable === true,
      flexible: field.flexibleVersions,
      fields: inner === undefined ? undefined : kafkasFacts(message, inner),
    }
  })
}

function kafkasDefault(field: DeclaredField): string | undefined {
  const { default: given } = field
  // Kafka's generator knows a default of null by the text 'null' alone: JSON's null is no default to it.
  if (given === undefined || given === null) return undefined
  if (field.type === 'bool') return String(given).toLowerCase()
  if (given === '9223372036854775807') return String(MAX_INT64)
  return /^0x/.test(String(given)) ? String(Number(given)) : String(given)
}

function expectSame(ours: MessageSchema, kafkas: DeclaredMessage): void {
  expect(ours.name).toBe(kafkas.name)
  expect(ours.key).toBe(kafkas.apiKey)
  expect(ours.versions).toBe(kafkas.validVersions)
  expect(ours.flexible ?? 'none').toBe(kafkas.flexibleVersions)
  expect(ours.latestVersionUnstable === true).toBe(kafkas.latestVersionUnstable === true)
  expect(ourFacts(ours.fields), ours.name).toEqual(kafkasFacts(kafkas, kafkas.fields))
}

test("every API is declared field by field as Kafka's message definitions have it", () => {
  const declared = declaredApis()
  expect(declared).toHaveLength(77)
  expect(apis.map(({ key, name }) => [key, name])).toEqual(declared.map(({ apiKey, name }) => [apiKey, name]))
  for (const api of declared) {
    const ours = apiByKey(api.apiKey)
    expect(ours).toBeDefined()
    if (ours === undefined) continue
    expectSame(ours.request, api.request)
    expectSame(ours.response, api.response)
  }
})

test("every log record and header is declared field by field as Kafka's message definitions have it", async () => {
  const ours = new Map<string, MessageSchema>(
    [...(await allMessages()), requestHeader, responseHeader].map((message) => [message.name, message]),
  )
  const declared = declaredRecords()
  expect(declared).toHaveLength(63)
  for (const message of declared) {
    const found = ours.get(message.name)
    expect(found, message.name).toBeDefined()
    if (found !== undefined) expectSame(found, message)
  }
})

test('a tagged field is tagged in all versions that have it, and those are flexible', () => {
  const declared = [...declaredApis().flatMap((api) => [api.request, api.response]), ...declaredRecords()]
  const visit = (message: DeclaredMessage, fields: readonly DeclaredField[]): void => {
    for (const field of fields) {
      if (field.fields !== undefined) visit(message, field.fields)
      if (field.tag === undefined) continue
      expect(field.versions ?? field.taggedVersions, `${message.name}.${field.name}`).toBe(
        field.taggedVersions,
      )
      const flexibleFrom = Number.parseInt(message.flexibleVersions, 10)
      expect(Number.parseInt(field.taggedVersions ?? '', 10)).toBeGreaterThanOrEqual(flexibleFrom)
    }
  }
  for (const message of declared) {
    visit(message, message.fields)
    for (const struct of message.commonStructs ?? []) visit(message, struct.fields)
  }
})

test('an unknown API key has no API', () => {
  expect(apiByKey(4)).toBeUndefined()
  expect(apiByKey(-1)).toBeUndefined()
  expect(apiByKey(32767)).toBeUndefined()
})
