/**
 * Reads what clients push: `MetricsData` of OpenTelemetry's protocol in protobuf, of which KIP-714 uses gauges and
 * sums of numbers. Other kinds are counted and passed over.
 */
import { PbfReader } from 'pbf'

export interface Sample {
  readonly name: string
  /** `delta`: what was added since the push before; `total`: a count since the client began; `gauge`: the value now. */
  readonly kind: 'gauge' | 'delta' | 'total'
  readonly value: number
  /** Those of the client, then those of the sample. */
  readonly attributes: readonly (readonly [name: string, value: string])[]
}

export interface Push {
  readonly samples: readonly Sample[]
  /** Samples beyond the bound, and metrics of kinds that are not kept. */
  readonly passedOver: number
}

/** The bytes are no metrics. */
export class MalformedMetrics extends Error {
  override name = 'MalformedMetrics'
}

type Attribute = readonly [name: string, value: string]

const MAX_ATTRIBUTES = 32
/** Values of `aggregation_temporality`. */
const DELTA = 1

/** Throws MalformedMetrics. Keeps at most `maxSamples`; memory is bounded by these whatever the bytes say. */
export function readMetrics(bytes: Uint8Array, maxSamples: number): Push {
  const collector = new Collector(maxSamples)
  const reader = new PbfReader(bytes)
  try {
    fields(reader, bytes.length, (tag) => {
      if (tag === 1) within(reader, bytes.length, (end) => resourceMetrics(reader, end, collector))
    })
  } catch (cause) {
    if (cause instanceof MalformedMetrics) throw cause
    throw new MalformedMetrics(`not in protobuf: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    })
  }
  return collector
}

class Collector implements Push {
  readonly samples: Sample[] = []
  passedOver = 0
  readonly #maxSamples: number

  constructor(maxSamples: number) {
    this.#maxSamples = maxSamples
  }

  add(sample: Sample): void {
    if (this.samples.length < this.#maxSamples) this.samples.push(sample)
    else this.passedOver++
  }
}

/** Calls back for each field of a message that ends at `end`; what is not read is skipped. */
function fields(reader: PbfReader, end: number, read: (tag: number) => void): void {
  for (let tag = reader.nextField(end); tag !== 0; tag = reader.nextField(end)) {
    read(tag)
    if (reader.pos > end) throw new MalformedMetrics('a field is longer than what holds it')
  }
  if (reader.pos !== end) throw new MalformedMetrics('a message does not end where it has to')
}

/** Reads what the length in front says, which has to be there. */
function within(reader: PbfReader, outerEnd: number, read: (end: number) => void): void {
  if (reader.type !== 2) throw new MalformedMetrics('a message is no message')
  const end = reader.readVarint() + reader.pos
  if (end > outerEnd) throw new MalformedMetrics('a message is longer than what holds it')
  read(end)
}

function text(reader: PbfReader, outerEnd: number): string {
  let value = ''
  within(reader, outerEnd, (end) => {
    value = Buffer.from(reader.buf.buffer, reader.buf.byteOffset + reader.pos, end - reader.pos).toString()
    reader.pos = end
  })
  return value
}

function resourceMetrics(reader: PbfReader, end: number, collector: Collector): void {
  const attributes: Attribute[] = []
  // The resource comes first, as it has the lower number.
  fields(reader, end, (tag) => {
    if (tag === 1) {
      within(reader, end, (resourceEnd) =>
        fields(reader, resourceEnd, (inner) => {
          if (inner === 1) attribute(reader, resourceEnd, attributes)
        }),
      )
    } else if (tag === 2) {
      within(reader, end, (scopeEnd) =>
        fields(reader, scopeEnd, (inner) => {
          if (inner === 2)
            within(reader, scopeEnd, (metricEnd) => metric(reader, metricEnd, attributes, collector))
        }),
      )
    }
  })
}

function metric(
  reader: PbfReader,
  end: number,
  ofResource: readonly Attribute[],
  collector: Collector,
): void {
  let name = ''
  fields(reader, end, (tag) => {
    switch (tag) {
      case 1:
        name = text(reader, end)
        break
      case 5:
      case 7:
        within(reader, end, (dataEnd) => data(reader, dataEnd, tag === 7, name, ofResource, collector))
        break
      case 9:
      case 10:
      case 11:
        collector.passedOver++
        break
      default:
    }
  })
}

/** A gauge or a sum. */
function data(
  reader: PbfReader,
  end: number,
  isSum: boolean,
  name: string,
  ofResource: readonly Attribute[],
  collector: Collector,
): void {
  // What kind of sum it is stands behind the points.
  const begin = reader.pos
  let temporality = 0
  let monotonic = false
  fields(reader, end, (tag) => {
    if (tag === 2) temporality = reader.readVarint()
    else if (tag === 3) monotonic = reader.readVarint() !== 0
  })
  reader.pos = begin
  const kind = isSum && temporality === DELTA ? 'delta' : isSum && monotonic ? 'total' : 'gauge'
  fields(reader, end, (tag) => {
    if (tag === 1)
      within(reader, end, (pointEnd) => point(reader, pointEnd, { name, kind }, ofResource, collector))
  })
}

function point(
  reader: PbfReader,
  end: number,
  { name, kind }: Pick<Sample, 'name' | 'kind'>,
  ofResource: readonly Attribute[],
  collector: Collector,
): void {
  const attributes = [...ofResource]
  let value: number | undefined
  fields(reader, end, (tag) => {
    if (tag === 4) value = reader.readDouble()
    else if (tag === 6) value = reader.readSFixed64()
    else if (tag === 7) attribute(reader, end, attributes)
  })
  if (value !== undefined) collector.add({ name, kind, value, attributes })
}

function attribute(reader: PbfReader, outerEnd: number, attributes: Attribute[]): void {
  within(reader, outerEnd, (end) => {
    let name = ''
    let value = ''
    fields(reader, end, (tag) => {
      if (tag === 1) name = text(reader, end)
      else if (tag === 2)
        within(reader, end, (valueEnd) => {
          value = anyValue(reader, valueEnd)
        })
    })
    if (attributes.length < MAX_ATTRIBUTES) attributes.push([name, value])
  })
}

function anyValue(reader: PbfReader, end: number): string {
  let value = ''
  fields(reader, end, (tag) => {
    if (tag === 1) value = text(reader, end)
    else if (tag === 2) value = String(reader.readVarint() !== 0)
    else if (tag === 3) value = String(reader.readVarint(true))
    else if (tag === 4) value = String(reader.readDouble())
  })
  return value
}
