import { isRetriable } from '../../../wire/error-codes.ts'
import { offsetCommitRequest, offsetCommitResponse } from '../../../wire/schemas/08-offset-commit.ts'
import { offsetFetchRequest, offsetFetchResponse } from '../../../wire/schemas/09-offset-fetch.ts'
import { type Link, LinkBroken } from '../link.ts'
import { NOTHING } from '../register.ts'
import type { Actor, Scene, SimulatedPartition } from '../scene.ts'

export interface Committing {
  readonly group: string
  readonly memberId: string
  /** Generation or member epoch. */
  readonly generation: number
}

/** Commits an offset that nobody else commits; gives the error code. Rejects with LinkBroken. */
export async function commitOnce(
  scene: Scene,
  link: Link,
  partition: SimulatedPartition,
  { group, memberId, generation }: Committing,
  versions: readonly number[] = [8, 9, 10],
): Promise<number> {
  const committedOffset = scene.offsets.next()
  const write = scene.offsets.of(group, partition).write(String(committedOffset))
  const { topics } = await link.ask(offsetCommitRequest, offsetCommitResponse, link.random.pick(versions), {
    groupId: group,
    memberId,
    generationIdOrMemberEpoch: generation,
    topics: [
      {
        name: partition.topic,
        topicId: partition.topicId,
        partitions: [{ partitionIndex: partition.index, committedOffset, committedMetadata: '' }],
      },
    ],
  })
  const { errorCode } = topics[0]!.partitions[0]!
  scene.world.note(link.name, `commits ${committedOffset} in ${partition.history.name} -> ${errorCode}`)
  if (errorCode === 0) {
    write.acknowledged()
    scene.count('offsets committed')
  } else if (!isRetriable(errorCode)) write.refused()
  return errorCode
}

/** Asks for a committed offset and compares it with what it may be. Rejects with LinkBroken. */
async function readCommittedOffset(
  scene: Scene,
  link: Link,
  partition: SimulatedPartition,
  group: string,
): Promise<number> {
  const askedAt = scene.world.tick()
  const { groups } = await link.ask(offsetFetchRequest, offsetFetchResponse, link.random.pick([8, 9]), {
    groups: [{ groupId: group, topics: [{ name: partition.topic, partitionIndexes: [partition.index] }] }],
    requireStable: true,
  })
  const found = groups[0]!
  const offset = found.topics[0]?.partitions[0]
  const errorCode = found.errorCode !== 0 ? found.errorCode : (offset?.errorCode ?? 0)
  if (errorCode === 0 && offset !== undefined) {
    const { committedOffset } = offset
    const value = committedOffset === -1n ? NOTHING : String(committedOffset)
    scene.world.note(link.name, `${group} in ${partition.history.name} is at ${value}`)
    scene.offsets.of(group, partition).read(value, askedAt)
    scene.count('offsets read')
  }
  return errorCode
}

/** Commits and reads offsets of a group without being a member of it; reads those of other groups. */
export class OffsetCommitter implements Actor {
  readonly name: string
  readonly #scene: Scene
  readonly #link: Link
  readonly #group: string
  readonly #read: readonly string[]
  readonly #partitions: readonly SimulatedPartition[]

  constructor(
    scene: Scene,
    name: string,
    options: {
      readonly group: string
      readonly read: readonly string[]
      readonly partitions: readonly SimulatedPartition[]
    },
  ) {
    this.name = name
    this.#scene = scene
    this.#link = scene.link(name)
    this.#group = options.group
    this.#read = options.read
    this.#partitions = options.partitions
  }

  async run(): Promise<void> {
    const { world } = this.#scene
    const { random } = this.#link
    while (!this.#scene.isEnding) {
      await this.#scene.passGate()
      const partition = random.pick(this.#partitions)
      try {
        const errorCode = random.chance(0.5)
          ? await commitOnce(this.#scene, this.#link, partition, {
              group: this.#group,
              memberId: '',
              generation: -1,
            })
          : await readCommittedOffset(
              this.#scene,
              this.#link,
              partition,
              random.pick([this.#group, ...this.#read]),
            )
        world.check(
          errorCode === 0 || isRetriable(errorCode),
          () => `${this.name}: refused for good with ${errorCode}`,
        )
      } catch (error) {
        if (!(error instanceof LinkBroken)) throw error
      }
      await world.sleep(random.float() * 120)
    }
    await this.#link.close()
  }
}
