import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { brokerKey, brokerKeys } from './broker-keys.ts'
import { clientMetricsKeys } from './client-metrics-keys.ts'
import { deviations } from './deviations.ts'
import { groupKeys } from './group-keys.ts'
import { formatDefault, type KeyTable, REQUIRED, readValue, refusalOf } from './table.ts'
import { topicKeys } from './topic-keys.ts'
import { formatValue } from './values.ts'

const fixture = (name: string) => readFileSync(new URL(`./fixtures/${name}`, import.meta.url), 'utf8')

/** The rows of one section of Kafka's own list: name, type, default, valid values. */
function rowsOfKafka(section: string): string[][] {
  const text = fixture('configs.md')
    .split('\n## ')
    .find((part) => part.startsWith(section))!
  return text
    .split('\n')
    .filter((line) => line.startsWith('| ') && !line.startsWith('| key '))
    .map((line) =>
      line
        .slice(2, -1)
        .split(' | ')
        .map((cell) => cell.trim()),
    )
}

function rowsOfOurs(table: KeyTable): string[][] {
  return Object.keys(table)
    .filter((name) => !name.startsWith('sluice.'))
    .sort()
    .map((name) => [name, table[name]!.type, shownDefault(name, table), table[name]!.check?.text ?? ''])
}

/** As the list writes it: lists in brackets, classes by their last name. */
function shownDefault(name: string, table: KeyTable): string {
  const key = table[name]!
  if (key.default === REQUIRED) return '(required)'
  if (key.default === null) return 'null'
  if (key.default === '') return '""'
  const last = (text: string) => text.slice(text.lastIndexOf('.') + 1)
  if (key.type === 'list')
    return `[${(key.default as readonly string[]).map((item) => (item.startsWith('org.') ? last(item) : item)).join(', ')}]`
  if (key.type === 'class') return `class ${last(String(key.default))}`
  const text = formatDefault(key)!
  return text.startsWith('org.') ? last(text) : text
}

test.each([
  ['Broker', brokerKeys],
  ['Topic', topicKeys],
  ['Group', groupKeys],
] as const)("%s keys are Kafka's, with its types, defaults and valid values", (section, table) => {
  const kafka = rowsOfKafka(section).map((row) => [row[0], row[1], row[2], row[3] ?? ''])
  expect(kafka.length).toBeGreaterThan(15)
  expect(rowsOfOurs(table)).toEqual(kafka.sort((a, b) => (a[0]! < b[0]! ? -1 : 1)))
})

describe('every value that Kafka takes or refuses is taken or refused in the same words', () => {
  const tables: Record<string, KeyTable> = {
    broker: brokerKeys,
    topic: topicKeys,
    group: groupKeys,
    'client-metrics': clientMetricsKeys,
  }
  const groups = JSON.parse(fixture('kafka-answers.json')) as {
    keys: string[]
    answers: Record<string, string>
  }[]
  test.each(groups.map(({ keys, answers }) => [keys[0]!, keys, answers] as const))(
    '%s',
    (_, keys, answers) => {
      for (const scoped of keys) {
        const [scope, name] = scoped.split(' ') as [string, string]
        const key = tables[scope]![name]!
        const ours: Record<string, string> = {}
        for (const text of Object.keys(answers)) {
          const refusal = refusalOf(name, key, text)
          ours[text] =
            refusal === undefined
              ? `=${formatValue(key.type, readValue(name, key, text))}`
              : `!${refusal.replaceAll(name, '{key}')}`
        }
        expect(ours, scoped).toEqual(expectedOf(answers))
      }
    },
  )

  /** A long beyond 2^53 is the nearest number here. */
  function expectedOf(answers: Record<string, string>): Record<string, string> {
    return Object.fromEntries(
      Object.entries(answers).map(([text, answer]) => [
        text,
        answer === '=9007199254740993' && isNumeric(answers) ? '=9007199254740992' : answer,
      ]),
    )
  }
  const isNumeric = (answers: Record<string, string>) => answers['010'] === '=10'
})

test('every row says in one line what the key is for', () => {
  for (const table of [brokerKeys, topicKeys, groupKeys, clientMetricsKeys] as KeyTable[]) {
    for (const [name, key] of Object.entries(table)) expect(key.doc, name).toMatch(/^[A-Z`].*\.$/)
  }
})

test('a key without a default in Kafka has one here, and a deviation is from a key that exists', () => {
  for (const [name, key] of Object.entries(brokerKeys) as [string, (typeof brokerKeys)['node.id']][])
    if ((key.default as unknown) === REQUIRED) expect(deviations, name).toHaveProperty([name])
  for (const name of Object.keys(deviations)) expect(brokerKey(name), name).toBeDefined()
})
