/**
 * The configuration in force, as handlers and the rest of the broker read it: what the broker was started with, under
 * what the metadata holds for topics, brokers and groups.
 */

import type { Refusal } from '../cluster/controller/create-topics.ts'
import type { TopicToCreate } from '../cluster/controller.ts'
import { configsOf, type MetadataImage } from '../cluster/metadata/image.ts'
import type { MetadataStore } from '../cluster/metadata/store.ts'
import type { BrokerSettings } from '../config/broker-keys.ts'
import { type DynamicBrokerConfig, settingsInForce } from '../config/broker-updates.ts'
import { type ConfigEntry, describeTopic } from '../config/describe.ts'
import { type GroupSettings, groupConfig } from '../config/group-config.ts'
import type { BrokerConfig } from '../config/load.ts'
import { refuseTopicConfig, type TopicSettings, topicLogConfig } from '../config/topic-config.ts'
import { ErrorCode } from '../wire/error-codes.ts'

/** The broker resource that stands for all brokers. */
export const ALL_BROKERS = ''

export class ConfigService {
  /** As the broker was started. */
  readonly initial: BrokerConfig
  readonly #nodeId: number
  readonly #store: MetadataStore
  /** What `#dynamic` was taken from. */
  #configs: MetadataImage['configs'] | undefined
  /** What `#broker` and `#topics` were made from. */
  #dynamic: DynamicBrokerConfig | undefined
  #broker: BrokerSettings
  /** By what was set for the topic itself, which most topics share: nothing. */
  #topics = new WeakMap<ReadonlyMap<string, string>, TopicSettings>()

  #groups = new WeakMap<ReadonlyMap<string, string>, GroupSettings>()

  constructor(initial: BrokerConfig, nodeId: number, store: MetadataStore) {
    this.initial = initial
    this.#nodeId = nodeId
    this.#store = store
    this.#broker = initial.settings
  }

  /** The broker's settings now. */
  get broker(): BrokerSettings {
    return this.#settingsIn(this.#store.image())
  }

  dynamic(image: MetadataImage = this.#store.image()): DynamicBrokerConfig {
    return {
      cluster: configsOf(image, 'broker', ALL_BROKERS),
      broker: configsOf(image, 'broker', String(this.#nodeId)),
    }
  }

  /** Bound on what moves between log directories copy, in bytes; a key that has no static form. */
  get moveBytesPerSecond(): number {
    const { broker } = this.dynamic()
    const text = broker.get('replica.alter.log.dirs.io.max.bytes.per.second')
    const value = text === undefined ? Number.NaN : Number(text)
    return value > 0 ? value : Number.POSITIVE_INFINITY
  }

  /** Asked for with every append, so what was found is kept while the configuration stands. */
  topic(name: string, image: MetadataImage = this.#store.image()): TopicSettings {
    const broker = this.#settingsIn(image)
    const own = configsOf(image, 'topic', name)
    let settings = this.#topics.get(own)
    if (settings === undefined) {
      settings = topicLogConfig(own, broker)
      this.#topics.set(own, settings)
    }
    return settings
  }

  /** The settings of a group in force now. Asked for with every heartbeat, and kept as those of topics are. */
  group(groupId: string, image: MetadataImage = this.#store.image()): GroupSettings {
    const broker = this.#settingsIn(image)
    const own = configsOf(image, 'group', groupId)
    let settings = this.#groups.get(own)
    if (settings === undefined) {
      settings = groupConfig(own, broker)
      this.#groups.set(own, settings)
    }
    return settings
  }

  #settingsIn(image: MetadataImage): BrokerSettings {
    if (image.configs === this.#configs) return this.#broker
    this.#configs = image.configs
    const dynamic = this.dynamic(image)
    if (dynamic.cluster !== this.#dynamic?.cluster || dynamic.broker !== this.#dynamic.broker) {
      this.#dynamic = dynamic
      this.#broker = settingsInForce(this.initial.settings, dynamic)
      this.#topics = new WeakMap()
      this.#groups = new WeakMap()
    }
    return this.#broker
  }

  /** A topic that is made because a client asked for it. */
  automaticTopic(name: string): TopicToCreate {
    return { name, numPartitions: -1, replicationFactor: -1, assignments: [], configs: new Map() }
  }

  /** The configs of a topic to be made, checked; what is null asks for the default and is left out, as in Kafka. */
  checkTopicConfigs(
    configs: readonly { readonly name: string; readonly value: string | null }[],
  ): ReadonlyMap<string, string> | Refusal {
    const given = new Map<string, string>()
    for (const { name, value } of configs) if (value !== null) given.set(name, value)
    const message = refuseTopicConfig(given, this.broker)
    return message === undefined ? given : { errorCode: ErrorCode.INVALID_CONFIG, message }
  }

  /** All configs of a topic whose own ones are given. */
  describeTopic(own: ReadonlyMap<string, string>): ConfigEntry[] {
    return describeTopic(own, this.initial, this.dynamic())
  }
}
