/** The types a key may have, in Kafka's words (`ConfigDef.Type`). */
export type ValueType =
  | 'boolean'
  | 'string'
  | 'int'
  | 'short'
  | 'long'
  | 'double'
  | 'list'
  | 'class'
  | 'password'

export type Value = boolean | string | number | readonly string[] | null

/** The text that cannot be read as a value of the key's type, or a value that its check refuses. Worded as Kafka words it. */
export class InvalidValue extends Error {
  override name = 'InvalidValue'
}

const LONG_MAX = 2n ** 63n - 1n
const LONG_MIN = -(2n ** 63n)

const BOUNDS = {
  short: [-(2n ** 15n), 2n ** 15n - 1n],
  int: [-(2n ** 31n), 2n ** 31n - 1n],
  long: [LONG_MIN, LONG_MAX],
} as const

const DOUBLE = /^[+-]?(?:NaN|Infinity|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?[fFdD]?)$/

/**
 * Reads a value as `ConfigDef.parseType` does: white space around it is dropped, numbers are decimal, a list is
 * split at its commas. A long beyond 2^53 becomes the nearest number, so that Kafka's largest long is 2^63.
 */
export function parseValue(key: string, type: ValueType, text: string): Value {
  const trimmed = text.trim()
  switch (type) {
    case 'boolean': {
      const lower = trimmed.toLowerCase()
      if (lower === 'true') return true
      if (lower === 'false') return false
      throw invalid(key, text, 'Expected value to be either true or false')
    }
    case 'int':
    case 'short':
    case 'long': {
      if (!/^[+-]?\d+$/.test(trimmed)) throw invalid(key, text, `Not a number of type ${type.toUpperCase()}`)
      const exact = BigInt(trimmed.startsWith('+') ? trimmed.slice(1) : trimmed)
      const [min, max] = BOUNDS[type]
      if (exact < min || exact > max) throw invalid(key, text, `Not a number of type ${type.toUpperCase()}`)
      return Number(exact)
    }
    case 'double':
      if (!DOUBLE.test(trimmed)) throw invalid(key, text, 'Not a number of type DOUBLE')
      return Number(trimmed.replace(/(?<=[\d.])[fFdD]$/, ''))
    case 'list':
      return trimmed === '' ? [] : trimmed.split(/\s*,\s*/)
    case 'string':
    case 'class':
    case 'password':
      return trimmed
  }
}

/** The text that Kafka shows for a value (`ConfigDef.convertToString`), and null for null. */
export function formatValue(type: ValueType, value: Value): string | null {
  if (value === null) return null
  if (typeof value === 'object') return value.join(',')
  if (typeof value !== 'number') return String(value)
  if (type === 'double') return formatDouble(value)
  if (value >= 2 ** 63) return LONG_MAX.toString()
  return BigInt(value).toString()
}

/** Java's `Double.toString`. */
function formatDouble(value: number): string {
  const magnitude = Math.abs(value)
  if (!Number.isFinite(value)) return String(value)
  if (magnitude === 0 || (magnitude >= 1e-3 && magnitude < 1e7)) {
    return Number.isInteger(value) ? `${Object.is(value, -0) ? '-0' : value}.0` : String(value)
  }
  const [digits, exponent] = value.toExponential().split('e')
  return `${digits!.includes('.') ? digits : `${digits}.0`}E${Number(exponent)}`
}

/** What a message shows for a value: as `formatValue`, but a list in Java's brackets. */
export function showValue(type: ValueType, value: Value): string {
  return typeof value === 'object' && value !== null ? `[${value.join(', ')}]` : `${formatValue(type, value)}`
}

export function invalid(key: string, shown: string, why: string): InvalidValue {
  return new InvalidValue(`Invalid value ${shown} for configuration ${key}: ${why}`)
}
