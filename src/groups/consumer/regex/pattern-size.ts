/**
 * How much a regular expression asks for, found without compiling it: the compiler expands repetitions, folds the case
 * of whole alphabets and so on, and a pattern of a few characters can keep it busy for seconds.
 */

/** UTF-16 units. Topic names have 249 at most; long patterns are lists of them. */
export const MAX_PATTERN_LENGTH = 4096

/** Instructions before the compiler joins any, so more than a program may have in the end. */
const MAX_EXPANDED_SIZE = 20_000

/** Classes by Unicode property; each takes the compiler up to 0.25 ms. */
const MAX_PROPERTIES = 32

/** Ranges beyond ASCII whose case is ignored; each takes the compiler up to 5 ms. */
const MAX_FOLDED_RANGES = 4

/** Why a pattern is not even compiled; undefined when it may be. */
export function sizeFault(pattern: string): string | undefined {
  if (pattern.length > MAX_PATTERN_LENGTH) return `longer than ${MAX_PATTERN_LENGTH} characters`
  if (countOf(pattern, /\\p/gi) > MAX_PROPERTIES) return `more than ${MAX_PROPERTIES} Unicode properties`
  if (/\(\?[a-z]*i/i.test(pattern) && countOf(pattern, /-(?:[^\0-\x7f]|\\)/g) > MAX_FOLDED_RANGES) {
    return `more than ${MAX_FOLDED_RANGES} ranges beyond ASCII whose case is ignored`
  }
  return expandedSize(pattern) > MAX_EXPANDED_SIZE ? 'expression too large' : undefined
}

function countOf(pattern: string, what: RegExp): number {
  return pattern.match(what)?.length ?? 0
}

/**
 * The number of instructions that a valid pattern expands to, or somewhat more; any number for an invalid one, which
 * the compiler finds out before it expands anything.
 */
export function expandedSize(pattern: string): number {
  /** Sizes of the groups around the present one. */
  const outer: number[] = []
  let size = 3
  /** The size of what a repetition would repeat, which is part of `size`. */
  let last = 0
  let next = 0
  while (next < pattern.length) {
    const start = next
    next = start + 1
    switch (pattern[start]) {
      case '(': {
        const [flags] = matchAt(FLAGS, pattern, start) ?? []
        if (flags !== undefined) next = start + flags.length
        // Flags may stand before a repetition, which then repeats what is before them.
        if (flags?.endsWith(')')) break
        outer.push(size)
        size = 1
        last = 1
        break
      }
      case ')':
        // The instructions that note where a group begins and ends.
        last = size + 2
        size = (outer.pop() ?? 0) + last
        break
      case '|':
        // An alternative may be empty, which is an instruction too.
        size += 2
        last = 1
        break
      case '*':
      case '+':
      case '?':
        size++
        last++
        break
      case '{': {
        const [braces, least, orMore, most] = matchAt(REPETITION, pattern, start) ?? []
        if (braces === undefined) {
          size++
          last = 1
          break
        }
        next = start + braces.length
        const copies = Math.max(Number(least), Number(most ?? 0), 1)
        // What is optional has an instruction more for each copy, and so has a loop.
        const repeated = orMore === undefined ? last * copies : (last + 1) * copies + 1
        size += repeated - last
        last = repeated
        break
      }
      case '[':
        next = endOfClass(pattern, start)
        size++
        last = 1
        break
      case '\\':
        if (pattern[next] === 'Q') {
          const end = endOf(pattern, '\\E', next + 1)
          const quoted = end - next - (pattern.startsWith('\\E', end - 2) ? 3 : 1)
          next = end
          if (quoted === 0) break
          size += quoted
        } else {
          const braced = pattern[next + 1] === '{' && 'pPx'.includes(pattern[next]!)
          next = braced ? endOf(pattern, '}', next + 2) : next + 1
          size++
        }
        last = 1
        break
      default:
        size++
        last = 1
    }
  }
  for (const around of outer) size += around
  return size
}

const FLAGS = /\(\?(?:P?<\w*>|[A-Za-z-]*[:)])/y
const REPETITION = /\{(\d+)(,(\d*))?\}/y

function matchAt(what: RegExp, pattern: string, at: number): RegExpExecArray | null {
  what.lastIndex = at
  return what.exec(pattern)
}

/** Behind the text, or the end of the pattern where it has none. */
function endOf(pattern: string, text: string, from: number): number {
  const at = pattern.indexOf(text, from)
  return at === -1 ? pattern.length : at + text.length
}

/** Behind the class that begins at `start`: its first character is no end of it, nor is that of a named class in it. */
function endOfClass(pattern: string, start: number): number {
  let next = start + 1
  if (pattern[next] === '^') next++
  if (pattern[next] === ']') next++
  for (; next < pattern.length; next++) {
    if (pattern[next] === ']') return next + 1
    if (pattern[next] === '\\') next++
    else if (pattern.startsWith('[:', next)) {
      const end = pattern.indexOf(':]', next + 2)
      if (end !== -1) next = end + 1
    }
  }
  return pattern.length
}
