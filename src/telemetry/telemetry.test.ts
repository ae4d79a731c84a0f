import { PbfWriter } from 'pbf'
import { RE2JS } from 're2js'
import { describe, expect, it, test } from 'vitest'
import { ManualClock } from '../testing/manual-clock.ts'
import { SeededRandom } from '../testing/seeded-random.ts'
import { type CompressionType, compress, compressionCodecOf } from '../wire/compression.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import { ZERO_UUID } from '../wire/schema.ts'
import { ClientTelemetry } from './client-telemetry.ts'
import { MalformedMetrics, readMetrics } from './otlp.ts'
import { MAX_SERIES, MAX_SERIES_PER_CLIENT, PushedMetrics } from './pushed-metrics.ts'
import { type Subscription, subscriptionOf } from './subscriptions.ts'

const CLIENT = {
  clientId: 'app',
  softwareName: 'apache-kafka-java',
  softwareVersion: '4.3.1',
  host: '10.0.0.1',
  port: 40_000,
}
const INTERVAL_MS = 1000

interface Metric {
  readonly name: string
  readonly kind: 'gauge' | 'delta' | 'total' | 'histogram'
  readonly value: number
  readonly attributes?: Readonly<Record<string, string>>
}

/** MetricsData as the OpenTelemetry protocol has it. */
function encoded(metrics: readonly Metric[], resource: Readonly<Record<string, string>> = {}): Buffer {
  const writer = new PbfWriter()
  const attributes = (tag: number, of: Readonly<Record<string, string>>) => {
    for (const [key, value] of Object.entries(of)) {
      writer.writeMessage(
        tag,
        (_, w) => {
          w.writeStringField(1, key)
          w.writeMessage(2, (__, v) => v.writeStringField(1, value), null)
        },
        null,
      )
    }
  }
  writer.writeMessage(
    1,
    () => {
      writer.writeMessage(1, () => attributes(1, resource), null)
      writer.writeMessage(
        2,
        () => {
          for (const metric of metrics) {
            writer.writeMessage(
              2,
              () => {
                writer.writeStringField(1, metric.name)
                const tag = { gauge: 5, delta: 7, total: 7, histogram: 9 }[metric.kind]
                writer.writeMessage(
                  tag,
                  () => {
                    writer.writeMessage(
                      1,
                      () => {
                        writer.writeFixed64Field(3, 1_700_000_000_000_000_000)
                        if (Number.isInteger(metric.value)) writer.writeSFixed64Field(6, metric.value)
                        else writer.writeDoubleField(4, metric.value)
                        attributes(7, metric.attributes ?? {})
                      },
                      null,
                    )
                    if (tag !== 7) return
                    writer.writeVarintField(2, metric.kind === 'delta' ? 1 : 2)
                    writer.writeBooleanField(3, true)
                  },
                  null,
                )
              },
              null,
            )
          }
        },
        null,
      )
    },
    null,
  )
  return Buffer.from(writer.finish())
}

function subscription(overrides: Partial<Subscription> = {}): Subscription {
  return { metrics: ['*'], intervalMs: INTERVAL_MS, patterns: new Map(), ...overrides }
}

function telemetry(...subscriptions: Subscription[]) {
  const clock = new ManualClock()
  const made = new ClientTelemetry({ clock, random: new SeededRandom(1), maxBytes: 10_000 })
  made.subscriptions = subscriptions
  const push = (clientInstanceId: string, subscriptionId: number, overrides: object = {}) =>
    made.push(
      {
        clientInstanceId,
        subscriptionId,
        terminating: false,
        compressionType: 0,
        metrics: Buffer.alloc(0),
        ...overrides,
      },
      CLIENT,
    )
  return { clock, telemetry: made, push }
}

const refusal = (code: number) => expect.objectContaining({ code })

