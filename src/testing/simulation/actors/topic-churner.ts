import { ErrorCode, isRetriable } from '../../../wire/error-codes.ts'
import { metadataRequest, metadataResponse } from '../../../wire/schemas/03-metadata.ts'
import { createTopicsRequest, createTopicsResponse } from '../../../wire/schemas/19-create-topics.ts'
import { deleteTopicsRequest, deleteTopicsResponse } from '../../../wire/schemas/20-delete-topics.ts'
import { fetchOnce } from '../fetching.ts'
import { type Link, LinkBroken } from '../link.ts'
import { PartitionHistory } from '../partition-history.ts'
import { produceOnce } from '../producing.ts'
import type { Actor, Scene, SimulatedPartition } from '../scene.ts'

const TIMEOUT_MS = 5000
const MAX_BYTES = 1024 * 1024

/**
 * Makes a topic and deletes it again and again: it is there from the one answer until the other, whatever happens
 * between, and a new one is empty. Commits of metadata are synced, so that this holds after a power cut, too.
 */
export class TopicChurner implements Actor {
  readonly name = 'churner'
  readonly #scene: Scene
  readonly #link: Link
  #names = 0
  #values = 0
  /** Undefined while there is none by this name. */
  #topicId: string | undefined
  /** Of the topic that was made last. */
  #partition: SimulatedPartition | undefined

  constructor(scene: Scene) {
    this.#scene = scene
    this.#link = scene.link(this.name)
  }

  async run(): Promise<void> {
    const { random } = this.#link
    while (!this.#scene.isEnding) {
      await this.#scene.passGate()
      try {
        if (random.chance(0.3)) await this.#look()
        else if (this.#topicId === undefined) await this.#change(() => this.#make())
        else if (random.chance(0.25)) await this.#read()
        else await this.#change(() => this.#delete(this.#topicId!))
      } catch (error) {
        if (!(error instanceof LinkBroken)) throw error
      }
      await this.#scene.world.sleep(random.float() * 100)
    }
    await this.#link.close()
  }

  get #topic(): string {
    return `come-and-go-${this.#names}`
  }

  /** Where nobody knows whether it happened, or will, another name is taken. */
  async #change(change: () => Promise<number>): Promise<void> {
    let isKnown = false
    try {
      const errorCode = await change()
      this.#scene.world.note(this.name, `${this.#topic} -> ${errorCode} ${this.#topicId}`)
      this.#scene.world.check(
        errorCode === ErrorCode.NONE || isRetriable(errorCode),
        () => `${this.name}: a change of ${this.#topic} is refused for good with ${errorCode}`,
      )
      isKnown = errorCode === ErrorCode.NONE
    } finally {
      if (!isKnown) {
        this.#names++
        this.#topicId = undefined
      }
    }
  }

  async #make(): Promise<number> {
    const { topics } = await this.#link.ask(createTopicsRequest, createTopicsResponse, 7, {
      topics: [{ name: this.#topic, numPartitions: 2, replicationFactor: 1, assignments: [], configs: [] }],
      timeoutMs: TIMEOUT_MS,
    })
    const { errorCode, topicId } = topics[0]!
    if (errorCode !== ErrorCode.NONE) return errorCode
    this.#topicId = topicId
    this.#scene.count('topics made')
    await this.#produce(topicId)
    return errorCode
  }

  /** The first records of a topic. */
  async #produce(topicId: string): Promise<void> {
    const { world } = this.#scene
    const history = new PartitionHistory(world, `${this.#topic}-0`)
    const partition = { topic: this.#topic, topicId, index: 0, isCompacted: false, history }
    this.#partition = partition
    const batch = { values: [`${this.name}:${this.#values++}`] }
    history.attempted(batch.values)
    const { errorCode, baseOffset } = await produceOnce(this.#link, partition, batch, -1, world.clock.now())
    world.check(
      errorCode === ErrorCode.NONE ? baseOffset === 0 : isRetriable(errorCode),
      () => `${this.#topic}: the first record gets offset ${baseOffset} and error ${errorCode}`,
    )
  }

  /** Nothing is there that was not sent to this one, whatever those before it under its name had. */
  async #read(): Promise<void> {
    const options = { readCommitted: false, maxWaitMs: 0, maxBytes: MAX_BYTES }
    const partition = this.#partition!
    // A power cut may have taken what was in it.
    if (this.#scene.isLossy) partition.history.lost()
    await fetchOnce(this.#scene, this.#link, partition, 0, options)
  }

  async #delete(topicId: string): Promise<number> {
    const input = { topics: [{ topicId }], timeoutMs: TIMEOUT_MS }
    const { responses } = await this.#link.ask(deleteTopicsRequest, deleteTopicsResponse, 6, input)
    const { errorCode } = responses[0]!
    if (errorCode !== ErrorCode.NONE) return errorCode
    this.#topicId = undefined
    this.#scene.count('topics deleted')
    return errorCode
  }

  async #look(): Promise<void> {
    const input = { topics: [{ name: this.#topic }], allowAutoTopicCreation: false }
    const { topics } = await this.#link.ask(metadataRequest, metadataResponse, 12, input)
    const { errorCode, topicId } = topics[0]!
    if (errorCode !== ErrorCode.NONE && errorCode !== ErrorCode.UNKNOWN_TOPIC_OR_PARTITION) return
    const found = errorCode === ErrorCode.NONE ? topicId : undefined
    this.#scene.world.check(
      found === this.#topicId,
      () => `${this.#topic} is ${found}, and was answered for as ${this.#topicId}`,
    )
  }
}
