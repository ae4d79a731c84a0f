/** Requests as bytes: valid ones to begin with, and what can be done to them. */
import { servedRanges } from '../../src/apis/table.ts'
import { type GoldenVector, parseGoldenVectors } from '../../src/testing/golden-vectors.ts'
import type { SeededRandom } from '../../src/testing/seeded-random.ts'
import { goldenVectorText } from '../../src/testing/wire-fixtures.ts'
import { type Api, apiByKey } from '../../src/wire/apis.ts'
import { encodeBuffer } from '../../src/wire/codec.ts'
import { encodeRequest, requestHeaderVersion } from '../../src/wire/frame.ts'
import type { Message } from '../../src/wire/schema.ts'
import { requestHeader } from '../../src/wire/schemas/request-header.ts'

/** Those that would change the whole broker for everybody if a random value of them were right. */
const OF_THE_OPERATOR: ReadonlySet<string> = new Set([
  'AlterClientQuotas',
  'UnregisterBroker',
  'UpdateFeatures',
])

export interface ValidRequest {
  readonly api: Api
  readonly version: number
  /** Without the length. */
  readonly bytes: Buffer
  /** Where the body begins. */
  readonly bodyAt: number
}

/** Of every version that is served, as Kafka's own code writes it. */
export function validRequests(): ValidRequest[] {
  const served = new Map(servedRanges.map((range) => [range.apiKey, range]))
  const vectors: GoldenVector[] = (['4.3', '3.9'] as const).flatMap((release) =>
    parseGoldenVectors(goldenVectorText(release)),
  )
  return vectors.flatMap(({ kind, key, version, hex }) => {
    const range = served.get(key)
    const api = apiByKey(key)
    if (kind !== 'request' || api === undefined || range === undefined) return []
    if (OF_THE_OPERATOR.has(api.name) || version < range.minVersion || version > range.maxVersion) return []
    const head = header(api, version)
    return [{ api, version, bytes: Buffer.concat([head, Buffer.from(hex, 'hex')]), bodyAt: head.length }]
  })
}

export function header(api: Api, version: number): Buffer {
  return encodeBuffer(requestHeader, requestHeaderVersion(api, version), {
    requestApiKey: api.key,
    requestApiVersion: version,
    correlationId: 1,
    clientId: 'hostile',
  })
}

/** A whole frame. */
export function requestFrame<Input>(
  request: Message<unknown, Input>,
  version: number,
  input: NoInfer<Input>,
): Buffer {
  const api = request.key === undefined ? undefined : apiByKey(request.key)
  if (api === undefined) throw new TypeError(`${request.name} is not a request of an API`)
  return Buffer.concat(encodeRequest(api, version, { correlationId: 1, clientId: 'hostile' }, input))
}

/** Behind its length, or behind one that is said in its place. */
export function framed(bytes: Buffer, length = bytes.length): Buffer {
  const frame = Buffer.allocUnsafe(4 + bytes.length)
  frame.writeInt32BE(length)
  bytes.copy(frame, 4)
  return frame
}

/** Some bytes of the body are others. */
export function mutated({ bytes, bodyAt }: ValidRequest, random: SeededRandom): Buffer {
  const copy = Buffer.from(bytes)
  for (let left = random.integer(1, 4); left > 0; left--) {
    const at = random.integer(bodyAt, Math.max(bodyAt, copy.length - 1))
    if (at < copy.length)
      copy[at] = random.chance(0.5) ? copy[at]! ^ (1 << random.integer(0, 7)) : random.integer(0, 255)
  }
  return copy
}

export function truncated({ bytes }: ValidRequest, random: SeededRandom): Buffer {
  return bytes.subarray(0, random.integer(0, bytes.length - 1))
}

export function randomBody({ bytes, bodyAt }: ValidRequest, random: SeededRandom): Buffer {
  return Buffer.concat([bytes.subarray(0, bodyAt), random.bytes(random.integer(0, 200))])
}

const LENGTHS = [
  '7fffffff',
  '80000000',
  'ffffffff',
  'fffffffe',
  '05f5e100',
  '7fff',
  '8000',
  'ffffffff0f',
  'ffffffffff7f',
  '80808080808001',
  'ffff01',
]

/** Something in the body is an absurd length. */
export function absurdLength({ bytes, bodyAt }: ValidRequest, random: SeededRandom): Buffer {
  const length = Buffer.from(LENGTHS[random.integer(0, LENGTHS.length - 1)]!, 'hex')
  const at = random.integer(bodyAt, bytes.length)
  const rest = random.chance(0.5) ? at : Math.min(bytes.length, at + length.length)
  return Buffer.concat([bytes.subarray(0, at), length, bytes.subarray(rest)])
}
