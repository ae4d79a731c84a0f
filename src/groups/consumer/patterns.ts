import { ErrorCode, KafkaError } from '../../wire/error-codes.ts'
import type { GroupStep } from '../step.ts'
import { metadataHash } from '../topic-hash.ts'
import type { ConsumerGroup } from './consumer-group.ts'
import { type ConsumerMember, regexOf, sameNames } from './member.ts'
import { groupEpochRecord, patternTombstone, resolvedPatternRecord } from './record-builders.ts'
import type { ConsumerGroupRecord } from './records.ts'
import { MAX_PATTERN_LENGTH } from './regex/pattern-size.ts'
import { type PatternResolution, patternFault, resolvePatterns } from './regex/topic-patterns.ts'
import { type ResolvedPattern, Subscriptions } from './subscriptions.ts'
import { consumerPatternsTimer } from './timers.ts'

/** A group's patterns are resolved again no sooner than this (Kafka's `REGEX_BATCH_REFRESH_MIN_INTERVAL_MS`). */
const MIN_INTERVAL_MS = 10_000
/** … and no later than this, should permissions have changed (`group.consumer.regex.refresh.interval.ms`, internal). */
const MAX_INTERVAL_MS = 600_000

/** How a member's pattern has changed. `resolved`: what it matches is known already, so the group moves on at once. */
export type PatternChange = 'none' | 'changed' | 'resolved'

const NO_TOPICS: ReadonlySet<string> = new Set()

interface Resolving {
  readonly patterns: readonly string[]
  /** Once it has begun. */
  work?: { readonly resolution: PatternResolution; readonly version: number; readonly startedMs: number }
}

/**
 * Finds the topics that the patterns of consumer groups match, apart from the heartbeats that ask for it and a part at a
 * time; what was found goes into the log. One for all groups of a machine; nothing here outlives it: after a restart
 * each group's patterns are looked at again.
 */
export class GroupPatterns {
  readonly #resolving = new Map<string, Resolving>()
  /** The metadata version that last brought a new topic. */
  #newTopicsVersion = 0

  topicsCreated(version: number): void {
    this.#newTopicsVersion = version
  }

  /** Kafka's `maybeUpdateRegularExpressions`. Throws INVALID_REGULAR_EXPRESSION. */
  memberUpdated(
    group: ConsumerGroup,
    member: ConsumerMember,
    updated: ConsumerMember,
    records: ConsumerGroupRecord[],
    step: GroupStep,
  ): { readonly change: PatternChange; readonly resolve: readonly string[] } {
    const { patterns, resolved } = group.subscriptions
    const old = regexOf(member)
    const regex = regexOf(updated)
    let change: PatternChange = 'none'
    let isNew = false
    if (member.subscribedTopicRegex !== updated.subscribedTopicRegex) {
      change = 'changed'
      if (old !== null && patterns.get(old) === 1) records.push(patternTombstone(group.groupId, old))
      if (regex === null) {
        if (old !== null) change = 'resolved'
      } else if (!patterns.has(regex)) {
        checkPattern(regex)
        isNew = true
      } else if (resolved.has(regex)) change = 'resolved'
    }
    return { change, resolve: this.#dueOf(group, old, regex, isNew, step) }
  }

  /** Resolves these patterns of the group from the next turn of the event loop on. */
  start(groupId: string, patterns: readonly string[], step: GroupStep): void {
    this.#resolving.set(groupId, { patterns })
    step.setTimer(consumerPatternsTimer(groupId), 0)
  }

  /** The next part of the work. At its end, the records of what was found. */
  expired(groupId: string, group: ConsumerGroup | undefined, step: GroupStep): void {
    const resolving = this.#resolving.get(groupId)
    if (resolving === undefined) return
    if (group === undefined) {
      this.#resolving.delete(groupId)
      return
    }
    const { image, nowMs } = step
    resolving.work ??= {
      resolution: resolvePatterns(resolving.patterns, [...image.topics.keys()]),
      version: image.version,
      startedMs: nowMs,
    }
    const { resolution, version, startedMs } = resolving.work
    const found = resolution.step()
    if (found === undefined) {
      step.setTimer(consumerPatternsTimer(groupId), 0)
      return
    }
    this.#resolving.delete(groupId)
    recordResolved(
      group,
      new Map(
        Array.from(found, ([pattern, topics]) => [pattern, { topics, version, timestampMs: startedMs }]),
      ),
      step,
    )
  }

  /** The patterns to be resolved now; none when nothing is due. */
  #dueOf(
    group: ConsumerGroup,
    old: string | null,
    regex: string | null,
    isNew: boolean,
    { nowMs }: GroupStep,
  ): readonly string[] {
    const { patterns, resolved, lastResolved } = group.subscriptions
    if (!isNew && patterns.size === 0) return []
    if (this.#resolving.has(group.groupId)) return []
    const lastMs = lastResolved?.timestampMs ?? Number.NEGATIVE_INFINITY
    if (nowMs <= lastMs + MIN_INTERVAL_MS) return []
    const counts = new Map(patterns)
    if (old !== null) decrement(counts, old)
    if (regex !== null) counts.set(regex, (counts.get(regex) ?? 0) + 1)
    const isDue =
      isNew ||
      counts.size !== resolved.size ||
      (lastResolved?.version ?? 0) < this.#newTopicsVersion ||
      nowMs > lastMs + MAX_INTERVAL_MS
    return isDue ? [...counts.keys()] : []
  }
}

function decrement(counts: Map<string, number>, pattern: string): void {
  const count = counts.get(pattern) ?? 0
  if (count <= 1) counts.delete(pattern)
  else counts.set(pattern, count - 1)
}

function checkPattern(pattern: string): void {
  const fault = patternFault(pattern)
  if (fault === undefined) return
  // Clients read a text of no more than 32,767 bytes, which the longest pattern is already.
  const shown = pattern.length > MAX_PATTERN_LENGTH ? `${pattern.slice(0, 100)}…` : pattern
  throw new KafkaError(
    ErrorCode.INVALID_REGULAR_EXPRESSION,
    `SubscribedTopicRegex \`${shown}\` is not a valid regular expression: ${fault}.`,
  )
}

/** Kafka's `handleRegularExpressionsResult`: the group moves on where its topics have changed. */
function recordResolved(
  group: ConsumerGroup,
  found: ReadonlyMap<string, ResolvedPattern>,
  step: GroupStep,
): void {
  const { groupId } = group
  const after = new Subscriptions(group.subscriptions)
  let hasChanged = false
  for (const [pattern, resolved] of found) {
    // Members may have left or changed while it was looked for.
    if (!group.subscriptions.patterns.has(pattern)) continue
    const old = group.subscriptions.resolved.get(pattern)?.topics ?? NO_TOPICS
    if (!sameNames(old, resolved.topics)) {
      hasChanged = true
      after.resolve(pattern, resolved)
    }
    step.append(resolvedPatternRecord(groupId, pattern, resolved))
  }
  const hash = metadataHash(after.topicNames, step.image)
  if (!hasChanged && hash === group.metadataHash) return
  const groupEpoch = group.groupEpoch + 1
  step.append(groupEpochRecord(groupId, groupEpoch, hash))
  step.counts.consumerRebalances++
  step.logger.info('patterns of consumer group match other topics', { groupId, groupEpoch })
  group.metadataLookedAt(step.nowMs, groupEpoch)
}
