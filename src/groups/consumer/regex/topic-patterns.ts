/**
 * Regular expressions that members of consumer groups subscribe by: RE2 syntax, and a match is one of the whole name
 * (Kafka's `TopicRegexResolver`, which uses RE2/J).
 */
import { RE2JS } from 're2js'

/** What is wrong with a pattern, to be put into INVALID_REGULAR_EXPRESSION; undefined when it can be resolved. */
export function patternFault(pattern: string): string | undefined {
  try {
    RE2JS.compile(pattern)
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

/** The topics that each pattern matches, found a part at a time so that no step takes long. */
export interface PatternResolution {
  /** Does a bounded part of the work. The topics by pattern once all is done, undefined before. */
  step(): ReadonlyMap<string, ReadonlySet<string>> | undefined
}

/** Names that one step looks at, over all patterns. */
const NAMES_PER_STEP = 1000

/** `patterns` have no fault. The names are those of one metadata image, internal topics included. */
export function resolvePatterns(
  patterns: readonly string[],
  topicNames: readonly string[],
): PatternResolution {
  const matchers = patterns.map((pattern) => RE2JS.compile(pattern))
  const found = new Map<string, Set<string>>(patterns.map((pattern) => [pattern, new Set()]))
  const perStep = Math.max(1, Math.floor(NAMES_PER_STEP / Math.max(1, patterns.length)))
  let next = 0
  return {
    step() {
      const end = Math.min(next + perStep, topicNames.length)
      for (; next < end; next++) {
        const name = topicNames[next]!
        matchers.forEach((matcher, index) => {
          if (matcher.matches(name)) found.get(patterns[index]!)!.add(name)
        })
      }
      return next === topicNames.length ? found : undefined
    },
  }
}
