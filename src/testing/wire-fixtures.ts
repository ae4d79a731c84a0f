/**
 * What the tests of the wire compare with: facts of Apache Kafka under src/wire/fixtures. What Kafka 4.3.1 declares
 * and writes, and the versions that 3.9.1 still had, declared in its way and written by its code.
 */

import { readdirSync, readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { apis } from '../wire/apis.ts'
import type { Message, MessageSchema } from '../wire/schema.ts'
import { parseVersions } from '../wire/versions.ts'

const fixtures = new URL('../wire/fixtures/', import.meta.url)
const logSchemas = new URL('../wire/log-schemas/', import.meta.url)

/** A field as Kafka's message definitions declare it. */
export interface DeclaredField {
  readonly name: string
  readonly type: string
  readonly versions?: string
  readonly nullableVersions?: string
  readonly tag?: number
  readonly taggedVersions?: string
  readonly default?: string | number | boolean | null
  readonly ignorable?: boolean
  readonly flexibleVersions?: string
  readonly fields?: readonly DeclaredField[]
}

export interface DeclaredMessage {
  readonly name: string
  readonly apiKey?: number
  readonly validVersions: string
  readonly flexibleVersions: string
  readonly latestVersionUnstable?: boolean
  readonly fields: readonly DeclaredField[]
  readonly commonStructs?: readonly { readonly name: string; readonly fields: readonly DeclaredField[] }[]
}

export interface DeclaredApi {
  readonly apiKey: number
  readonly name: string
  readonly request: DeclaredMessage
  readonly response: DeclaredMessage
}

/** `4.3` has every version of today, `3.9` those that Kafka 4 dropped. */
export function goldenVectorText(release: '4.3' | '3.9'): string {
  return gunzipSync(readFileSync(new URL(`kafka-${release}-vectors.jsonl.gz`, fixtures))).toString('utf8')
}

/** Every API from the first version of Kafka 3.9 to the last of 4.3. */
export function declaredApis(): DeclaredApi[] {
  const dropped = new Map(
    readJsonFiles<DeclaredApi>(new URL('legacy-apis/', fixtures)).map((api) => [api.apiKey, api]),
  )
  return readJsonFiles<DeclaredApi>(new URL('apis/', fixtures)).map((api) => {
    const old = dropped.get(api.apiKey)
    if (old === undefined) return api
    return {
      ...api,
      request: withDropped(api.request, old.request),
      response: withDropped(api.response, old.response),
    }
  })
}

function withDropped(current: DeclaredMessage, old: DeclaredMessage): DeclaredMessage {
  const [first] = old.validVersions.split('-')
  return {
    ...current,
    validVersions: `${first}-${current.validVersions.split('-').at(-1)}`,
    fields: withDroppedFields(current.fields, old.fields),
  }
}

/** The fields of today, with those that only old versions have where the old declaration has them. */
function withDroppedFields(
  current: readonly DeclaredField[],
  old: readonly DeclaredField[],
): readonly DeclaredField[] {
  const merged = current.map((field) => {
    const before = old.find(({ name }) => name === field.name)
    if (field.fields === undefined || before?.fields === undefined) return field
    return { ...field, fields: withDroppedFields(field.fields, before.fields) }
  })
  old.forEach((field, index) => {
    if (merged.some(({ name }) => name === field.name)) return
    const previous = old[index - 1]?.name
    merged.splice(merged.findIndex(({ name }) => name === previous) + 1, 0, field)
  })
  return merged
}

export function declaredRecords(): DeclaredMessage[] {
  return readJsonFiles(new URL('records/', fixtures))
}

/** Rows of Kafka's table of errors. */
export function documentedErrors(): { code: number; name: string; retriable: boolean }[] {
  return readFileSync(new URL('errors.md', fixtures), 'utf8')
    .split('\n')
    .map((line) => /^\| (-?\d+) \| (\w+) \| (yes)? *\|$/.exec(line))
    .filter((match) => match !== null)
    .map((match) => ({ code: Number(match[1]), name: match[2] ?? '', retriable: match[3] === 'yes' }))
}

/** Every message that is declared: requests, answers and log records. */
export async function allMessages(): Promise<Message<unknown, unknown>[]> {
  const messages = apis.flatMap((api) => [api.request, api.response])
  for (const file of readdirSync(logSchemas).sort()) {
    const module: Record<string, unknown> = await import(new URL(file, logSchemas).href)
    // A log schema's file exports its message and nothing else at run time.
    messages.push(...(Object.values(module) as Message<unknown, unknown>[]))
  }
  return messages
}

/** Every version that can be encoded and decoded. */
export function versionsOf(message: MessageSchema): number[] {
  const { min, max } = parseVersions(message.versions)
  return Array.from({ length: max - min + 1 }, (_, index) => min + index)
}

function readJsonFiles<T>(folder: URL): T[] {
  return readdirSync(folder)
    .sort()
    .map((file) => JSON.parse(readFileSync(new URL(file, folder), 'utf8')))
}
