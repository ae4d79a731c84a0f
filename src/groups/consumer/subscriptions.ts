import type { SubscriptionType } from '../assignor/assignor.ts'
import { type ConsumerMember, regexOf } from './member.ts'

/** The topics that a pattern matched. */
export interface ResolvedPattern {
  readonly topics: ReadonlySet<string>
  /** Of the metadata image that was looked at. */
  readonly version: number
  /** When that was, in milliseconds since the epoch. */
  readonly timestampMs: number
}

interface SubscriptionCount {
  /** Members that name the topic. */
  readonly byName: number
  /** Patterns of the group that match it, however many members have them. */
  readonly byRegex: number
}

const NONE: SubscriptionCount = { byName: 0, byRegex: 0 }

/**
 * What the members of a group subscribe to, counted, so that a member's change costs what it changes and not the size
 * of the group (Kafka's `subscribedTopicNames`, `subscribedRegularExpressions`, `resolvedRegularExpressions`).
 */
export class Subscriptions {
  readonly #topics: Map<string, SubscriptionCount>
  /** Members by pattern. */
  readonly #patterns: Map<string, number>
  readonly #resolved: Map<string, ResolvedPattern>

  constructor(from?: Subscriptions) {
    this.#topics = new Map(from?.topicCounts)
    this.#patterns = new Map(from?.patterns)
    this.#resolved = new Map(from?.resolved)
  }

  get topicCounts(): ReadonlyMap<string, SubscriptionCount> {
    return this.#topics
  }

  /** All that the group subscribes to, by name or by resolved pattern. */
  get topicNames(): MapIterator<string> {
    return this.#topics.keys()
  }

  /** Members by pattern. */
  get patterns(): ReadonlyMap<string, number> {
    return this.#patterns
  }

  /** By pattern. Some may not be resolved yet. */
  get resolved(): ReadonlyMap<string, ResolvedPattern> {
    return this.#resolved
  }

  has(topic: string): boolean {
    return this.#topics.has(topic)
  }

  /** Whether both are subscribed to the same topics, by however many members. */
  hasSameTopics({ topicCounts }: Subscriptions): boolean {
    if (topicCounts.size !== this.#topics.size) return false
    for (const topic of this.#topics.keys()) if (!topicCounts.has(topic)) return false
    return true
  }

  hasAny(topics: Iterable<string>): boolean {
    for (const topic of topics) if (this.#topics.has(topic)) return true
    return false
  }

  /** The patterns are resolved together, so any of them tells when. */
  get lastResolved(): ResolvedPattern | undefined {
    return this.#resolved.values().next().value
  }

  /** A member joins, changes or leaves. */
  replace(old: ConsumerMember | undefined, member: ConsumerMember | undefined): void {
    if (old?.subscribedTopicNames !== member?.subscribedTopicNames) {
      for (const topic of old?.subscribedTopicNames ?? []) this.#count(topic, -1, 0)
      for (const topic of member?.subscribedTopicNames ?? []) this.#count(topic, 1, 0)
    }
    const oldRegex = regexOf(old)
    const regex = regexOf(member)
    if (oldRegex !== null) this.#countPattern(oldRegex, -1)
    if (regex !== null) this.#countPattern(regex, 1)
  }

  /** Undefined takes away what was known of the pattern. */
  resolve(pattern: string, resolved: ResolvedPattern | undefined): void {
    for (const topic of this.#resolved.get(pattern)?.topics ?? []) this.#count(topic, 0, -1)
    this.#resolved.delete(pattern)
    if (resolved === undefined) return
    this.#resolved.set(pattern, resolved)
    for (const topic of resolved.topics) this.#count(topic, 0, 1)
  }

  /** What a member subscribes to as far as is known: a pattern that is not resolved matches nothing. */
  topicsOf(member: ConsumerMember): ReadonlySet<string> {
    const regex = regexOf(member)
    const matched = regex === null ? undefined : this.#resolved.get(regex)?.topics
    if (matched === undefined || matched.size === 0) return member.subscribedTopicNames
    if (member.subscribedTopicNames.size === 0) return matched
    return new Set([...member.subscribedTopicNames, ...matched])
  }

  /** Kafka's `ConsumerGroup.subscriptionType`. */
  type(memberCount: number): SubscriptionType {
    const [members] = this.#patterns.values()
    const counts = [...this.#topics.values()]
    const all =
      members === undefined
        ? counts.every(({ byName }) => byName === memberCount)
        : members === memberCount && counts.every(({ byName, byRegex }) => byRegex === 1 && byName === 0)
    return all ? 'homogeneous' : 'heterogeneous'
  }

  #count(topic: string, byName: number, byRegex: number): void {
    const count = this.#topics.get(topic) ?? NONE
    const next = { byName: count.byName + byName, byRegex: count.byRegex + byRegex }
    if (next.byName === 0 && next.byRegex === 0) this.#topics.delete(topic)
    else this.#topics.set(topic, next)
  }

  #countPattern(pattern: string, by: 1 | -1): void {
    const count = (this.#patterns.get(pattern) ?? 0) + by
    if (count === 0) this.#patterns.delete(pattern)
    else this.#patterns.set(pattern, count)
  }
}
