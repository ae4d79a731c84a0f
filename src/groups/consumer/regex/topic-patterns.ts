/**
 * Regular expressions that members of consumer groups subscribe by: RE2 syntax, and a match is one of the whole name
 * (Kafka's `TopicRegexResolver`, which uses RE2/J).
 *
 * A pattern comes from whoever may join a group, so what it can cost is bounded where Kafka bounds nothing: its length,
 * what it expands to, the size of its program, and with it the time that a name takes.
 */
import { RE2JS, RE2JSException, RE2JSSyntaxException } from 're2js'
import { sizeFault } from './pattern-size.ts'

/** Instructions. A name of 249 characters takes a program of this size some 20 ms at most. */
const MAX_PROGRAM_SIZE = 1500

/** What is wrong with a pattern, to be put into INVALID_REGULAR_EXPRESSION; undefined when it can be resolved. */
export function patternFault(pattern: string): string | undefined {
  const fault = sizeFault(pattern)
  if (fault !== undefined) return fault
  try {
    return RE2JS.compile(pattern).programSize() > MAX_PROGRAM_SIZE ? 'expression too large' : undefined
  } catch (error) {
    if (!(error instanceof RE2JSException)) throw error
    return error instanceof RE2JSSyntaxException ? error.getDescription() : error.message
  }
}

/** The topics that each pattern matches, found a part at a time so that no step takes long. */
export interface PatternResolution {
  /** Does a bounded part of the work. The topics by pattern once all is done, undefined before. */
  step(): ReadonlyMap<string, ReadonlySet<string>> | undefined
}

/** Characters times instructions; one takes 40 ns at worst, and a few in most programs. */
const WORK_PER_STEP = 500_000

/**
 * A pattern that has a fault matches nothing: patterns are checked when members bring them, but those of the log may
 * come from Kafka. The names are those of one metadata image, internal topics included.
 */
export function resolvePatterns(
  patterns: readonly string[],
  topicNames: readonly string[],
): PatternResolution {
  const found = new Map<string, ReadonlySet<string>>()
  const steps = findTopics(patterns, topicNames, found)
  return { step: () => (steps.next().done === true ? found : undefined) }
}

/** One pattern after the other, so that a group of many takes no memory for more than one program. */
function* findTopics(
  patterns: readonly string[],
  topicNames: readonly string[],
  found: Map<string, ReadonlySet<string>>,
): Generator<undefined, void> {
  for (const pattern of patterns) {
    const topics = new Set<string>()
    found.set(pattern, topics)
    if (patternFault(pattern) !== undefined) continue
    const program = RE2JS.compile(pattern)
    const size = program.programSize()
    let work = 0
    // A matcher walks the program, in time linear in its size. RE2JS.matches would build an automaton out of it, which
    // takes patterns of many states half a second a name.
    for (const name of topicNames) {
      work += size * (name.length + 1)
      if (work > WORK_PER_STEP) {
        yield
        work = size * (name.length + 1)
      }
      if (program.matcher(name).matches()) topics.add(name)
    }
    yield
  }
}
