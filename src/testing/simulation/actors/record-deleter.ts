import { isRetriable } from '../../../wire/error-codes.ts'
import { deleteRecordsRequest, deleteRecordsResponse } from '../../../wire/schemas/21-delete-records.ts'
import { type Link, LinkBroken } from '../link.ts'
import type { Actor, Scene, SimulatedPartition } from '../scene.ts'

/** Deletes records from the beginning of partitions; where the log starts, it starts for everybody from then on. */
export class RecordDeleter implements Actor {
  readonly name = 'deleter'
  readonly #scene: Scene
  readonly #link: Link
  readonly #partitions: readonly SimulatedPartition[]

  constructor(scene: Scene, partitions: readonly SimulatedPartition[]) {
    this.#scene = scene
    this.#link = scene.link(this.name)
    this.#partitions = partitions
  }

  async run(): Promise<void> {
    const { random } = this.#link
    while (!this.#scene.isEnding) {
      await this.#scene.passGate()
      try {
        await this.#delete(random.pick(this.#partitions))
      } catch (error) {
        if (!(error instanceof LinkBroken)) throw error
      }
      await this.#scene.world.sleep(100 + random.float() * 400)
    }
    await this.#link.close()
  }

  async #delete({ topic, index, history }: SimulatedPartition): Promise<void> {
    const { world } = this.#scene
    // What is below may be gone as soon as it is asked for.
    const offset = this.#link.random.integer(history.logStartOffset, history.highWatermark)
    history.deletionAsked(offset)
    const { topics } = await this.#link.ask(deleteRecordsRequest, deleteRecordsResponse, 2, {
      topics: [{ name: topic, partitions: [{ partitionIndex: index, offset }] }],
      timeoutMs: 5000,
    })
    const { errorCode, lowWatermark } = topics[0]!.partitions[0]!
    world.note(this.name, `${history.name} below ${offset} -> ${errorCode} ${lowWatermark}`)
    if (errorCode === 0) {
      this.#scene.count('records deleted')
      world.check(
        lowWatermark >= offset,
        () => `${history.name}: low watermark ${lowWatermark}, below ${offset}`,
      )
      if (this.#link.isCurrent) history.startsAt(lowWatermark)
      return
    }
    world.check(isRetriable(errorCode), () => `${this.name}: refused for good with ${errorCode}`)
  }
}
