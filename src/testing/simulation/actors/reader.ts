import { ErrorCode, isRetriable } from '../../../wire/error-codes.ts'
import { askForStart, fetchOnce } from '../fetching.ts'
import { type Link, LinkBroken } from '../link.ts'
import type { Actor, Scene, SimulatedPartition } from '../scene.ts'

/** Reads partitions from the beginning on, again and again; what has to be true of each answer, fetchOnce checks. */
export class Reader implements Actor {
  readonly name: string
  readonly #scene: Scene
  readonly #link: Link
  readonly #partitions: readonly SimulatedPartition[]
  readonly #readCommitted: boolean

  constructor(scene: Scene, name: string, partitions: readonly SimulatedPartition[], readCommitted: boolean) {
    this.name = name
    this.#scene = scene
    this.#link = scene.link(name)
    this.#partitions = partitions
    this.#readCommitted = readCommitted
  }

  async run(): Promise<void> {
    const { random } = this.#link
    const positions = new Map<SimulatedPartition, number>()
    while (!this.#scene.isEnding) {
      await this.#scene.passGate()
      const partition = random.pick(this.#partitions)
      const position = random.chance(0.05) ? 0 : (positions.get(partition) ?? 0)
      positions.set(partition, await this.#read(partition, position))
      if (random.chance(0.3)) await this.#scene.world.sleep(random.float() * 50)
    }
    await this.#link.close()
  }

  async #read(partition: SimulatedPartition, position: number): Promise<number> {
    const { world } = this.#scene
    const { random } = this.#link
    try {
      const fetched = await fetchOnce(this.#scene, this.#link, partition, position, {
        readCommitted: this.#readCommitted,
        maxWaitMs: random.pick([0, 100, 500]),
        maxBytes: random.pick([1, 300, 1024 * 1024]),
      })
      const { errorCode, entries, nextOffset } = fetched
      world.note(
        this.name,
        `${partition.history.name} @${position} -> ${errorCode} ${entries.length} to ${nextOffset}`,
      )
      this.#scene.count(this.#readCommitted ? 'read committed' : 'read', entries.length)
      if (errorCode === ErrorCode.NONE) return nextOffset
      if (errorCode === ErrorCode.OFFSET_OUT_OF_RANGE) return await this.#outOfRange(partition, position)
      world.check(isRetriable(errorCode), () => `${this.name}: fetch fails for good with ${errorCode}`)
    } catch (error) {
      if (!(error instanceof LinkBroken)) throw error
    }
    await world.sleep(50 + random.float() * 100)
    return position
  }

  /** The log was cut at one of its ends; where a reader stood that has read no further than it may, only at its start. */
  async #outOfRange(partition: SimulatedPartition, position: number): Promise<number> {
    const { world, losses } = this.#scene
    const { history } = partition
    world.check(
      history.mayBeGone(position) || losses > 0,
      () => `${this.name}: ${history.name} does not know ${position}, which was read up to`,
    )
    return (await askForStart(this.#link, partition)) ?? position
  }
}
