/** The figures of both brokers as ratios, beside what they are to reach: a table, and a picture. */
import { type Measured, median, type Results } from './results.ts'
import type { Target } from './workload.ts'

export interface Row extends Measured {
  readonly name: string
  readonly target: Target
}

/** The figures that were measured, in the order of `targets`. */
export function rowsOf(results: Results, targets: ReadonlyMap<string, Target>): Row[] {
  return [...targets].flatMap(([name, target]) => {
    const measured = results[name]
    return measured === undefined ? [] : [{ name, target, ...measured }]
  })
}

export function ratioOf(row: Row): number {
  return median(row.sluice) / median(row.kafka)
}

/** Undefined for a figure without a target, which is there for a look. */
export function isReached({ target, ...row }: Row): boolean | undefined {
  if (Object.keys(target).length === 0) return undefined
  const { atLeast = 0, atMost = Number.POSITIVE_INFINITY, sluiceAtMost = Number.POSITIVE_INFINITY } = target
  const ratio = ratioOf({ target, ...row })
  return ratio >= atLeast && ratio <= atMost && median(row.sluice) <= sluiceAtMost
}

/** A table in Markdown, which reads as well in a terminal. */
export function table(rows: readonly Row[]): string {
  const cells = rows.map((row) => [
    row.name,
    shown(median(row.sluice)),
    shown(median(row.kafka)),
    ratioOf(row).toFixed(2),
    targetText(row.target),
    { true: 'reached', false: 'missed', undefined: '' }[`${isReached(row)}`],
    String(row.sluice.length),
    row.date,
  ])
  const head = ['', 'Sluice', 'Kafka', 'ratio', 'target', '', 'rounds', 'measured on']
  const widths = head.map((title, column) =>
    Math.max(title.length, ...cells.map((cell) => cell[column]!.length)),
  )
  const line = (cell: readonly string[]) =>
    `| ${cell.map((text, column) => (column === 0 ? text.padEnd(widths[0]!) : text.padStart(widths[column]!))).join(' | ')} |`
  const rule = `|${widths.map((width, column) => (column === 0 ? '-'.repeat(width + 2) : `${'-'.repeat(width + 1)}:`)).join('|')}|`
  return [line(head), rule, ...cells.map(line)].join('\n')
}

function targetText({ atLeast, atMost, sluiceAtMost }: Target): string {
  const parts = []
  if (atLeast !== undefined) parts.push(`≥ ${atLeast}`)
  if (atMost !== undefined) parts.push(`≤ ${atMost}`)
  if (sluiceAtMost !== undefined) parts.push(`Sluice ≤ ${sluiceAtMost}`)
  return parts.join(', ')
}

/** With three digits or more. */
export function shown(value: number): string {
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2)
}

const ROW_PX = 24
const BAR_LEFT_PX = 430
const BAR_PX = 360
const MAX_RATIO = 2
const REACHED = '#2a7f62'
const MISSED = '#c0562f'
const WITHOUT_TARGET = '#888'

/** A bar for each ratio, with a line where Kafka is and a mark where the target is. */
export function picture(rows: readonly Row[]): string {
  const height = ROW_PX * (rows.length + 2)
  const x = (ratio: number) => BAR_LEFT_PX + (Math.min(ratio, MAX_RATIO) / MAX_RATIO) * BAR_PX
  const bars = rows.map((row, index) => {
    const top = ROW_PX * (index + 1)
    const ratio = ratioOf(row)
    const reached = isReached(row)
    const color = reached === undefined ? WITHOUT_TARGET : reached ? REACHED : MISSED
    const goal = row.target.atLeast ?? row.target.atMost
    return [
      `<text x="${BAR_LEFT_PX - 10}" y="${top + 16}" text-anchor="end">${row.name}</text>`,
      `<rect x="${BAR_LEFT_PX}" y="${top + 4}" width="${(x(ratio) - BAR_LEFT_PX).toFixed(1)}" height="16" fill="${color}"/>`,
      `<text x="${x(ratio) + 6}" y="${top + 16}">${ratio.toFixed(2)}</text>`,
      goal === undefined
        ? ''
        : `<line x1="${x(goal)}" x2="${x(goal)}" y1="${top + 2}" y2="${top + 22}" stroke="#222" stroke-width="2"/>`,
    ].join('')
  })
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${BAR_LEFT_PX + BAR_PX + 70}" height="${height}" font-family="sans-serif" font-size="13" role="img">`,
    '<title>What Sluice needs or gives as a share of what Kafka does</title>',
    '<rect width="100%" height="100%" fill="white"/>',
    `<text x="${x(1)}" y="17" text-anchor="middle">Kafka = 1</text>`,
    `<line x1="${x(1)}" x2="${x(1)}" y1="22" y2="${height - ROW_PX}" stroke="#999" stroke-dasharray="4 3"/>`,
    ...bars,
    `<text x="${BAR_LEFT_PX}" y="${height - 8}" fill="#555">Sluice / Kafka; black marks are targets, bars end at ${MAX_RATIO}</text>`,
    '</svg>',
    '',
  ].join('\n')
}
