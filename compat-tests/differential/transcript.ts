import type { Transcript } from './session.ts'

const SAME_AS = '= '

/** As text: one line a step; a step whose answer an earlier one of the same name but for the version had refers to it. */
export function writeTranscript(transcript: Transcript): string {
  const earlier = new Map<string, string>()
  const lines = Array.from(transcript, ([step, answer]) => {
    const text = JSON.stringify(answer)
    const key = `${withoutVersion(step)} ${text}`
    const same = earlier.get(key)
    if (same === undefined) earlier.set(key, step)
    return `${JSON.stringify(step)}: ${same === undefined ? text : JSON.stringify(SAME_AS + same)}`
  })
  return `{\n${lines.join(',\n')}\n}\n`
}

export function readTranscript(text: string): Transcript {
  const steps: Record<string, unknown> = JSON.parse(text)
  return new Map(
    Object.entries(steps).map(([step, answer]) => [
      step,
      typeof answer === 'string' && answer.startsWith(SAME_AS) ? steps[answer.slice(SAME_AS.length)] : answer,
    ]),
  )
}

function withoutVersion(step: string): string {
  return step.replace(/ v\d+\b/, '')
}

export interface Disagreement {
  readonly step: string
  /** Within the answer, `topics[0].errorCode`; empty for the whole of it. */
  readonly path: string
  readonly expected: unknown
  readonly actual: unknown
}

/** Where two transcripts differ, as deep inside the answers as can be told. */
export function disagreements(expected: Transcript, actual: Transcript): Disagreement[] {
  const found: Disagreement[] = []
  for (const step of new Set([...expected.keys(), ...actual.keys()])) {
    compare(expected.get(step), actual.get(step), '', (path, a, b) => {
      found.push({ step, path, expected: a, actual: b })
    })
  }
  return found
}

function compare(
  expected: unknown,
  actual: unknown,
  path: string,
  report: (path: string, expected: unknown, actual: unknown) => void,
): void {
  if (isStructure(expected) && isStructure(actual) && Array.isArray(expected) === Array.isArray(actual)) {
    const separator = path === '' ? '' : '.'
    for (const key of new Set([...Object.keys(expected), ...Object.keys(actual)])) {
      const inner = Array.isArray(expected) ? `${path}[${key}]` : `${path}${separator}${key}`
      compare(expected[key], actual[key], inner, report)
    }
  } else if (JSON.stringify(expected) !== JSON.stringify(actual)) report(path, expected, actual)
}

function isStructure(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}
