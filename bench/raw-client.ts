/** A client of a few requests made by hand, so that what it costs does not hide what the broker costs. */
import { connect, type Socket } from 'node:net'
import { crc32c } from '@node-rs/crc32'

const PRODUCE = 0
const FETCH = 1
const LIST_OFFSETS = 2
const METADATA = 3
const CREATE_TOPICS = 19
const DELETE_TOPICS = 20
const CONSUMER_GROUP_HEARTBEAT = 68
/** Versions without flexible fields; the heartbeat has no such. */
const VERSIONS = new Map([
  [PRODUCE, 3],
  [FETCH, 11],
  [LIST_OFFSETS, 1],
  [METADATA, 4],
  [CREATE_TOPICS, 4],
  [DELETE_TOPICS, 1],
  [CONSUMER_GROUP_HEARTBEAT, 1],
])
const BATCH_OVERHEAD = 61

export class RawClient {
  readonly #socket: Socket
  readonly #waiting: { resolve(answer: Buffer): void; reject(error: Error): void }[] = []
  #chunks: Buffer[] = []
  #length = 0
  /** Bytes that have to be there before anything can be done with them. */
  #wanted = 4
  #correlationId = 0

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.setNoDelay(true)
    socket.on('data', (chunk: Buffer) => this.#received(chunk))
    socket.on('error', () => {})
    socket.on('close', () => {
      for (const { reject } of this.#waiting.splice(0)) reject(new Error('the broker closed the connection'))
    })
  }

  static connect(port: number): Promise<RawClient> {
    return new Promise((resolve, reject) => {
      const socket = connect(port, '127.0.0.1')
      socket.once('error', reject)
      socket.once('connect', () => {
        socket.off('error', reject)
        resolve(new RawClient(socket))
      })
    })
  }

  close(): void {
    this.#socket.destroy()
  }

  /** The leader of partition 0, or undefined while nobody leads it; makes the topic where the broker allows it. */
  async leaderOf(topic: string): Promise<number | undefined> {
    const answer = await this.send(METADATA, Buffer.concat([int32(1), string(topic), int8(1)]))
    let at = 8
    const brokers = answer.readInt32BE(at)
    at += 4
    for (let broker = 0; broker < brokers; broker++) {
      at += 4
      at += 2 + answer.readInt16BE(at) + 4
      const rackLength = answer.readInt16BE(at)
      at += 2 + Math.max(0, rackLength)
    }
    at += 2 + Math.max(0, answer.readInt16BE(at)) + 4 + 4
    if (answer.readInt16BE(at) !== 0) return undefined
    at += 2
    at += 2 + answer.readInt16BE(at) + 1
    if (answer.readInt32BE(at) === 0 || answer.readInt16BE(at + 4) !== 0) return undefined
    return answer.readInt32BE(at + 10)
  }

  /** Makes topics and throws unless all of them are made. */
  async createTopics(names: readonly string[], partitions: number): Promise<void> {
    const topics = names.map((name) =>
      Buffer.concat([string(name), int32(partitions), int16(1), int32(0), int32(0)]),
    )
    const body = Buffer.concat([int32(names.length), ...topics, int32(60_000), int8(0)])
    const answer = await this.send(CREATE_TOPICS, body)
    let at = 12
    for (const name of names) {
      at += 2 + answer.readInt16BE(at)
      const errorCode = answer.readInt16BE(at)
      if (errorCode !== 0) throw new Error(`topic ${name}: error ${errorCode}`)
      at += 2
      at += 2 + Math.max(0, answer.readInt16BE(at))
    }
  }

  /** Deletes topics and throws unless all of them go. */
  async deleteTopics(names: readonly string[]): Promise<void> {
    const body = Buffer.concat([int32(names.length), ...names.map(string), int32(60_000)])
    const answer = await this.send(DELETE_TOPICS, body)
    let at = 12
    for (const name of names) {
      at += 2 + answer.readInt16BE(at)
      const errorCode = answer.readInt16BE(at)
      if (errorCode !== 0) throw new Error(`topic ${name}: error ${errorCode}`)
      at += 2
    }
  }

  /** Asks for the metadata of all topics; the bytes of the answer. */
  async allTopics(): Promise<number> {
    return (await this.send(METADATA, Buffer.concat([int32(-1), int8(0)]))).length
  }

  /** Whether each of the first `partitions` partitions tells where it ends. */
  async endsKnown(topic: string, partitions: number): Promise<boolean> {
    const wanted = Array.from({ length: partitions }, (_, index) => Buffer.concat([int32(index), int64(-1)]))
    const body = [int32(-1), int32(1), string(topic), int32(partitions), ...wanted]
    const answer = await this.send(LIST_OFFSETS, Buffer.concat(body))
    const at = 4 + 4 + 2 + Buffer.byteLength(topic) + 4
    for (let index = 0; index < partitions; index++) {
      if (answer.readInt16BE(at + index * 22 + 4) !== 0) return false
    }
    return true
  }

  /** Appends one batch with acks=all; its offset, or a negative error code. */
  async produce(topic: string, batch: Buffer, partition = 0): Promise<number> {
    const answer = await this.send(PRODUCE, produceBody(topic, batch, partition))
    const at = 4 + 4 + 2 + Buffer.byteLength(topic) + 4 + 4
    const errorCode = answer.readInt16BE(at)
    return errorCode === 0 ? Number(answer.readBigInt64BE(at + 2)) : -errorCode
  }

  /** Opens or goes on with a fetch session; `session` is 0 at first. The id of the session and the bytes of the answer. */
  async fetch(
    session: { readonly id: number; readonly epoch: number },
    topics: readonly { readonly topic: string; readonly partitions: number; readonly offset: number }[],
    maxWaitMs: number,
  ): Promise<{ readonly id: number; readonly bytes: number }> {
    const wanted = topics.map(({ topic, partitions, offset }) =>
      Buffer.concat([
        string(topic),
        int32(partitions),
        ...Array.from({ length: partitions }, (_, partition) =>
          Buffer.concat([int32(partition), int32(-1), int64(offset), int64(-1), int32(1024 * 1024)]),
        ),
      ]),
    )
    const limits = [int32(-1), int32(maxWaitMs), int32(1), int32(50 * 1024 * 1024), int8(0)]
    const head = [...limits, int32(session.id), int32(session.epoch), int32(topics.length)]
    const answer = await this.send(FETCH, Buffer.concat([...head, ...wanted, int32(0), string('')]))
    const errorCode = answer.readInt16BE(8)
    if (errorCode !== 0) throw new Error(`fetch: error ${errorCode}`)
    return { id: answer.readInt32BE(10), bytes: answer.length }
  }

  /** Reads partition 0 from offset 0 up to `end` in fetches of 1 MB at most; the bytes of records that came. */
  async readThrough(topic: string, end: number): Promise<number> {
    let bytes = 0
    for (let offset = 0; offset < end; ) {
      const position = [int32(0), int32(-1), int64(offset), int64(-1), int32(1024 * 1024)]
      const limits = [int32(-1), int32(500), int32(1), int32(50 * 1024 * 1024), int8(0), int32(0), int32(-1)]
      const wanted = [int32(1), string(topic), int32(1), ...position, int32(0), string('')]
      const answer = await this.send(FETCH, Buffer.concat([...limits, ...wanted]))
      const partition = 18 + 2 + Buffer.byteLength(topic) + 4
      const errorCode = answer.readInt16BE(partition + 4)
      if (errorCode !== 0) throw new Error(`fetch: error ${errorCode}`)
      const records = partition + 4 + 2 + 8 + 8 + 8 + 4 + 4 + 4
      const begin = offset
      for (let at = records; at + BATCH_OVERHEAD <= answer.length; ) {
        const size = 12 + answer.readInt32BE(at + 8)
        if (at + size > answer.length) break
        offset = Number(answer.readBigInt64BE(at)) + answer.readInt32BE(at + 23) + 1
        bytes += size
        at += size
      }
      if (offset === begin) throw new Error(`nothing at offset ${offset} of ${end}`)
    }
    return bytes
  }

  /**
   * A heartbeat of a member of a consumer group: at epoch 0 it joins and subscribes to `topic`. With `owned`, as the
   * answer before had them, it tells what it owns.
   */
  async groupHeartbeat(
    group: string,
    memberId: string,
    epoch: number,
    topic: string,
    owned?: Buffer,
  ): Promise<{ readonly epoch: number; readonly assignment: Buffer | undefined }> {
    const joins = epoch === 0
    const answer = await this.send(
      CONSUMER_GROUP_HEARTBEAT,
      Buffer.concat([
        compactString(group),
        compactString(memberId),
        int32(epoch),
        int8(0),
        int8(0),
        int32(joins ? 60_000 : -1),
        joins ? Buffer.concat([int8(2), compactString(topic)]) : int8(0),
        int8(0),
        int8(0),
        owned ?? int8(joins ? 1 : 0),
        int8(0),
      ]),
    )
    const errorCode = answer.readInt16BE(9)
    if (errorCode !== 0) throw new Error(`heartbeat of ${memberId}: error ${errorCode}`)
    // No message, and the member id.
    const at = 12 + answer[12]!
    const hasAssignment = answer.readInt8(at + 8) === 1
    // Behind the assignment stand its tags and those of the answer.
    return {
      epoch: answer.readInt32BE(at),
      assignment: hasAssignment ? answer.subarray(at + 9, answer.length - 2) : undefined,
    }
  }

  /** The answer, from its correlation id on. */
  send(apiKey: number, body: Buffer): Promise<Buffer> {
    const head = [int16(apiKey), int16(VERSIONS.get(apiKey)!), int32(this.#correlationId++), string('bench')]
    if (apiKey === CONSUMER_GROUP_HEARTBEAT) head.push(int8(0))
    const size = body.length + head.reduce((sum, part) => sum + part.length, 0)
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject })
      this.#socket.write(Buffer.concat([int32(size), ...head, body]))
    })
  }

  #received(chunk: Buffer): void {
    this.#chunks.push(chunk)
    this.#length += chunk.length
    while (this.#length >= this.#wanted) {
      const input = this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks)
      const end = 4 + input.readInt32BE(0)
      const isWhole = input.length >= end
      if (isWhole) this.#waiting.shift()?.resolve(input.subarray(4, end))
      const left = isWhole ? input.subarray(end) : input
      this.#chunks = [left]
      this.#length = left.length
      this.#wanted = isWhole ? 4 : end
    }
  }
}

