import type { Push, Sample } from './otlp.ts'

/** Series of one client. */
export const MAX_SERIES_PER_CLIENT = 1000
/** Series of all clients. */
export const MAX_SERIES = 20_000
const MAX_NAME_LENGTH = 200
const MAX_VALUE_LENGTH = 200

interface Series {
  /** In the form of Prometheus. */
  readonly name: string
  readonly type: 'counter' | 'gauge'
  readonly labels: string
  value: number
  /** The push that last had it. */
  push: number
}

/** Labels by which the series of a client are told from those of others. */
export type ClientLabels = ReadonlyMap<string, string>

/** The metrics that one client pushed last. */
class ClientMetrics {
  readonly labels: ClientLabels
  readonly prefix: string
  readonly series = new Map<string, Series>()
  pushes = 0

  constructor(labels: ClientLabels) {
    this.labels = labels
    this.prefix = Array.from(labels, ([name, value]) => label(name, value)).join(',')
  }
}

/**
 * What clients pushed, to be read by Prometheus. Bounded for each client and in all; what is beyond is counted. A
 * gauge goes when a push lacks it; a sum of changes is added up and stays as long as its client.
 */
export class PushedMetrics {
  readonly #clients = new Map<string, ClientMetrics>()
  #series = 0
  #dropped = 0

  get seriesCount(): number {
    return this.#series
  }

  /** Samples that were not kept, since the start. */
  get droppedCount(): number {
    return this.#dropped
  }

  take(client: string, labels: ClientLabels, { samples, passedOver }: Push): void {
    this.#dropped += passedOver
    let metrics = this.#clients.get(client)
    if (metrics === undefined) {
      metrics = new ClientMetrics(labels)
      this.#clients.set(client, metrics)
    }
    metrics.pushes++
    for (const sample of samples) this.#put(metrics, sample)
    for (const [key, { type, push }] of metrics.series) {
      if (type !== 'gauge' || push === metrics.pushes) continue
      metrics.series.delete(key)
      this.#series--
    }
  }

  /** The client has gone. */
  forget(client: string): void {
    const metrics = this.#clients.get(client)
    if (metrics === undefined) return
    this.#clients.delete(client)
    this.#series -= metrics.series.size
  }

  #put(metrics: ClientMetrics, { name, kind, value, attributes }: Sample): void {
    const type = kind === 'gauge' ? 'gauge' : 'counter'
    const metric = metricName(name, type)
    const labels = labelsOf(metrics, attributes)
    const key = `${metric}{${labels}`
    const series = metrics.series.get(key)
    if (series !== undefined) {
      series.value = kind === 'delta' ? series.value + value : value
      series.push = metrics.pushes
    } else if (metrics.series.size >= MAX_SERIES_PER_CLIENT || this.#series >= MAX_SERIES) this.#dropped++
    else {
      metrics.series.set(key, { name: metric, type, labels, value, push: metrics.pushes })
      this.#series++
    }
  }

  /** In the text format of Prometheus; empty, or whole lines. */
  text(): string {
    const metrics = new Map<string, string[]>()
    for (const client of this.#clients.values()) {
      for (const { name, type, labels, value } of client.series.values()) {
        let lines = metrics.get(name)
        if (lines === undefined) {
          lines = [`# HELP ${name} Pushed by clients.`, `# TYPE ${name} ${type}`]
          metrics.set(name, lines)
        }
        lines.push(`${name}{${labels}} ${formatted(value)}`)
      }
    }
    let text = ''
    for (const lines of metrics.values()) text += `${lines.join('\n')}\n`
    return text
  }
}

/** Begins with `client_`, so that none can pass for one of the broker's. */
function metricName(name: string, type: Series['type']): string {
  const base = `client_${name.slice(0, MAX_NAME_LENGTH).replace(/[^a-zA-Z0-9_]/g, '_')}`
  return type === 'counter' && !base.endsWith('_total') ? `${base}_total` : base
}

function labelsOf({ labels, prefix }: ClientMetrics, attributes: Sample['attributes']): string {
  const own = new Map<string, string>()
  for (const [name, value] of attributes) {
    const safe = name
      .slice(0, MAX_NAME_LENGTH)
      .replace(/[^a-zA-Z0-9_]/g, '_')
      .replace(/^(?=\d|$)|^_+/, 'a_')
    if (!labels.has(safe)) own.set(safe, value)
  }
  return [prefix, ...Array.from(own, ([name, value]) => label(name, value))].join(',')
}

function label(name: string, value: string): string {
  const escaped = value
    .slice(0, MAX_VALUE_LENGTH)
    .replace(/[\\"\n]/g, (char) => (char === '\n' ? '\\n' : `\\${char}`))
  return `${name}="${escaped}"`
}

function formatted(value: number): string {
  if (Number.isNaN(value)) return 'NaN'
  return Number.isFinite(value) ? String(value) : value > 0 ? '+Inf' : '-Inf'
}
