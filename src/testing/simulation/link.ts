import type { Message } from '../../wire/schema.ts'
import type { SeededRandom } from '../seeded-random.ts'
import { TestClient } from '../test-client.ts'
import { BROKER_PORT, type Machine } from './machine.ts'
import type { World } from './world.ts'

/** Nobody knows whether what was asked for last has happened. */
export class LinkBroken extends Error {
  override name = 'LinkBroken'
}

/** Nothing that is asked here may take as long as this: joins and long polls end before. */
const MAX_ANSWER_MS = 120_000
/** Of a request to be given up by its client before the answer. */
const IMPATIENCE = 0.004
const MAX_PATIENCE_MS = 100

/** A client's way to the broker: a connection that is made when it is needed, and made again when it was lost. */
export class Link {
  readonly name: string
  readonly random: SeededRandom
  readonly #world: World
  readonly #machine: Machine
  /** While it is not, there is no way to the broker. */
  readonly #isOpen: () => boolean
  #client: TestClient | undefined
  #life = 0
  /** Waits for every answer. */
  isPatient = false

  constructor(world: World, machine: Machine, name: string, isOpen: () => boolean) {
    this.#world = world
    this.#machine = machine
    this.name = name
    this.#isOpen = isOpen
    this.random = world.random.fork()
  }

  get isConnected(): boolean {
    return this.#client !== undefined
  }

  /** Which process on the machine the connection leads to. */
  get life(): number {
    return this.#life
  }

  /** Whether it leads to the process that runs now. */
  get isCurrent(): boolean {
    return this.#machine.isRunning && this.#life === this.#machine.lives
  }

  /** Rejects with LinkBroken where no answer came and none will. */
  async ask<Input, Value>(
    request: Message<unknown, Input>,
    response: Message<Value, unknown>,
    version: number,
    input: NoInfer<Input>,
  ): Promise<Value> {
    const client = await this.connected()
    const answer = client.send(request, response, version, input)
    return this.#within(client, request.name, answer)
  }

  /** Sends what has no answer. */
  async tell<Input>(request: Message<unknown, Input>, version: number, input: NoInfer<Input>): Promise<void> {
    const client = await this.connected()
    client.sendOneWay(request, version, input)
  }

  async connected(): Promise<TestClient> {
    if (this.#client !== undefined) return this.#client
    try {
      const socket = await this.#machine.network.connect(BROKER_PORT)
      const client = TestClient.over(socket, this.name)
      if (!this.#isOpen()) {
        await client.close()
        throw new LinkBroken('nobody is let in')
      }
      this.#client = client
      this.#life = this.#machine.lives
      void client.closed.then(() => {
        if (this.#client === client) this.#client = undefined
      })
      return client
    } catch (cause) {
      throw new LinkBroken('no connection', { cause })
    }
  }

  /** Waits for what a request of this connection gives, so long as that may take. */
  async #within<T>(client: TestClient, what: string, answer: Promise<T>): Promise<T> {
    const timer = this.#world.clock.setTimer(MAX_ANSWER_MS, () =>
      this.#world.violated(`${this.name}: ${what} is not answered`),
    )
    const impatience =
      !this.isPatient && this.random.chance(IMPATIENCE)
        ? this.#world.clock.setTimer(this.random.float() * MAX_PATIENCE_MS, () => this.#giveUp(client, what))
        : undefined
    try {
      return await answer
    } catch (cause) {
      // Anything but the end of the connection is an answer that it should not be.
      if (!client.isEnded) this.#world.violated(`${this.name}: ${what}: ${cause}`)
      if (this.#client === client) this.#client = undefined
      throw new LinkBroken(`${what} lost`, { cause })
    } finally {
      timer.cancel()
      impatience?.cancel()
    }
  }

  #giveUp(client: TestClient, what: string): void {
    this.#world.note(this.name, `gives up waiting for ${what}`)
    client.socket.destroy()
  }

  async close(): Promise<void> {
    const client = this.#client
    this.#client = undefined
    if (client !== undefined) await client.close()
  }
}
