import { expect, test } from 'vitest'
import { checkGoldenVector, goldenCodecs, parseGoldenVectors } from '../testing/golden-vectors.ts'
import { allMessages, goldenVectorText, versionsOf } from '../testing/wire-fixtures.ts'
import { apis } from './apis.ts'

const vectors = parseGoldenVectors(goldenVectorText('4.3'))
const droppedVectors = parseGoldenVectors(goldenVectorText('3.9'))
const codecs = goldenCodecs()

test("every message that Kafka's own code wrote decodes to its JSON and encodes back to its bytes", () => {
  expect(vectors).toHaveLength(1668)
  expect(vectors.flatMap((vector) => checkGoldenVector(vector, codecs))).toEqual([])
})

test('the versions that Kafka 4 dropped decode and encode as those that it kept', () => {
  expect(droppedVectors).toHaveLength(162)
  expect(droppedVectors.flatMap((vector) => checkGoldenVector(vector, codecs))).toEqual([])
})

test('every version of every API has golden vectors', () => {
  const covered = new Set(
    [...vectors, ...droppedVectors].map(({ key, kind, version }) => `${key} ${kind} ${version}`),
  )
  const declared = apis.flatMap((api) => [
    ...versionsOf(api.request).map((version) => `${api.key} request ${version}`),
    ...versionsOf(api.response).map((version) => `${api.key} response ${version}`),
  ])
  expect(declared.filter((version) => !covered.has(version))).toEqual([])
})

test('a vector with a wrong byte, a wrong value or a strange field is a fault', () => {
  const heartbeat = { api: 'Heartbeat', key: 12, kind: 'response', version: 0 } as const
  const faults = (json: unknown, hex: string) => checkGoldenVector({ ...heartbeat, json, hex }, codecs).length
  expect(faults({ errorCode: 1 }, '0001')).toBe(0)
  expect(faults({ errorCode: 2 }, '0001')).toBeGreaterThan(0)
  expect(faults({ errorCode: 1 }, '000100')).toBeGreaterThan(0)
  expect(faults({ errorCode: 1 }, '00')).toBeGreaterThan(0)
  expect(faults({ errorCode: 1, throttleTimeMs: 0 }, '0001')).toBeGreaterThan(0)
  expect(faults({}, '0001')).toBeGreaterThan(0)
})

test('no two messages share a name', async () => {
  const names = (await allMessages()).map(({ name }) => name)
  expect(new Set(names).size).toBe(names.length)
})
