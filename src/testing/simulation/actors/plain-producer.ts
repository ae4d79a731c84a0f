import { isRetriable } from '../../../wire/error-codes.ts'
import { type Link, LinkBroken } from '../link.ts'
import { value } from '../partition-history.ts'
import { produceOnce, produceUnasked } from '../producing.ts'
import type { Actor, Scene, SimulatedPartition } from '../scene.ts'

const MAX_ATTEMPTS = 4

/** A producer without idempotence: retries may write a record twice, never lose what was acknowledged. */
export class PlainProducer implements Actor {
  readonly name: string
  readonly #scene: Scene
  readonly #link: Link
  readonly #partitions: readonly SimulatedPartition[]
  readonly #acks: 0 | 1 | -1
  #next = 0

  constructor(scene: Scene, name: string, partitions: readonly SimulatedPartition[], acks: 0 | 1 | -1) {
    this.name = name
    this.#scene = scene
    this.#link = scene.link(name)
    this.#partitions = partitions
    this.#acks = acks
  }

  async run(): Promise<void> {
    const { random } = this.#link
    while (!this.#scene.isEnding) {
      await this.#scene.passGate()
      const count = random.integer(1, 4)
      const values = Array.from({ length: count }, () => value(this.name, this.#next++, this.#acks !== 0))
      const partition = random.pick(this.#partitions)
      await (this.#acks === 0 ? this.#sendOnce(partition, values) : this.#send(partition, values, this.#acks))
      await this.#scene.world.sleep(random.float() * 60)
    }
    await this.#link.close()
  }

  async #sendOnce(partition: SimulatedPartition, values: readonly string[]): Promise<void> {
    partition.history.attempted(values)
    try {
      await produceUnasked(this.#link, partition, { values }, this.#scene.world.clock.now())
      this.#scene.count('sent without acks')
    } catch (error) {
      if (!(error instanceof LinkBroken)) throw error
    }
  }

  async #send(partition: SimulatedPartition, values: readonly string[], acks: 1 | -1): Promise<void> {
    const { world } = this.#scene
    const { random } = this.#link
    const compression = random.pick(['none', 'none', 'gzip', 'snappy', 'lz4', 'zstd'] as const)
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      partition.history.attempted(values)
      try {
        const batch = { values, compression }
        const { errorCode, baseOffset } = await produceOnce(
          this.#link,
          partition,
          batch,
          acks,
          world.clock.now(),
        )
        world.note(this.name, `${partition.history.name} ${values.join(' ')} -> ${errorCode} @${baseOffset}`)
        if (errorCode === 0) {
          partition.history.acknowledged(baseOffset, values)
          this.#scene.count('acknowledged', values.length)
          return
        }
        world.check(isRetriable(errorCode), () => `${this.name}: refused for good with ${errorCode}`)
      } catch (error) {
        if (!(error instanceof LinkBroken)) throw error
        world.note(this.name, `${values.join(' ')} ${error.message}`)
      }
      await world.sleep(20 + random.float() * 100)
      await this.#scene.passGate()
    }
  }
}