describe('a subscription', () => {
  it('is all that those ask for whose patterns fit the whole of each attribute', () => {
    const pattern = (attribute: string, text: string) => new Map([[attribute, RE2JS.compile(text)]])
    const attributes = new Map([
      ['client_id', 'app-1'],
      ['client_software_name', 'java'],
    ])
    const asked = subscriptionOf('AAAAAAAAAAAAAAAAAAAABA', attributes, [
      subscription({ metrics: ['b', 'a'], intervalMs: 5000, patterns: pattern('client_id', 'app-.*') }),
      subscription({ metrics: ['c'], intervalMs: 4000, patterns: pattern('client_id', 'app') }),
      subscription({ metrics: ['d', 'a'], intervalMs: 6000 }),
      subscription({
        metrics: ['e'],
        patterns: new Map([...pattern('client_id', 'app-1'), ...pattern('client_software_name', 'go')]),
      }),
    ])
    expect(asked).toMatchObject({ metrics: ['a', 'b', 'd'], intervalMs: 5000 })
  })

  it('to everything asks for nothing else', () => {
    const asked = subscriptionOf(ZERO_UUID, new Map(), [subscription({ metrics: ['a'] }), subscription()])
    expect(asked.metrics).toEqual(['*'])
  })

  it('that is for nobody lets the client ask every five minutes', () => {
    expect(subscriptionOf(ZERO_UUID, new Map(), [])).toMatchObject({ metrics: [], intervalMs: 300_000 })
  })

  it('has another id for other metrics, another interval and another client', () => {
    const ids = [
      subscriptionOf('AAAAAAAAAAAAAAAAAAAABA', new Map(), [subscription()]),
      subscriptionOf('AAAAAAAAAAAAAAAAAAAABA', new Map(), [subscription({ intervalMs: 2000 })]),
      subscriptionOf('AAAAAAAAAAAAAAAAAAAABA', new Map(), [subscription({ metrics: ['a'] })]),
      subscriptionOf('AAAAAAAAAAAAAAAAAAAACA', new Map(), [subscription()]),
    ].map(({ id }) => id)
    expect(new Set(ids).size).toBe(4)
    expect(ids.every((id) => Number.isInteger(id) && Math.abs(id) <= 2 ** 31)).toBe(true)
  })
})

describe('a client that asks', () => {
  it('gets an id of its own, and may not ask again before its interval has passed', () => {
    const { clock, telemetry: asked } = telemetry(subscription())
    const { clientInstanceId, subscription: given } = asked.subscribe(ZERO_UUID, CLIENT)
    expect(clientInstanceId).toMatch(/^[\w-]{22}$/)
    expect(given.metrics).toEqual(['*'])
    clock.advance(INTERVAL_MS - 1)
    expect(() => asked.subscribe(clientInstanceId, CLIENT)).toThrow(
      refusal(ErrorCode.THROTTLING_QUOTA_EXCEEDED),
    )
    clock.advance(1)
    expect(asked.subscribe(clientInstanceId, CLIENT).subscription).toEqual(given)
  })

  it('is told at once of subscriptions that changed, and its pushes for the old ones are refused', () => {
    const { clock, telemetry: asked, push } = telemetry(subscription())
    const first = asked.subscribe(ZERO_UUID, CLIENT)
    asked.subscriptions = [subscription({ metrics: ['a'] })]
    expect(() => push(first.clientInstanceId, first.subscription.id)).toThrow(
      refusal(ErrorCode.UNKNOWN_SUBSCRIPTION_ID),
    )
    const second = asked.subscribe(first.clientInstanceId, CLIENT)
    expect(second.subscription.metrics).toEqual(['a'])
    clock.advance(INTERVAL_MS)
    push(first.clientInstanceId, second.subscription.id)
  })
})

