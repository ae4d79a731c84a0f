import type { Counter, Gauge, Histogram } from 'prom-client'
import {
  type CounterName,
  type GaugeName,
  type HistogramName,
  type Labels,
  type MetricDefinition,
  type MetricName,
  type Metrics,
  metricTable,
  type Sample,
} from '../base/metrics.ts'

/** Metrics that can be read. */
export interface ReadableMetrics extends Metrics {
  readonly contentType: string
  /** Asks for further metrics, in the text format of Prometheus, each time that they are read. */
  append(read: () => string): void
  /** All metrics in the text format of Prometheus. */
  read(): Promise<string>
}

/** Loads the library only when metrics are asked for: a broker without them starts and idles without it. */
export async function prometheusMetrics(): Promise<ReadableMetrics> {
  const { default: library } = await import('prom-client')
  const registry = new library.Registry()
  const counters = new Map<MetricName, Counter | Gauge>()
  const histograms = new Map<MetricName, Histogram>()
  for (const [name, definition] of Object.entries(metricTable) as [MetricName, MetricDefinition][]) {
    const options = {
      name,
      help: definition.help,
      labelNames: [...definition.labels],
      registers: [registry],
    }
    if (definition.kind === 'counter') counters.set(name, new library.Counter(options))
    else if (definition.kind === 'gauge') counters.set(name, new library.Gauge(options))
    else histograms.set(name, new library.Histogram({ ...options, buckets: [...(definition.buckets ?? [])] }))
  }
  return new PrometheusMetrics(registry, counters, histograms)
}

interface Registry {
  readonly contentType: string
  metrics(): Promise<string>
}

class PrometheusMetrics implements ReadableMetrics {
  readonly #registry: Registry
  readonly #counters: ReadonlyMap<MetricName, Counter | Gauge>
  readonly #histograms: ReadonlyMap<MetricName, Histogram>
  readonly #appended: (() => string)[] = []
  readonly #samplers = new Map<MetricName, () => void>()

  constructor(
    registry: Registry,
    counters: ReadonlyMap<MetricName, Counter | Gauge>,
    histograms: ReadonlyMap<MetricName, Histogram>,
  ) {
    this.#registry = registry
    this.#counters = counters
    this.#histograms = histograms
  }

  get contentType(): string {
    return this.#registry.contentType
  }

  add<N extends CounterName | GaugeName>(name: N, labels: Labels<N>, amount = 1): void {
    this.#counters.get(name)!.inc(labels, amount)
  }

  observe<N extends HistogramName>(name: N, labels: Labels<N>, value: number): void {
    this.#histograms.get(name)!.observe(labels, value)
  }

  sample<N extends CounterName | GaugeName>(name: N, read: () => readonly Sample<N>[]): void {
    const metric = this.#counters.get(name)!
    this.#samplers.set(name, () => {
      metric.reset()
      for (const { labels, value } of read()) metric.inc(labels, value)
    })
  }

  append(read: () => string): void {
    this.#appended.push(read)
  }

  async read(): Promise<string> {
    for (const sampler of this.#samplers.values()) sampler()
    const text = await this.#registry.metrics()
    return text + this.#appended.map((read) => read()).join('')
  }
}
