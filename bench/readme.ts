/** The figures in the README: a few of all, each with the command that makes it again. */
import { type Row, ratioOf, shown } from './report.ts'
import { median } from './results.ts'

/** What the README calls a figure, its name, its unit, and the shortest text of `--only` that chooses it. */
const FIGURES: readonly (readonly [label: string, figure: string, unit: string, only: string])[] = [
  ['start on empty data', 'start, empty: ms', 'ms', 'start, empty'],
  [
    'start after `kill -9`, 1,000 partitions and 10 GB',
    'start, 1,000 partitions and 10 GB: after kill -9, ms',
    'ms',
    'after kill -9',
  ],
  ['memory, idle', 'memory idle: resident MB', 'MB', 'memory idle'],
  ['memory at most, under load', 'memory under load: resident MB', 'MB', 'memory under load'],
  ['memory with 10,000 partitions', 'memory with 10,000 partitions: resident MB', 'MB', 'memory with 10,000'],
  ['memory with 5,000 connections', 'memory with 5,000 connections: resident MB', 'MB', 'memory with 5,000'],
  [
    'produce with acks=all, 10,000 records/s: p99',
    'produce at 10,000/s, acks=all: p99, ms',
    'ms',
    'produce at 10,000/s',
  ],
  ['from producer to consumer: p99', 'end to end: p99, ms', 'ms', 'end to end'],
  [
    'produce 1 KB with acks=all, Java client',
    'produce 1 KB × 1 partition, acks=all, Java: records/s',
    'records/s',
    'acks=all, Java',
  ],
  ['the same, broker CPU', 'produce 1 KB × 1 partition, acks=all, Java: CPU s/GB', 's/GB', 'acks=all, Java'],
  [
    'the same with franz-go',
    'produce 1 KB × 1 partition, acks=all, native: records/s',
    'records/s',
    'acks=all, native',
  ],
  [
    'every batch on the disk before it is acknowledged',
    'acks=all with flush.messages=1, 48 producers: records/s',
    'records/s',
    'flush.messages=1',
  ],
  ['consume near the end', 'consume near the end: MB/s', 'MB/s', 'near the end'],
  ['consume old data from the disk', 'consume from disk: MB/s', 'MB/s', 'from disk'],
  ['the same, broker CPU', 'consume from disk: CPU s/GB', 's/GB', 'from disk'],
  [
    'transactions of 100 records',
    'transactions of 100 records of 1 KB: transactions/s',
    'transactions/s',
    'transactions of 100',
  ],
]

/** A table of those that were measured. */
export function readmeTable(rows: readonly Row[]): string {
  const byName = new Map(rows.map((row) => [row.name, row]))
  const lines = FIGURES.flatMap(([label, name, unit, only]) => {
    const row = byName.get(name)
    if (row === undefined) return []
    const [sluice, kafka] = [median(row.sluice), median(row.kafka)].map(
      (value) => `${inWords(value)} ${unit}`,
    )
    return [`| ${label} | ${sluice} | ${kafka} | ${ratioOf(row).toFixed(2)} | \`--only '${only}'\` |`]
  })
  return ['| | Sluice | Kafka 4.3 | ratio | again with |', '|---|---:|---:|---:|---|', ...lines].join('\n')
}

function inWords(value: number): string {
  return value >= 1000 ? Math.round(value).toLocaleString('en-US') : shown(value)
}