describe('a push', () => {
  it('is taken once an interval, but the last one at any time and nothing after it', () => {
    const { clock, telemetry: asked, push } = telemetry(subscription())
    const { clientInstanceId, subscription: given } = asked.subscribe(ZERO_UUID, CLIENT)
    push(clientInstanceId, given.id)
    expect(() => push(clientInstanceId, given.id)).toThrow(refusal(ErrorCode.THROTTLING_QUOTA_EXCEEDED))
    clock.advance(INTERVAL_MS)
    push(clientInstanceId, given.id)
    push(clientInstanceId, given.id, { terminating: true })
    clock.advance(INTERVAL_MS)
    expect(() => push(clientInstanceId, given.id)).toThrow(refusal(ErrorCode.INVALID_REQUEST))
  })

  it('without an id is invalid', () => {
    const { push } = telemetry(subscription())
    expect(() => push(ZERO_UUID, 1)).toThrow(refusal(ErrorCode.INVALID_REQUEST))
    expect(() => push('AAAAAAAAAAAAAAAAAAAAAQ', 1)).toThrow(refusal(ErrorCode.INVALID_REQUEST))
  })

  const bomb = compress('gzip', Buffer.alloc(9 * 1024 * 1024))
  it.each<[string, number, object]>([
    ['of an unknown compression', ErrorCode.UNSUPPORTED_COMPRESSION_TYPE, { compressionType: 9 }],
    ['above telemetry.max.bytes', ErrorCode.TELEMETRY_TOO_LARGE, { metrics: Buffer.alloc(10_001) }],
    ['that is no protobuf', ErrorCode.INVALID_RECORD, { metrics: Buffer.from([0x0a, 0x7f, 1]) }],
    ['that does not decompress', ErrorCode.INVALID_RECORD, { compressionType: 1, metrics: Buffer.from('x') }],
    ['that is a bomb', ErrorCode.INVALID_RECORD, { compressionType: 1, metrics: bomb }],
  ])('%s is refused', (_, code, overrides) => {
    const { telemetry: asked, push } = telemetry(subscription())
    const { clientInstanceId, subscription: given } = asked.subscribe(ZERO_UUID, CLIENT)
    expect(() => push(clientInstanceId, given.id, overrides)).toThrow(refusal(code))
    expect(asked.metrics.seriesCount).toBe(0)
  })

  it.each<CompressionType>(['none', 'gzip', 'snappy', 'lz4', 'zstd'])('in %s is shown', (type) => {
    const { telemetry: asked, push } = telemetry(subscription())
    const { clientInstanceId, subscription: given } = asked.subscribe(ZERO_UUID, CLIENT)
    const metrics = compress(type, encoded([{ name: 'a.b', kind: 'gauge', value: 1.5 }]))
    push(clientInstanceId, given.id, { compressionType: compressionCodecOf(type), metrics })
    expect(asked.metrics.text()).toBe(
      `# HELP client_a_b Pushed by clients.
# TYPE client_a_b gauge
client_a_b{client_instance_id="${clientInstanceId}",client_id="app",client_software_name="apache-kafka-java",client_software_version="4.3.1"} 1.5
`,
    )
  })
})

describe('a client that has gone', () => {
  it('is forgotten with its metrics after three intervals, or a minute; after its last push a minute', () => {
    const { clock, telemetry: asked, push } = telemetry(subscription({ intervalMs: 60_000 }))
    const metrics = encoded([{ name: 'a', kind: 'gauge', value: 1 }])
    const silent = asked.subscribe(ZERO_UUID, CLIENT)
    push(silent.clientInstanceId, silent.subscription.id, { metrics })
    const last = asked.subscribe(ZERO_UUID, CLIENT)
    push(last.clientInstanceId, last.subscription.id, { metrics, terminating: true })
    expect(asked.metrics.seriesCount).toBe(2)
    clock.advance(70_000)
    expect([asked.clientCount, asked.metrics.seriesCount]).toEqual([1, 1])
    clock.advance(120_000)
    expect([asked.clientCount, asked.metrics.seriesCount]).toEqual([0, 0])
    expect(clock.pendingTimers).toBe(0)
  })

  it('makes room where there are too many', () => {
    const { telemetry: asked } = telemetry()
    for (let i = 0; i < 20_000; i++) asked.subscribe(ZERO_UUID, CLIENT)
    expect(asked.clientCount).toBe(16_384)
    asked.close()
    expect(asked.clientCount).toBe(0)
  })
})

