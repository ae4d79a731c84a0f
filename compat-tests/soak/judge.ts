/**
 * Whether a broker's figures stay what they are while it works: the medians of the last quarter beside those of the
 * second, which is the first after the warm-up.
 */
import { quantile } from '../hostile/observer.ts'
import type { Sample, Series } from './sampler.ts'

export interface Limit {
  readonly series: Series
  readonly name: string
  /** The last quarter may exceed the second by this share of it, and this amount besides. */
  readonly share: number
  readonly amount: number
  readonly unit: 'MB' | 'ms' | ''
}

const MB = 2 ** 20

/** Latency has far more room than the rest: others may use the machine. */
export const LIMITS: readonly Limit[] = [
  { series: 'residentBytes', name: 'resident memory', share: 0.1, amount: 8 * MB, unit: 'MB' },
  { series: 'heapUsedBytes', name: 'JavaScript heap in use', share: 0.1, amount: 4 * MB, unit: 'MB' },
  { series: 'externalBytes', name: 'buffers', share: 0.1, amount: 8 * MB, unit: 'MB' },
  { series: 'descriptors', name: 'open descriptors', share: 0.1, amount: 10, unit: '' },
  { series: 'threads', name: 'threads', share: 0, amount: 2, unit: '' },
  { series: 'connections', name: 'connections', share: 0.1, amount: 10, unit: '' },
  { series: 'timers', name: 'timers', share: 0.1, amount: 10, unit: '' },
  { series: 'fetchSessions', name: 'fetch sessions', share: 0.1, amount: 10, unit: '' },
  { series: 'groups', name: 'groups', share: 0.1, amount: 5, unit: '' },
  { series: 'transactionalIds', name: 'transactional ids', share: 0.1, amount: 5, unit: '' },
  { series: 'diskBytes', name: 'disk', share: 0.1, amount: 8 * MB, unit: 'MB' },
  { series: 'longestWaitMs', name: 'longest wait for the event loop', share: 1, amount: 50, unit: 'ms' },
  { series: 'produceP50Ms', name: 'Produce, p50', share: 0.5, amount: 5, unit: 'ms' },
  { series: 'produceP99Ms', name: 'Produce, p99', share: 1, amount: 20, unit: 'ms' },
  { series: 'fetchP50Ms', name: 'Fetch, p50', share: 0.5, amount: 5, unit: 'ms' },
  { series: 'fetchP99Ms', name: 'Fetch, p99', share: 1, amount: 20, unit: 'ms' },
]

/** What a broker may take in any sample: its budgets of bytes in flight (384 MB), its cache, heap and code. */
export const MOST_RESIDENT_BYTES = 640 * MB

export interface Judgement extends Limit {
  readonly second: number
  readonly last: number
  readonly isKept: boolean
}

/** Samples of the load alone; each figure needs one in each quarter at least. */
export function judge(samples: readonly Sample[], limits: readonly Limit[] = LIMITS): Judgement[] {
  const quarter = Math.floor(samples.length / 4)
  if (quarter === 0) throw new Error(`${samples.length} samples are too few to be judged`)
  const medianOf = (series: Series, from: number, to: number) =>
    quantile(
      samples
        .slice(from, to)
        .map((sample) => sample[series])
        .sort((a, b) => a - b),
      0.5,
    )
  return limits.map((limit) => {
    const second = medianOf(limit.series, quarter, 2 * quarter)
    const last = medianOf(limit.series, samples.length - quarter, samples.length)
    return { ...limit, second, last, isKept: last <= second * (1 + limit.share) + limit.amount }
  })
}

/** A table in Markdown. */
export function judgementTable(judgements: readonly Judgement[]): string {
  const lines = judgements.map((judgement) => {
    const { name, unit, second, last, share, amount, isKept } = judgement
    const shown = (value: number) => {
      const scaled = unit === 'MB' ? value / MB : value
      return `${scaled.toFixed(unit === 'ms' ? 1 : 0)}${unit === '' ? '' : ` ${unit}`}`
    }
    const room = [...(share > 0 ? [`${share * 100} %`] : []), shown(amount)].join(' + ')
    return `| ${[name, shown(second), shown(last), room, isKept ? 'flat' : 'GROWS'].join(' | ')} |`
  })
  return [
    '| median of the quarter | second | last | may exceed by | |',
    '|---|---:|---:|---:|---|',
    ...lines,
  ].join('\n')
}
