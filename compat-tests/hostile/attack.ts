/** What an attack is, and what it is given. */
import { connect, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import type { SeededRandom } from '../../src/testing/seeded-random.ts'
import { TestClient } from '../../src/testing/test-client.ts'

export interface Attack {
  readonly name: string
  /** Not part of a short run. */
  readonly takesTime?: boolean
  /** Before the clock runs: topics to attack. */
  prepare?(context: AttackContext): Promise<void>
  /** Goes on until `isOver`; leaves connections open, which are cut afterwards. */
  run(context: AttackContext): Promise<void>
  /** Takes back what it made on purpose: topics. Whatever it made of connections the broker has to free by itself. */
  cleanUp?(context: AttackContext): Promise<void>
}

/** One attack's view of the broker. */
export class AttackContext {
  readonly host: string
  readonly port: number
  readonly random: SeededRandom
  /** 1 is the full size; connections and topics are as many times fewer in a short run. */
  readonly scale: number
  readonly #seconds: number
  #endMs = Number.POSITIVE_INFINITY
  readonly #peers = new Set<Peer>()
  readonly #clients = new Set<TestClient>()

  constructor(options: {
    readonly host: string
    readonly port: number
    readonly random: SeededRandom
    readonly scale: number
    readonly seconds: number
  }) {
    this.host = options.host
    this.port = options.port
    this.random = options.random
    this.scale = options.scale
    this.#seconds = options.seconds
  }

  begin(): void {
    this.#endMs = performance.now() + this.#seconds * 1000
  }

  isOver(): boolean {
    return performance.now() >= this.#endMs
  }

  /** `full` in a full run, at least `least` in a short one. */
  scaled(full: number, least = 1): number {
    return Math.max(least, Math.round(full * this.scale))
  }

  /** Waits until the attack is over. */
  async rest(): Promise<void> {
    while (!this.isOver()) await delay(20)
  }

  /** A connection that sends what it is told to and drops what comes, unless it does not read at all. */
  async peer(options: { readonly reads?: boolean } = {}): Promise<Peer> {
    const peer = await Peer.connect(this.host, this.port, options.reads ?? true)
    this.#peers.add(peer)
    void peer.closed.then(() => this.#peers.delete(peer))
    return peer
  }

  /** So many connections, some at a time; fewer where the broker refuses them. */
  async peers(count: number, options: { readonly reads?: boolean } = {}): Promise<Peer[]> {
    const peers: Peer[] = []
    while (peers.length < count && !this.isOver()) {
      const batch = Array.from({ length: Math.min(50, count - peers.length) }, () => this.peer(options))
      for (const outcome of await Promise.allSettled(batch))
        if (outcome.status === 'fulfilled') peers.push(outcome.value)
    }
    return peers
  }

  /** A client that keeps to the protocol. */
  async client(): Promise<TestClient> {
    const client = await TestClient.connect(this.host, this.port, 'hostile')
    this.#clients.add(client)
    return client
  }

  /** Cuts everything that is open. */
  async cut(): Promise<void> {
    const peers = [...this.#peers]
    for (const peer of peers) peer.destroy()
    await Promise.all(peers.map((peer) => peer.closed))
    for (const client of this.#clients) await client.close()
    this.#clients.clear()
  }
}

/** A connection without manners. */
export class Peer {
  readonly socket: Socket
  readonly closed: Promise<void>
  isClosed = false

  private constructor(socket: Socket, reads: boolean) {
    this.socket = socket
    const { promise, resolve } = Promise.withResolvers<void>()
    this.closed = promise
    socket.on('error', () => {})
    socket.on('end', () => socket.destroy())
    socket.on('close', () => {
      this.isClosed = true
      resolve()
    })
    // Answers that did not come in time leave their listeners until one does.
    socket.setMaxListeners(0)
    if (reads) socket.resume()
    else socket.pause()
  }

  static async connect(host: string, port: number, reads: boolean): Promise<Peer> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const socket = connect({ host, port, noDelay: true, allowHalfOpen: true })
    socket.once('error', reject)
    socket.once('connect', resolve)
    await promise
    socket.removeListener('error', reject)
    return new Peer(socket, reads)
  }

  /** Resolves when the kernel has taken it, or the connection is gone, or nothing moves for a while. */
  async send(bytes: Uint8Array): Promise<void> {
    if (this.isClosed || this.socket.write(bytes)) return
    const { promise, resolve } = Promise.withResolvers<void>()
    this.socket.once('drain', resolve)
    await Promise.race([promise, this.closed, delay(250)])
  }

  /** Waits for some bytes of an answer, or the end, or a while. */
  async heard(): Promise<void> {
    if (this.isClosed) return
    const { promise, resolve } = Promise.withResolvers<void>()
    this.socket.once('data', () => resolve())
    await Promise.race([promise, this.closed, delay(250)])
  }

  destroy(): void {
    this.socket.resetAndDestroy()
  }
}
