import { fetchRequest } from '../../../wire/schemas/01-fetch.ts'
import { type Link, LinkBroken } from '../link.ts'
import type { Actor, Scene, SimulatedPartition } from '../scene.ts'

const MAX_BYTES = 1024 * 1024

/** A client that asks for a lot and does not read the answers. */
export class Sluggard implements Actor {
  readonly name = 'sluggard'
  readonly #scene: Scene
  readonly #link: Link
  readonly #partitions: readonly SimulatedPartition[]

  constructor(scene: Scene, partitions: readonly SimulatedPartition[]) {
    this.#scene = scene
    this.#link = scene.link(this.name)
    this.#partitions = partitions
  }

  async run(): Promise<void> {
    const { world } = this.#scene
    const { random } = this.#link
    while (!this.#scene.isEnding) {
      await this.#scene.passGate()
      try {
        const { socket } = await this.#link.connected()
        socket.pause()
        for (let requests = random.integer(1, 20); requests > 0; requests--) await this.#ask()
        await world.sleep(random.float() * 1000)
        socket.resume()
        await world.sleep(random.float() * 100)
      } catch (error) {
        if (!(error instanceof LinkBroken)) throw error
        await world.sleep(50)
      }
      await this.#link.close()
    }
  }

  async #ask(): Promise<void> {
    const { topic, topicId, index } = this.#link.random.pick(this.#partitions)
    const partitions = [{ partition: index, fetchOffset: 0, partitionMaxBytes: MAX_BYTES }]
    await this.#link.tell(fetchRequest, 16, {
      maxWaitMs: 100,
      minBytes: 1,
      maxBytes: MAX_BYTES,
      topics: [{ topic, topicId, partitions }],
    })
    this.#scene.count('asked and not read')
  }
}