/** Of less than 127 bytes. */
function compactString(value: string): Buffer {
  return Buffer.concat([int8(Buffer.byteLength(value) + 1), Buffer.from(value)])
}

function produceBody(topic: string, batch: Buffer, partition: number): Buffer {
  const data = [string(topic), int32(1), int32(partition), int32(batch.length), batch]
  return Buffer.concat([int16(-1), int16(-1), int32(30_000), int32(1), ...data])
}

/** A batch of `count` records without keys, whose values have `valueBytes` bytes each. */
export function recordBatch(count: number, valueBytes: number, timestampMs: number): Buffer {
  const records: Buffer[] = []
  for (let index = 0; index < count; index++) {
    const body = [
      int8(0),
      varint(0),
      varint(index),
      varint(-1),
      varint(valueBytes),
      Buffer.alloc(valueBytes, 120),
    ]
    const record = Buffer.concat([...body, varint(0)])
    records.push(varint(record.length), record)
  }
  const batch = Buffer.concat([Buffer.alloc(BATCH_OVERHEAD), ...records])
  batch.writeInt32BE(batch.length - 12, 8)
  batch.writeInt32BE(-1, 12)
  batch.writeInt8(2, 16)
  batch.writeInt32BE(count - 1, 23)
  batch.writeBigInt64BE(BigInt(timestampMs), 27)
  batch.writeBigInt64BE(BigInt(timestampMs), 35)
  batch.writeBigInt64BE(-1n, 43)
  batch.writeInt16BE(-1, 51)
  batch.writeInt32BE(-1, 53)
  batch.writeInt32BE(count, 57)
  batch.writeUInt32BE(crc32c(batch.subarray(21)), 17)
  return batch
}

function int8(value: number): Buffer {
  return Buffer.of(value)
}

function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeInt16BE(value)
  return bytes
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}

function int64(value: number): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigInt64BE(BigInt(value))
  return bytes
}

function string(value: string): Buffer {
  const bytes = Buffer.from(value)
  return Buffer.concat([int16(bytes.length), bytes])
}

function varint(value: number): Buffer {
  let left = ((value << 1) ^ (value >> 31)) >>> 0
  const bytes: number[] = []
  for (; left > 0x7f; left >>>= 7) bytes.push((left & 0x7f) | 0x80)
  bytes.push(left)
  return Buffer.from(bytes)
}
