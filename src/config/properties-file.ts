/** Thrown for a `\u` escape that is not followed by four hexadecimal digits. */
export class MalformedProperties extends Error {
  override name = 'MalformedProperties'
}

export interface Property {
  readonly key: string
  readonly value: string
  /** First line of the entry, from 1. */
  readonly line: number
}

/**
 * Reads a file by the rules of `java.util.Properties.load`: comments begin with `#` or `!`, a line that ends in an odd
 * number of backslashes goes on in the next without its leading white space, a key ends at the first `=`, `:` or white
 * space that is not escaped. The last entry of a key wins; all are returned, in order.
 */
export function parseProperties(text: string): Property[] {
  const properties: Property[] = []
  const lines = text.split(/\r\n|\n|\r/)
  for (let at = 0; at < lines.length; at++) {
    const line = at + 1
    let logical = lines[at]!.replace(/^[ \t\f]+/, '')
    if (logical === '' || logical.startsWith('#') || logical.startsWith('!')) continue
    while (endsInEscape(logical)) {
      at++
      logical = logical.slice(0, -1) + (lines[at]?.replace(/^[ \t\f]+/, '') ?? '')
      if (at >= lines.length) break
    }
    const end = endOfKey(logical)
    const value = logical.slice(end).replace(/^[ \t\f]*[=:]?[ \t\f]*/, '')
    properties.push({
      key: decodeEscapes(logical.slice(0, end), line),
      value: decodeEscapes(value, line),
      line,
    })
  }
  return properties
}

function endsInEscape(line: string): boolean {
  let backslashes = 0
  while (line[line.length - 1 - backslashes] === '\\') backslashes++
  return backslashes % 2 === 1
}

function endOfKey(line: string): number {
  for (let at = 0; at < line.length; at++) {
    if (line[at] === '\\') at++
    else if ('=: \t\f'.includes(line[at]!)) return at
  }
  return line.length
}

const ESCAPES: Readonly<Record<string, string>> = { t: '\t', n: '\n', r: '\r', f: '\f' }

function decodeEscapes(text: string, line: number): string {
  return text.replace(/\\(?:u([0-9a-fA-F]{4})|(.))/gs, (_, hex: string | undefined, char: string) => {
    if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex, 16))
    if (char === 'u') throw new MalformedProperties(`line ${line}: \\u wants four hexadecimal digits`)
    return ESCAPES[char] ?? char
  })
}
