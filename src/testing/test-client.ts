import { connect, type Socket } from 'node:net'
import { type Api, apiByKey } from '../wire/apis.ts'
import { decode } from '../wire/codec.ts'
import { encodeRequest, readResponseHead } from '../wire/frame.ts'
import { Reader } from '../wire/reader.ts'
import type { Message, MessageSchema } from '../wire/schema.ts'

interface Waiting {
  readonly correlationId: number
  resolve(frame: Buffer): void
  reject(error: Error): void
}

/**
 * A client that speaks the protocol by the broker's own schemas, one connection, and does nothing by itself: no
 * retries, no metadata, no versions. Requests may be sent without waiting for the answers before them.
 */
export class TestClient {
  readonly socket: Socket
  readonly clientId: string | null
  #received: Buffer[] = []
  #receivedBytes = 0
  #correlationId = 0
  readonly #waiting: Waiting[] = []
  readonly #closed = Promise.withResolvers<void>()
  #ended: Error | undefined

  private constructor(socket: Socket, clientId: string | null) {
    this.socket = socket
    this.clientId = clientId
    socket.setNoDelay(true)
    socket.on('data', (chunk: Buffer) => this.#read(chunk))
    socket.on('end', () => this.#fail(new Error('the broker closed the connection')))
    socket.on('error', (error) => this.#fail(error))
    socket.on('close', () => {
      this.#fail(new Error('the connection is closed'))
      this.#closed.resolve()
    })
  }

  static async connect(
    host: string,
    port: number,
    clientId: string | null = 'test-client',
  ): Promise<TestClient> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const socket = connect({ host, port })
    socket.once('error', reject)
    socket.once('connect', resolve)
    await promise
    socket.removeListener('error', reject)
    return new TestClient(socket, clientId)
  }

  /** Over a socket that is connected. */
  static over(socket: Socket, clientId: string | null = 'test-client'): TestClient {
    return new TestClient(socket, clientId)
  }

  /** Resolves when the connection has ended, by whichever side. */
  get closed(): Promise<void> {
    return this.#closed.promise
  }

  get isEnded(): boolean {
    return this.#ended !== undefined
  }

  /** Sends and gives the decoded answer; the API is that of the request's key. Rejects when the connection ends first. */
  async send<Input, Value>(
    request: Message<unknown, Input>,
    response: Message<Value, unknown>,
    version: number,
    input: NoInfer<Input>,
  ): Promise<Value> {
    const api = apiOf(request)
    const correlationId = this.sendOneWay(request, version, input)
    const frame = await this.answer(correlationId)
    const reader = new Reader(frame)
    readResponseHead(api, version, reader)
    const value = decode(response, version, reader)
    if (reader.remaining > 0) throw new Error(`${reader.remaining} bytes behind ${response.name} v${version}`)
    return value
  }

  /** Sends a request that has no answer (Produce with acks=0), or whose answer `answer` awaits; gives its correlation id. */
  sendOneWay<Input>(request: Message<unknown, Input>, version: number, input: NoInfer<Input>): number {
    const correlationId = this.#correlationId++
    const head = { correlationId, clientId: this.clientId }
    this.socket.cork()
    for (const buffer of encodeRequest(apiOf(request), version, head, input)) this.socket.write(buffer)
    this.socket.uncork()
    return correlationId
  }

  /** Sends bytes as they are. */
  sendRaw(bytes: Uint8Array): void {
    this.socket.write(bytes)
  }

  /** The next frame without its length prefix; it has to bear this correlation id. */
  answer(correlationId: number): Promise<Buffer> {
    const { promise, resolve, reject } = Promise.withResolvers<Buffer>()
    if (this.#ended !== undefined) reject(this.#ended)
    else {
      this.#waiting.push({ correlationId, resolve, reject })
      this.#deliver()
    }
    return promise
  }

  /** Closes both ways and waits until it is done. */
  async close(): Promise<void> {
    this.socket.destroy()
    await this.#closed.promise
  }

  #read(chunk: Buffer): void {
    this.#received.push(chunk)
    this.#receivedBytes += chunk.length
    this.#deliver()
  }

  #deliver(): void {
    while (this.#waiting.length > 0 && this.#receivedBytes >= 4) {
      let first = this.#received[0]!
      if (first.length < 4) {
        first = Buffer.concat(this.#received)
        this.#received = [first]
      }
      const end = 4 + first.readInt32BE(0)
      if (this.#receivedBytes < end) return
      const all = this.#received.length === 1 ? first : Buffer.concat(this.#received)
      this.#received = all.length === end ? [] : [all.subarray(end)]
      this.#receivedBytes -= end
      const frame = all.subarray(4, end)
      const waiting = this.#waiting.shift()!
      const correlationId = frame.readInt32BE(0)
      if (correlationId === waiting.correlationId) waiting.resolve(frame)
      else waiting.reject(new Error(`answer ${correlationId} came where ${waiting.correlationId} was due`))
    }
  }

  #fail(error: Error): void {
    this.#ended ??= error
    for (const waiting of this.#waiting.splice(0)) waiting.reject(error)
  }
}

function apiOf(request: MessageSchema): Api {
  const api = request.key === undefined ? undefined : apiByKey(request.key)
  if (api === undefined) throw new TypeError(`${request.name} is not a request of an API`)
  return api
}
