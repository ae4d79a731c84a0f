/** A closed interval of protocol versions; `max` is Infinity for an open range such as '3+'. */
export interface VersionRange {
  readonly min: number
  readonly max: number
}

/** Parses Kafka's notation: '4', '0-12' or '3+'. */
export function parseVersions(text: string): VersionRange {
  const match = /^(\d+)(?:-(\d+)|(\+))?$/.exec(text)
  if (match === null) throw new TypeError(`not a version range: ${text}`)
  const min = Number(match[1])
  if (match[3] !== undefined) return { min, max: Number.POSITIVE_INFINITY }
  return { min, max: match[2] === undefined ? min : Number(match[2]) }
}

/** Ranges that were asked about, by their text: those of the schemas, a few dozen. */
const parsed = new Map<string, VersionRange>()

/** Whether `version` lies in the range that `text` denotes; an absent range holds no version. */
export function includesVersion(text: string | undefined, version: number): boolean {
  if (text === undefined) return false
  let range = parsed.get(text)
  if (range === undefined) {
    range = parseVersions(text)
    parsed.set(text, range)
  }
  return version >= range.min && version <= range.max
}
