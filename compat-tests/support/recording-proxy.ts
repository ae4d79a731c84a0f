import { connect, createServer, type Server, type Socket } from 'node:net'

/** Versions by API key, each ascending. */
export type SpokenVersions = ReadonlyMap<number, readonly number[]>

/** Passes bytes between clients and a broker, and notes which version of which API each request was. */
export class RecordingProxy {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  readonly #versions = new Map<number, Set<number>>()
  readonly port: number
  /** The broker's port; to be set before a client connects. */
  target = 0

  private constructor(server: Server, port: number) {
    this.#server = server
    this.port = port
    server.on('connection', (client) => this.#join(client))
  }

  static async open(port = 0): Promise<RecordingProxy> {
    const server = createServer({ noDelay: true })
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    server.once('error', reject)
    server.listen(port, '127.0.0.1', resolve)
    await promise
    const address = server.address()
    return new RecordingProxy(server, typeof address === 'object' && address !== null ? address.port : port)
  }

  get versions(): SpokenVersions {
    const entries = [...this.#versions].sort(([a], [b]) => a - b)
    return new Map(entries.map(([key, versions]) => [key, [...versions].sort((a, b) => a - b)]))
  }

  async close(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#server.close(() => resolve())
    for (const socket of this.#sockets) socket.destroy()
    await promise
  }

  #join(client: Socket): void {
    const broker = connect({ host: '127.0.0.1', port: this.target, noDelay: true })
    const note = requestHeads((apiKey, version) => {
      const versions = this.#versions.get(apiKey) ?? new Set()
      this.#versions.set(apiKey, versions.add(version))
    })
    client.on('data', note)
    client.pipe(broker)
    broker.pipe(client)
    for (const [socket, other] of [
      [client, broker],
      [broker, client],
    ] as const) {
      this.#sockets.add(socket)
      // Whatever ends one side ends the other.
      socket.on('error', () => other.destroy())
      socket.on('close', () => {
        this.#sockets.delete(socket)
        other.destroy()
      })
    }
  }
}

/** Takes the bytes of one connection as they come and tells API key and version of each request among them. */
function requestHeads(tell: (apiKey: number, version: number) => void): (chunk: Buffer) => void {
  const head = Buffer.alloc(8)
  let headBytes = 0
  let toSkip = 0
  return (chunk) => {
    for (let at = 0; at < chunk.length; ) {
      if (toSkip > 0) {
        const skipped = Math.min(toSkip, chunk.length - at)
        toSkip -= skipped
        at += skipped
        continue
      }
      const copied = chunk.copy(head, headBytes, at)
      headBytes += copied
      at += copied
      if (headBytes < head.length) return
      tell(head.readInt16BE(4), head.readInt16BE(6))
      headBytes = 0
      toSkip = head.readInt32BE(0) - 4
    }
  }
}
