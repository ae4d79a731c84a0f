/**
 * Changes of topics on behalf of clients: decides on the image with the pure planners of `controller/`, commits, and
 * decides anew where somebody else was first. When a promise resolves, every listener of the store has seen the change,
 * so a topic made here can be served from then on.
 */
import type { Random } from '../base/random.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import { addedPartitions, type MorePartitions, planPartitions } from './controller/create-partitions.ts'
import {
  CollidingNames,
  isRefusal,
  type NewTopic,
  planTopic,
  type Refusal,
  type TopicDefaults,
  tooManyPartitions,
  tooManyRecords,
} from './controller/create-topics.ts'
import { applyChanges, type MetadataChange } from './metadata/changes.ts'
import type { MetadataImage, TopicImage } from './metadata/image.ts'
import { type Decision, type MetadataStore, updateMetadata } from './metadata/store.ts'

export interface TopicToCreate extends NewTopic {
  /** Valid keys and values: the caller has checked them. */
  readonly configs: ReadonlyMap<string, string>
}

/** Asked before partitions of a topic are made or deleted, once or more often; false where that is over a quota. */
export type TakePartitions = (topic: string, partitions: number) => boolean

export interface ChangeOptions {
  readonly validateOnly: boolean
  /** Nothing is over a quota when left out. */
  readonly take?: TakePartitions
}

const OVER_QUOTA: Refusal = {
  errorCode: ErrorCode.THROTTLING_QUOTA_EXCEEDED,
  message: null,
}

export interface ControllerOptions {
  readonly store: MetadataStore
  readonly random: Random
  /** Read at each use: brokers can change them while they run. */
  readonly topicDefaults: () => TopicDefaults
}

export class Controller {
  readonly #store: MetadataStore
  readonly #random: Random
  readonly #topicDefaults: () => TopicDefaults

  constructor(options: ControllerOptions) {
    this.#store = options.store
    this.#random = options.random
    this.#topicDefaults = options.topicDefaults
  }

  /** One outcome per request, in order; each topic is made or refused for itself, unless they are too many together. */
  createTopics(
    requests: readonly TopicToCreate[],
    options: ChangeOptions,
  ): Promise<(TopicImage | Refusal)[]> {
    const refusal = tooManyPartitions(requests, this.#topicDefaults())
    if (refusal !== undefined) return Promise.resolve(requests.map(() => refusal))
    return updateMetadata(this.#store, (image) => {
      let planned = image
      const names = new CollidingNames(image)
      const changes: MetadataChange[] = []
      let records = 0
      const result = requests.map((request): TopicImage | Refusal => {
        const topic = planTopic(planned, request, this.#topicDefaults(), this.#random, names)
        if (isRefusal(topic)) return topic
        if (options.take?.(topic.name, topic.partitions.length) === false) return OVER_QUOTA
        const making = creation(topic, request.configs)
        planned = applyChanges(planned, making, planned.version + 1)
        changes.push(...making)
        records += making.length + topic.partitions.length
        return topic
      })
      const tooMany = tooManyRecords(records)
      if (tooMany !== undefined) return { changes: [], result: requests.map(() => tooMany) }
      // The brokers that a placement names are registered now and may be fenced later; only a name must not be taken.
      return { changes: options.validateOnly ? [] : changes, result }
    })
  }

  createPartitions(
    requests: readonly MorePartitions[],
    options: ChangeOptions,
  ): Promise<(Refusal | undefined)[]> {
    return updateMetadata(this.#store, (image) => {
      const tooMany = tooManyRecords(addedPartitions(image, requests))
      if (tooMany !== undefined) return { changes: [], result: requests.map(() => tooMany) }
      const changes: MetadataChange[] = []
      const result = requests.map((request) => {
        const partitions = planPartitions(image, request, this.#random)
        if ('errorCode' in partitions) return partitions
        if (options.take?.(request.name, partitions.length) === false) return OVER_QUOTA
        changes.push({ type: 'createPartitions', topic: request.name, partitions })
        return undefined
      })
      return { changes: options.validateOnly ? [] : changes, result }
    })
  }

  /** By id, so that a topic made meanwhile under the same name is left alone. One outcome per id, in order. */
  deleteTopics(ids: readonly string[], take?: TakePartitions): Promise<(Refusal | undefined)[]> {
    return updateMetadata(this.#store, (image) => {
      const changes: MetadataChange[] = []
      const result = ids.map((id) => {
        const topic = image.topicsById.get(id)
        if (topic === undefined) {
          return {
            errorCode: ErrorCode.UNKNOWN_TOPIC_ID,
            message: 'This server does not host this topic ID.',
          }
        }
        if (take?.(topic.name, topic.partitions.length) === false) return OVER_QUOTA
        changes.push({ type: 'deleteTopic', topic: topic.name })
        return undefined
      })
      return { changes, result }
    })
  }

  /** Commits what `decide` finds right on the current image. */
  update<T>(decide: (image: MetadataImage) => Decision<T>): Promise<T> {
    return updateMetadata(this.#store, decide)
  }
}

function creation(topic: TopicImage, configs: ReadonlyMap<string, string>): MetadataChange[] {
  const changes: MetadataChange[] = [{ type: 'createTopic', topic }]
  for (const [key, value] of configs) {
    changes.push({ type: 'setConfig', resource: { type: 'topic', name: topic.name }, key, value })
  }
  return changes
}
