import type { MemberSpec } from './assignor.ts'

/**
 * The topics of a member's subscription as objects of the caller's. A set that several members share is looked at
 * once: a thousand members of a thousand topics would be a million look-ups by id.
 */
export class Subscriptions<Topic> {
  readonly #bySet = new Map<ReadonlySet<string>, readonly Topic[]>()
  readonly #topics = new Map<string, Topic>()
  readonly #create: (topicId: string) => Topic

  /** @param create makes the object of a topic, when it is first met */
  constructor(create: (topicId: string) => Topic) {
    this.#create = create
  }

  /** In the order of the subscription. */
  of({ subscribedTopicIds }: MemberSpec): readonly Topic[] {
    let topics = this.#bySet.get(subscribedTopicIds)
    if (topics === undefined) {
      topics = Array.from(subscribedTopicIds, (topicId) => this.#topic(topicId))
      this.#bySet.set(subscribedTopicIds, topics)
    }
    return topics
  }

  /** Undefined for a topic that was not met. */
  get(topicId: string): Topic | undefined {
    return this.#topics.get(topicId)
  }

  /** Each topic that was met. */
  get topics(): Topic[] {
    return [...this.#topics.values()]
  }

  #topic(topicId: string): Topic {
    let topic = this.#topics.get(topicId)
    if (topic === undefined) {
      topic = this.#create(topicId)
      this.#topics.set(topicId, topic)
    }
    return topic
  }
}
