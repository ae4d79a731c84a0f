/** What was measured of each figure, and when; gathered in one run or in several. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import type { BrokerKind } from './processes.ts'

/** The values of all rounds. */
export interface Measured {
  /** Day, as 2026-01-31. */
  readonly date: string
  readonly sluice: readonly number[]
  readonly kafka: readonly number[]
}

/** By the whole name of the figure. */
export type Results = Readonly<Record<string, Measured>>

/** Collects the rounds of one run. */
export class Rounds {
  readonly #date: string
  readonly #values = new Map<string, Record<BrokerKind, number[]>>()

  constructor(date: string) {
    this.#date = date
  }

  add(kind: BrokerKind, figure: string, value: number): void {
    const values = this.#values.get(figure) ?? { sluice: [], kafka: [] }
    values[kind].push(value)
    this.#values.set(figure, values)
  }

  /** The figures that both brokers have. */
  results(): Results {
    const both = [...this.#values].filter(([, { sluice, kafka }]) => sluice.length > 0 && kafka.length > 0)
    return Object.fromEntries(both.map(([name, values]) => [name, { date: this.#date, ...values }]))
  }
}

/** `newer` in the place of what `older` has of the same figures; figures that are not `known` any more are left out. */
export function merged(older: Results, newer: Results, known: readonly string[]): Results {
  const both = { ...older, ...newer }
  return Object.fromEntries(known.flatMap((name) => (both[name] === undefined ? [] : [[name, both[name]]])))
}

/** Nothing when there is no such file. */
export function readResults(path: string): Results {
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Results) : {}
}

export function writeResults(path: string, results: Results): void {
  const rounded = (values: readonly number[]) => values.map((value) => Number(value.toPrecision(4)))
  const lines = Object.entries(results).map(
    ([name, { date, sluice, kafka }]) =>
      `  ${JSON.stringify(name)}: ${JSON.stringify({ date, sluice: rounded(sluice), kafka: rounded(kafka) })}`,
  )
  writeFileSync(path, `{\n${lines.join(',\n')}\n}\n`)
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}
