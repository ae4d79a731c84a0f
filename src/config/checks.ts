import { InvalidValue, invalid, showValue, type Value, type ValueType } from './values.ts'

/** A bound on the values of a key. Never asked about null. */
export interface Check {
  /** As Kafka's reference prints it. */
  readonly text: string
  /** Of a list in which an entry counts once: Kafka drops those that come again (`ConfigDef.ValidList`). */
  readonly dropsRepeated?: true
  /** Throws InvalidValue, worded as Kafka words it. */
  ensure(key: string, type: ValueType, value: Exclude<Value, null>): void
}

export function atLeast(min: number): Check {
  return between(min, undefined)
}

/** Both ends belong to the range. */
export function between(min: number, max: number | undefined): Check {
  return {
    text: max === undefined ? `[${min},...]` : `[${min},...,${max}]`,
    ensure(key, type, value) {
      if ((value as number) < min) throw invalid(key, showValue(type, value), `Value must be at least ${min}`)
      if (max !== undefined && (value as number) > max)
        throw invalid(key, showValue(type, value), `Value must be no more than ${max}`)
    },
  }
}

export function oneOf(...allowed: readonly string[]): Check {
  return {
    text: `[${allowed.join(', ')}]`,
    ensure(key, type, value) {
      if (!allowed.includes(value as string))
        throw invalid(key, showValue(type, value), `String must be one of: ${allowed.join(', ')}`)
    },
  }
}

export function oneOfAnyCase(...allowed: readonly string[]): Check {
  return {
    text: `(case insensitive) [${allowed.join(', ')}]`,
    ensure(key, type, value) {
      if (!allowed.includes((value as string).toUpperCase()))
        throw invalid(
          key,
          showValue(type, value),
          `String must be one of (case insensitive): ${allowed.join(', ')}`,
        )
    },
  }
}

export const nonEmptyString: Check = {
  text: 'non-empty string',
  ensure(key, type, value) {
    if (value === '') throw invalid(key, showValue(type, value), 'String must be non-empty')
  },
}

/** Kafka's own check of `authorizer.class.name`; only null breaks it, and null never gets here. */
export const nonNullString: Check = { text: 'non-null string', ensure() {} }

/** Entries that are neither empty nor said twice; the empty list is allowed. */
export const distinct: Check = {
  text: '',
  dropsRepeated: true,
  ensure: (key, _type, value) => ensureEntries(key, value),
}

/** As `distinct`, with at least one entry. */
export const someDistinct: Check = {
  text: '',
  dropsRepeated: true,
  ensure(key, _type, value) {
    ensureSome(key, value, 'any non-empty value')
    ensureEntries(key, value)
  },
}

/** A list of these words, none twice. */
export function subsetOf(...allowed: readonly string[]): Check {
  return {
    text: `[${allowed.join(', ')}]`,
    dropsRepeated: true,
    ensure(key, _type, value) {
      ensureEntries(key, value, allowed)
    },
  }
}

/** As `subsetOf`, with at least one entry. */
export function someOf(...allowed: readonly string[]): Check {
  return {
    text: `[${allowed.join(', ')}]`,
    dropsRepeated: true,
    ensure(key, _type, value) {
      ensureSome(key, value, `[${allowed.join(', ')}]`)
      ensureEntries(key, value, allowed)
    },
  }
}

/** `compression.gzip.level`: zlib's own default is -1, outside the range of its levels. */
export const gzipLevel: Check = {
  text: '[1,...,9] or -1',
  ensure(key, type, value) {
    const level = value as number
    if (level !== -1 && (level < 1 || level > 9))
      throw invalid(key, showValue(type, value), 'Value must be between 1 and 9 or equal to -1')
  },
}

/** `*`, or a list of partition:broker pairs (`ThrottledReplicaListValidator`). */
export const throttledReplicas: Check = {
  text: '[partitionId]:[brokerId],[partitionId]:[brokerId],...',
  ensure(key, type, value) {
    const entries = value as readonly string[]
    if (entries.length === 1 && entries[0] === '*') return
    if (!entries.every((entry) => /^[0-9]+:[0-9]+$/.test(entry)))
      throw invalid(
        key,
        showValue(type, value),
        `${key} must be the literal '*' or a list of replicas in the following format: [partitionId]:[brokerId],[partitionId]:[brokerId],...`,
      )
  },
}

/** `{id}@{host}:{port}` entries of the KRaft quorum. */
export const quorumVoters: Check = {
  text: 'non-empty list',
  ensure(key, _type, value) {
    for (const entry of value as readonly string[])
      if (!/^\d+@[^@]+:\d+$/.test(entry))
        throw new InvalidValue(
          `Invalid configuration value for ${key}. Each entry should be in the form \`{id}@{host}:{port}\`.`,
        )
  },
}

/** `{host}:{port}` entries. */
export const hostsAndPorts: Check = {
  text: 'non-empty list',
  ensure(key, _type, value) {
    for (const entry of value as readonly string[])
      if (!/^(?:[a-zA-Z]+:\/\/)?(?:\[[0-9a-zA-Z\-%._:]*\]|[0-9a-zA-Z\-%._]+):\d+$/.test(entry))
        throw new InvalidValue(
          `Failed to parse host name from ${entry} for the configuration ${key}. Each entry should be in the form "{host}:{port}"`,
        )
  },
}

const ISO_DURATION = /^PT?(?=.)(?:\d+D)?(?:T?(?:\d+H)?(?:\d+M)?(?:\d+(?:\.\d{0,9})?S)?)$/i

/** Where a share group starts (`ShareGroupAutoOffsetResetStrategy`). */
export const shareOffsetReset: Check = {
  text: '[latest, earliest, by_duration:PnDTnHnMn.nS]',
  ensure(key, _type, value) {
    const text = value as string
    if (text === 'latest' || text === 'earliest') return
    const duration = text.startsWith('by_duration:') ? text.slice('by_duration:'.length) : ''
    if (!ISO_DURATION.test(duration) || duration.endsWith('T'))
      throw invalid(
        key,
        text,
        `Invalid value \`${text}\` for configuration ${key}. The value must be either 'earliest', 'latest' or of the format 'by_duration:<PnDTnHnMn.nS>'.`,
      )
  },
}

function ensureSome(key: string, value: Value, allowed: string): void {
  if ((value as readonly string[]).length === 0)
    throw new InvalidValue(`Configuration '${key}' must not be empty. Valid values include: ${allowed}`)
}

function ensureEntries(key: string, value: Value, allowed?: readonly string[]): void {
  for (const entry of value as readonly string[]) {
    if (entry === '') throw new InvalidValue(`Configuration '${key}' values must not be empty.`)
    if (allowed !== undefined && !allowed.includes(entry))
      throw invalid(key, entry, `String must be one of: ${allowed.join(', ')}`)
  }
}
