/** The figures of both brokers as ratios, beside what they are to reach: a table, and a picture. */
import type { BrokerKind } from './processes.ts'
import { median } from './start-time.ts'

export interface Row {
  readonly name: string
  readonly sluice: readonly number[]
  readonly kafka: readonly number[]
  readonly target: Target
}

/** What the ratio Sluice / Kafka, or Sluice's own figure, is to be at least or at most. */
export type Target =
  | { readonly kind: 'ratio'; readonly atLeast?: number; readonly atMost?: number }
  | { readonly kind: 'figure'; readonly atMost: number }

/** The targets, by the name of the figure. */
export const TARGETS: Readonly<Record<string, Target>> = {
  'produce 1 KB, MB/s': { kind: 'ratio', atLeast: 1 },
  'produce 100 B, MB/s': { kind: 'ratio', atLeast: 1 },
  'consume old data, MB/s': { kind: 'ratio', atLeast: 1 },
  'produce 1 KB, CPU s/GB': { kind: 'ratio', atMost: 0.7 },
  'produce 100 B, CPU s/GB': { kind: 'ratio', atMost: 0.7 },
  'consume near the end, CPU s/GB': { kind: 'ratio', atMost: 0.6 },
  'consume old data, CPU s/GB': { kind: 'ratio', atMost: 1 },
  'produce p99, ms': { kind: 'ratio', atMost: 0.7 },
  'end-to-end p99, ms': { kind: 'ratio', atMost: 0.7 },
  'start, ms': { kind: 'figure', atMost: 300 },
  'resident when idle, MB': { kind: 'figure', atMost: 100 },
  'resident under load, MB': { kind: 'figure', atMost: 300 },
}

/** Collects rounds of figures into rows, in the order of the targets. */
export class Results {
  readonly #values = new Map<string, Record<BrokerKind, number[]>>()

  add(kind: BrokerKind, figures: Readonly<Record<string, number>>): void {
    for (const [name, value] of Object.entries(figures)) {
      const values = this.#values.get(name) ?? { sluice: [], kafka: [] }
      values[kind].push(value)
      this.#values.set(name, values)
    }
  }

  rows(): Row[] {
    return Object.entries(TARGETS).map(([name, target]) => {
      const values = this.#values.get(name)
      if (values === undefined) throw new Error(`nobody measured: ${name}`)
      return { name, ...values, target }
    })
  }
}

export function ratioOf(row: Row): number {
  return median(row.sluice) / median(row.kafka)
}

export function isReached(row: Row): boolean {
  const { target } = row
  if (target.kind === 'figure') return median(row.sluice) <= target.atMost
  const ratio = ratioOf(row)
  return ratio >= (target.atLeast ?? 0) && ratio <= (target.atMost ?? Number.POSITIVE_INFINITY)
}

/** A table in Markdown, which reads as well in a terminal. */
export function table(rows: readonly Row[]): string {
  const cells = rows.map((row) => [
    row.name,
    shown(median(row.sluice)),
    shown(median(row.kafka)),
    ratioOf(row).toFixed(2),
    targetText(row.target),
    isReached(row) ? 'yes' : 'no',
  ])
  const head = ['', 'Sluice', 'Kafka', 'ratio', 'target', 'reached']
  const widths = head.map((title, column) =>
    Math.max(title.length, ...cells.map((cell) => cell[column]!.length)),
  )
  const line = (cell: readonly string[]) =>
    `| ${cell.map((text, column) => (column === 0 ? text.padEnd(widths[0]!) : text.padStart(widths[column]!))).join(' | ')} |`
  const rule = `|${widths.map((width, column) => (column === 0 ? '-'.repeat(width + 2) : `${'-'.repeat(width + 1)}:`)).join('|')}|`
  return [line(head), rule, ...cells.map(line)].join('\n')
}

function targetText(target: Target): string {
  if (target.kind === 'figure') return `Sluice ≤ ${target.atMost}`
  return target.atLeast === undefined ? `≤ ${target.atMost}` : `≥ ${target.atLeast}`
}

function shown(value: number): string {
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2)
}

const ROW_PX = 28
const BAR_LEFT_PX = 250
const BAR_PX = 360
const MAX_RATIO = 2

/** A bar for each ratio, with a line where Kafka is and a mark where the target is. */
export function picture(rows: readonly Row[]): string {
  const height = ROW_PX * (rows.length + 2)
  const x = (ratio: number) => BAR_LEFT_PX + (Math.min(ratio, MAX_RATIO) / MAX_RATIO) * BAR_PX
  const bars = rows.map((row, index) => {
    const top = ROW_PX * (index + 1)
    const ratio = ratioOf(row)
    const goal = row.target.kind === 'ratio' ? (row.target.atLeast ?? row.target.atMost) : undefined
    return [
      `<text x="${BAR_LEFT_PX - 10}" y="${top + 17}" text-anchor="end">${row.name}</text>`,
      `<rect x="${BAR_LEFT_PX}" y="${top + 4}" width="${(x(ratio) - BAR_LEFT_PX).toFixed(1)}" height="18" fill="${isReached(row) ? '#2a7f62' : '#c0562f'}"/>`,
      `<text x="${x(ratio) + 6}" y="${top + 17}">${ratio.toFixed(2)}</text>`,
      goal === undefined
        ? ''
        : `<line x1="${x(goal)}" x2="${x(goal)}" y1="${top + 1}" y2="${top + 25}" stroke="#222" stroke-width="2"/>`,
    ].join('')
  })
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${BAR_LEFT_PX + BAR_PX + 70}" height="${height}" font-family="sans-serif" font-size="13" role="img">`,
    '<title>What Sluice needs or gives as a share of what Kafka does</title>',
    '<rect width="100%" height="100%" fill="white"/>',
    `<text x="${x(1)}" y="17" text-anchor="middle">Kafka = 1</text>`,
    `<line x1="${x(1)}" x2="${x(1)}" y1="22" y2="${height - ROW_PX}" stroke="#999" stroke-dasharray="4 3"/>`,
    ...bars,
    `<text x="${BAR_LEFT_PX}" y="${height - 9}" fill="#555">Sluice / Kafka; black marks are targets, bars end at ${MAX_RATIO}</text>`,
    '</svg>',
    '',
  ].join('\n')
}