describe('what is shown', () => {
  const labels = new Map([['client_id', 'c']])
  const take = (metrics: PushedMetrics, client: string, ...pushed: Metric[]) =>
    metrics.take(client, labels, readMetrics(encoded(pushed), 10_000))

  it('adds up changes, keeps totals and gauges as they are, and drops a gauge that is no more pushed', () => {
    const metrics = new PushedMetrics()
    const gauge: Metric = { name: 'now', kind: 'gauge', value: 7 }
    take(metrics, 'a', { name: 'd', kind: 'delta', value: 2 }, { name: 't', kind: 'total', value: 5 }, gauge)
    take(metrics, 'a', { name: 'd', kind: 'delta', value: 3 }, { name: 't', kind: 'total', value: 6 })
    take(metrics, 'a', { name: 'd', kind: 'delta', value: 0.5 })
    expect(
      metrics
        .text()
        .split('\n')
        .filter((line) => !line.startsWith('#')),
    ).toEqual(['client_d_total{client_id="c"} 5.5', 'client_t_total{client_id="c"} 6', ''])
  })

  it('has the attributes of the client and of the sample, and none that would pass for another’s', () => {
    const metrics = new PushedMetrics()
    const sample: Metric = {
      name: 'm',
      kind: 'gauge',
      value: 1,
      attributes: { topic: 'a "b"\n\\', client_id: 'other', __name__: 'x', '1-x': 'y' },
    }
    metrics.take('a', labels, readMetrics(encoded([sample], { client_rack: 'r' }), 10))
    expect(metrics.text()).toContain(
      'client_m{client_id="c",client_rack="r",topic="a \\"b\\"\\n\\\\",a_name__="x",a_1_x="y"} 1\n',
    )
  })

  it('is bounded for each client and in all, and counts what is beyond', () => {
    const metrics = new PushedMetrics()
    const many = Array.from(
      { length: MAX_SERIES_PER_CLIENT + 5 },
      (_, i): Metric => ({ name: `m${i}`, kind: 'gauge', value: i }),
    )
    take(metrics, 'c0', ...many)
    expect([metrics.seriesCount, metrics.droppedCount]).toEqual([MAX_SERIES_PER_CLIENT, 5])
    for (let i = 1; i < 25; i++) take(metrics, `c${i}`, ...many)
    expect(metrics.seriesCount).toBe(MAX_SERIES)
    metrics.forget('c0')
    expect(metrics.seriesCount).toBe(MAX_SERIES - MAX_SERIES_PER_CLIENT)
  })

  it('passes over histograms and samples beyond the bound of a push', () => {
    const histogram: Metric = { name: 'h', kind: 'histogram', value: 1 }
    const gauge: Metric = { name: 'g', kind: 'gauge', value: 1 }
    expect(readMetrics(encoded([histogram, gauge, gauge, gauge]), 2)).toMatchObject({
      samples: [{ name: 'g' }, { name: 'g' }],
      passedOver: 2,
    })
  })
})

test('metrics cut or changed anywhere are read or refused, and nothing else', () => {
  const good = encoded(
    [
      { name: 'a', kind: 'gauge', value: 0.5, attributes: { topic: 't' } },
      { name: 'b', kind: 'delta', value: -3 },
    ],
    { client_rack: 'r' },
  )
  const random = new SeededRandom(7)
  let refused = 0
  for (let i = 0; i < 5000; i++) {
    const bytes = Buffer.from(
      good.subarray(0, random.chance(0.5) ? random.integer(0, good.length) : good.length),
    )
    if (bytes.length > 0) bytes[random.integer(0, bytes.length - 1)] = random.integer(0, 255)
    try {
      expect(readMetrics(bytes, 10).samples.length).toBeLessThanOrEqual(10)
    } catch (error) {
      expect(error).toBeInstanceOf(MalformedMetrics)
      refused++
    }
  }
  expect(refused).toBeGreaterThan(1000)
})
