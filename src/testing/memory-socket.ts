import { Duplex } from 'node:stream'

/** Where one end's bytes go. */
export interface Outgoing {
  /** `taken` is called when there is room for more. */
  send(bytes: Buffer, taken: () => void): void
  /** Nothing more comes. */
  end(): void
  /** The end is gone, with whatever it had not sent or read. */
  abort(): void
  /** The end has room for what comes to it. */
  wanted(): void
}

export interface SocketAddresses {
  readonly localAddress: string
  readonly localPort: number
  readonly remoteAddress: string
  readonly remotePort: number
}

/** One end of a connection in memory: as much of a `node:net` socket as servers and clients here use. */
export class MemorySocket extends Duplex {
  readonly localAddress: string
  readonly localPort: number
  readonly remoteAddress: string
  readonly remotePort: number
  readonly #outgoing: Outgoing
  #isEnded = false

  constructor(addresses: SocketAddresses, outgoing: Outgoing, options: { readonly allowHalfOpen: boolean }) {
    super({ ...options, emitClose: true })
    this.localAddress = addresses.localAddress
    this.localPort = addresses.localPort
    this.remoteAddress = addresses.remoteAddress
    this.remotePort = addresses.remotePort
    this.#outgoing = outgoing
  }

  setNoDelay(): this {
    return this
  }

  /** Bytes arrive; false when no more should come until `wanted`. */
  deliver(bytes: Buffer): boolean {
    if (this.destroyed || this.#isEnded) return true
    return this.push(bytes)
  }

  /** The other side has sent all. */
  deliverEnd(): void {
    if (this.destroyed || this.#isEnded) return
    this.#isEnded = true
    this.push(null)
  }

  /** The connection is gone. */
  reset(): void {
    this.destroy(Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' }))
  }

  override _read(): void {
    this.#outgoing.wanted()
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    // The writer may use its memory again once it is told that the bytes are taken.
    this.#outgoing.send(Buffer.from(chunk), done)
  }

  override _writev(chunks: { chunk: Buffer }[], done: () => void): void {
    this.#outgoing.send(Buffer.concat(chunks.map(({ chunk }) => chunk)), done)
  }

  override _final(done: () => void): void {
    this.#outgoing.end()
    done()
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#outgoing.abort()
    done(error)
  }
}
