import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { checkMessage, type GoldenVector, goldenCodecs } from '../testing/golden-vectors.ts'
import { decodeEndTxnMarkerValue, encodeEndTxnMarkerValue } from './control-records.ts'
import type { MessageSchema } from './schema.ts'

// Headers and records that Kafka's own classes wrote; compat-tests/java/fixtures makes them.
interface MessageVector extends Pick<GoldenVector, 'version' | 'json' | 'hex'> {
  readonly name: string
  readonly type: 'header' | 'data' | 'coordinator-key' | 'coordinator-value'
  readonly storedHex?: string
}

const vectors: MessageVector[] = readFileSync(
  new URL('./fixtures/java/messages.jsonl', import.meta.url),
  'utf8',
)
  .trimEnd()
  .split('\n')
  .map((line) => JSON.parse(line))
const names = [...new Set(vectors.map((vector) => vector.name))]
const codecs = goldenCodecs()

async function schemaOf(name: string, type: MessageVector['type']): Promise<MessageSchema> {
  const kebab = name.replace(/([a-z])([A-Z])/g, '$1-$2').toLowerCase()
  const folder = type === 'header' ? 'schemas' : 'log-schemas'
  const module: Record<string, MessageSchema> = await import(`./${folder}/${kebab}.ts`)
  const exported = module[name.charAt(0).toLowerCase() + name.slice(1)]
  if (exported === undefined) throw new Error(`${kebab}.ts does not export the schema of ${name}`)
  return exported
}

test.each(names)('%s is read and written as Kafka does, in every version that Kafka has', check)

async function check(name: string): Promise<void> {
  const own = vectors.filter((vector) => vector.name === name)
  const schema = await schemaOf(name, own[0]!.type)
  expect(own.flatMap((vector) => checkMessage(schema, vector, codecs))).toEqual([])
  const versions = own.map(({ version }) => version)
  const [lowest, highest] = [Math.min(...versions), Math.max(...versions)]
  expect(schema.versions).toBe(lowest === highest ? `${lowest}` : `${lowest}-${highest}`)
  if (own[0]!.type !== 'coordinator-key') return
  const types = own.map((vector) => Buffer.from(vector.storedHex!, 'hex').readInt16BE())
  expect(new Set(types)).toEqual(new Set([schema.key]))
}

test('what is stored is the message behind the number of its type or its version', () => {
  for (const { type, version, hex, storedHex } of vectors) {
    if (type === 'header') continue
    expect(storedHex?.slice(4)).toBe(hex)
    if (type !== 'coordinator-key') expect(storedHex?.slice(0, 4)).toBe(version.toString(16).padStart(4, '0'))
  }
})

test('the value of a transaction marker is what the schema of it says', () => {
  for (const vector of vectors.filter(({ name }) => name === 'EndTxnMarker')) {
    const { coordinatorEpoch } = vector.json as { coordinatorEpoch: number }
    expect(encodeEndTxnMarkerValue(coordinatorEpoch).toString('hex')).toBe(vector.storedHex)
    expect(decodeEndTxnMarkerValue(Buffer.from(vector.storedHex!, 'hex'))).toBe(coordinatorEpoch)
  }
})
