import { BatchReader } from '../../src/wire/batch.ts'
import { compressionTypeOf } from '../../src/wire/compression.ts'
import {
  type LegacyMessage,
  magicAt,
  messageFaultAt,
  messagesIn,
  readMessage,
} from '../../src/wire/message-set.ts'
import { readRecords } from '../../src/wire/record-reader.ts'
import { ZERO_UUID } from '../../src/wire/schema.ts'

/** Scenarios go some hours into the future. */
const NEAR_MS = 10 * 3_600_000
const JAVA_UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g
/** A time, or what Kafka adds to one to have no limit. */
const LONG_NUMBER = /-?\d{13,}/g
const BASE64_UUID = /^[A-Za-z0-9_-]{22}$/
const MAX_DECOMPRESSED_BYTES = 16 * 1024 * 1024

/**
 * Puts names in place of what two brokers cannot agree on: ids that they draw, ports, the time of day. Everything else
 * of an answer stays. Lists of structs are put in one order, since Kafka's often come out of hash maps.
 */
export class Normaliser {
  readonly #port: number
  readonly #names = new Map<string, string>()
  readonly #counts = new Map<string, number>()

  constructor(port: number) {
    this.#port = port
  }

  normalise(answer: unknown): unknown {
    this.#learnTopicIds(answer)
    return this.#value(answer, '')
  }

