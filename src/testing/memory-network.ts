import type { Socket } from 'node:net'
import type { Clock } from '../base/clock.ts'
import type { BoundListener, Listen, ListenerEvents, ListenerOptions } from '../net/listener.ts'
import { MemoryPipe, type Travel } from './memory-pipe.ts'
import { MemorySocket, type Outgoing } from './memory-socket.ts'
import type { SeededRandom } from './seeded-random.ts'

interface Connection {
  readonly client: MemorySocket
  readonly toServer: MemoryPipe
  readonly toClient: MemoryPipe
}

interface Bound {
  readonly options: ListenerOptions
  readonly events: ListenerEvents
}

const FIRST_CHOSEN_PORT = 20_000
const FIRST_CLIENT_PORT = 40_000
const CLIENT_ADDRESS = '10.0.0.2'
const SERVER_ADDRESS = '10.0.0.1'

const FAST: Travel = { minDelayMs: 0.02, maxDelayMs: 0.5, splitChance: 0, stallChance: 0 }
const USUAL: Travel = { minDelayMs: 0.05, maxDelayMs: 3, splitChance: 0.15, stallChance: 0.002 }
const POOR: Travel = { minDelayMs: 1, maxDelayMs: 60, splitChance: 0.5, stallChance: 0.02 }

/** A network within the process: connections whose bytes take a seeded time, in parts of a seeded size. */
export class MemoryNetwork {
  readonly #clock: Clock
  readonly #random: SeededRandom
  readonly #bound = new Map<number, Bound>()
  /** Until the client has closed its end. */
  readonly #connections = new Set<Connection>()
  /** Sockets that the server has not closed. */
  openServerSockets = 0
  #processes = 0
  #nextPort = FIRST_CHOSEN_PORT
  #nextClientPort = FIRST_CLIENT_PORT

  constructor(clock: Clock, random: SeededRandom) {
    this.#clock = clock
    this.#random = random
  }

  /** To be handed to a server. */
  readonly listen: Listen = async (options, _backlog, events): Promise<BoundListener> => {
    const port = options.port === 0 ? this.#nextPort++ : options.port
    const bound: Bound = { options, events }
    if (this.#bound.has(port))
      throw Object.assign(new Error(`port ${port} is in use`), { code: 'EADDRINUSE' })
    this.#bound.set(port, bound)
    return {
      options,
      port,
      close: async () => {
        if (this.#bound.get(port) === bound) this.#bound.delete(port)
      },
    }
  }

  /** Rejects where nobody listens, as a refused connection. */
  async connect(port: number): Promise<Socket> {
    await this.#delay()
    const bound = this.#bound.get(port)
    if (bound === undefined) throw Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' })
    const { client, server } = this.#pair(port)
    bound.events.onConnection(asSocket(server), bound.options)
    return asSocket(client)
  }

  /** A random connection is lost; what was under way is, too, or not. */
  dropOne(): void {
    if (this.#connections.size === 0) return
    const dropped = this.#random.pick([...this.#connections])
    dropped.toClient.reset(this.#random.chance(0.5))
    dropped.toServer.reset(this.#random.chance(0.5))
  }

  /**
   * The process that listens is gone: its sockets are never heard of again, its clients find out. With `lose`, nothing
   * more of what it, or one before it, had answered arrives.
   */
  cut(lose: boolean): void {
    for (const { toServer, toClient } of this.#connections) {
      toServer.close()
      toClient.reset(lose || this.#random.chance(0.5))
    }
    this.#bound.clear()
    this.openServerSockets = 0
    this.#processes++
  }

  async #delay(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#clock.setTimer(this.#random.float(), resolve)
    await promise
  }

  #pair(port: number): { client: MemorySocket; server: MemorySocket } {
    const travel = this.#random.pick([FAST, FAST, USUAL, USUAL, USUAL, POOR])
    const toServer = new MemoryPipe(this.#clock, this.#random.fork(), travel)
    const toClient = new MemoryPipe(this.#clock, this.#random.fork(), travel)
    const process = this.#processes
    const clientPort = this.#nextClientPort++
    const here = { localAddress: CLIENT_ADDRESS, localPort: clientPort }
    const client = new MemorySocket(
      { ...here, remoteAddress: SERVER_ADDRESS, remotePort: port },
      outgoing(toServer, toClient, () => this.#connections.delete(connection)),
      { allowHalfOpen: false },
    )
    const server = new MemorySocket(
      {
        localAddress: SERVER_ADDRESS,
        localPort: port,
        remoteAddress: CLIENT_ADDRESS,
        remotePort: clientPort,
      },
      outgoing(toClient, toServer, () => {
        if (this.#processes === process) this.openServerSockets--
      }),
      { allowHalfOpen: true },
    )
    const connection: Connection = { client, toServer, toClient }
    toServer.connect(server)
    toClient.connect(client)
    this.#connections.add(connection)
    this.openServerSockets++
    return { client, server }
  }
}

/** Of one end: `out` carries what it sends, `back` what comes to it. */
function outgoing(out: MemoryPipe, back: MemoryPipe, gone: () => void): Outgoing {
  let isEnded = false
  return {
    send: (bytes, taken) => out.send(bytes, taken),
    end: () => {
      isEnded = true
      out.end()
    },
    abort: () => {
      back.close()
      if (!isEnded) out.reset(false)
      gone()
    },
    wanted: () => back.resume(),
  }
}

/** Servers and clients use of a socket what a MemorySocket has. */
function asSocket(socket: MemorySocket): Socket {
  return socket as unknown as Socket
}