  #learnTopicIds(value: unknown): void {
    if (typeof value !== 'object' || value === null || Buffer.isBuffer(value)) return
    if ('topicId' in value && typeof value.topicId === 'string' && value.topicId !== ZERO_UUID) {
      const name = 'name' in value ? value.name : 'topic' in value ? value.topic : undefined
      if (typeof name === 'string' && name !== '') this.nameId(value.topicId, name)
    }
    for (const inner of Object.values(value)) this.#learnTopicIds(inner)
  }

  nameId(id: string, topic: string): void {
    if (!this.#names.has(id)) this.#names.set(id, this.#next(`id of ${topic}`))
  }

  #next(kind: string): string {
    const count = (this.#counts.get(kind) ?? 0) + 1
    this.#counts.set(kind, count)
    return `<${kind} #${count}>`
  }

  #named(kind: string, value: string): string {
    const key = `${kind} ${value}`
    let name = this.#names.get(key)
    if (name === undefined) {
      name = this.#next(kind)
      this.#names.set(key, name)
    }
    return name
  }

  #value(value: unknown, key: string): unknown {
    switch (typeof value) {
      case 'bigint':
        // Exact, unlike JSON's numbers.
        return Number.isSafeInteger(Number(value)) ? this.#number(Number(value), key) : String(value)
      case 'number':
        return this.#number(value, key)
      case 'string':
        return this.#string(value, key)
      case 'object':
        if (value === null) return null
        if (Buffer.isBuffer(value)) return key === 'records' ? this.#records(value) : bytes(value)
        if (Array.isArray(value)) return this.#list(value, key)
        return Object.fromEntries(
          Object.entries(value).map(([name, inner]) => [name, this.#value(inner, name)]),
        )
      default:
        return value
    }
  }

  #number(value: number, key: string): unknown {
    if (key === 'port' && value === this.#port) return '<port>'
    if (key === 'sessionId' && value > 0) return this.#named('session', String(value))
    if (key === 'producerId' && value >= 0) return this.#named('producer', String(value))
    if (key === 'finalizedFeaturesEpoch' && value >= 0) return '<epoch>'
    return Math.abs(value - Date.now()) < NEAR_MS ? '<now>' : value
  }

  #string(value: string, key: string): string {
    if (key === 'clusterId' && BASE64_UUID.test(value)) return '<cluster id>'
    if (key === 'memberId' && BASE64_UUID.test(value)) return this.#named('member', value)
    const name = this.#names.get(value)
    if (name !== undefined) return name
    return value
      .replace(JAVA_UUID, (uuid) => this.#named('uuid', uuid))
      .replace(LONG_NUMBER, (digits) => {
        const number = Number(digits)
        if (Math.abs(number) > 9e18) return '<extreme>'
        return String(this.#number(number, key))
      })
      .replaceAll(`:${this.#port}`, ':<port>')
  }

  #list(list: readonly unknown[], key: string): unknown[] {
    const values = list.map((value) => this.#value(value, key))
    // Of sets; the order of other plain values counts.
    if (key === 'subscribedTopicNames') return values.toSorted()
    if (key === 'partitions' && list.every((value) => typeof value === 'number'))
      return list.toSorted((a, b) => a - b)
    if (!values.some((value) => typeof value === 'object' && value !== null)) return values
    return values
      .map((value) => ({ value, text: JSON.stringify(value) }))
      .sort((a, b) => (a.text < b.text ? -1 : 1))
      .map(({ value }) => value)
  }

  /** One line a batch and one a record. */
  #records(records: Buffer): unknown {
    const magic = magicAt(records, 0)
    if (magic === 0 || magic === 1) return this.#messages(records)
    const reader = new BatchReader(records)
    const lines: string[] = []
    for (const batch of reader) {
      const codec = compressionTypeOf(batch.compressionCodec)
      const producer =
        batch.producerId < 0
          ? ''
          : ` ${this.#named('producer', String(batch.producerId))} epoch ${batch.producerEpoch} sequence ${batch.baseSequence}`
      // What a codec makes of the same bytes is its own affair.
      const size = codec === 'none' ? ` ${batch.sizeInBytes} B` : ''
      lines.push(
        `${batch.baseOffset}..${batch.lastOffset} epoch ${batch.partitionLeaderEpoch} ${codec} ${batch.timestampType}` +
          ` crc ${batch.crcIsRight() ? 'right' : 'wrong'}${size}${producer}${batch.isControl ? ' control' : ''}`,
      )
      for (const record of readRecords(batch, MAX_DECOMPRESSED_BYTES)) {
        const timestamp = this.#number(record.timestamp, 'timestamp')
        lines.push(`  ${record.offset} at ${timestamp}: ${short(record.key)} = ${short(record.value)}`)
      }
    }
    const left = records.length - reader.position
    if (left > 0) lines.push(`${left} B of a further batch`)
    return lines
  }

  /** The same of an older format. What is cut off at the end is for consumers to throw away, and has no line. */
  #messages(records: Buffer): unknown {
    const lines: string[] = []
    for (let at = 0; messageFaultAt(records, at) === undefined; ) {
      const message = readMessage(records, at)
      const line = ({ offset, timestamp, key, value, crcIsRight, timestampType }: LegacyMessage) =>
        `${offset} at ${this.#number(timestamp, 'timestamp')} ${timestampType} crc ${crcIsRight ? 'right' : 'wrong'}: ${short(key)} = ${short(value)}`
      const inner = innerMessages(message)
      if (inner.length === 0) lines.push(`format ${message.magic} ${line(message)}`)
      else {
        const codec = compressionTypeOf(message.compressionCodec)
        lines.push(`format ${message.magic} ${codec} ${line({ ...message, value: null })}`)
        lines.push(...inner.map((one) => `  ${line(one)}`))
      }
      at += message.sizeInBytes
    }
    return lines
  }
}

/** With the offsets that consumers see: in format 1 they count back from the wrapper's. */
function innerMessages(message: LegacyMessage): readonly LegacyMessage[] {
  if (message.compressionCodec === 0) return []
  const inner = [...messagesIn(message, MAX_DECOMPRESSED_BYTES)]
  const base = message.magic === 0 ? 0 : message.offset - (inner.at(-1)?.offset ?? 0)
  return inner.map((one) => ({ ...one, offset: base + one.offset }))
}

function short(content: Uint8Array | null): string {
  if (content === null) return 'null'
  const text = bytes(Buffer.from(content))
  return text.length > 40 ? `${text.slice(0, 20)}… (${content.length} B)` : text
}

function bytes(content: Buffer): string {
  const text = content.toString('latin1')
  return /^[\x20-\x7e]*$/.test(text) ? text : `0x${content.toString('hex')}`
}
