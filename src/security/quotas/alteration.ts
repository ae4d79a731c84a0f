/** Changes of quotas that clients ask for: Kafka's `ClientQuotaControlManager`, same codes and texts. */
import type { MetadataChange } from '../../cluster/metadata/changes.ts'
import { type MetadataImage, type QuotaEntity, quotaEntityKey } from '../../cluster/metadata/image.ts'
import { ErrorCode, KafkaError } from '../../wire/error-codes.ts'
import { canonicalIp } from './ip.ts'
import { INTEGRAL_QUOTAS, IP_QUOTAS, USER_AND_CLIENT_QUOTAS } from './names.ts'

/** An entity as requests spell it: by type, in the order given; null is the default of the type. */
export type EntityEntries = ReadonlyMap<string, string | null>

export interface QuotaAlteration {
  readonly entity: EntityEntries
  readonly ops: readonly { readonly key: string; readonly value: number; readonly remove: boolean }[]
}

export interface AlteredQuota {
  readonly entity: EntityEntries
  readonly errorCode: number
  readonly errorMessage: string | null
}

/** The largest numbers of Java's types, as near as a number comes to them. */
const MAX_VALUES = { 'a LONG': 2 ** 63, 'an INT': 2 ** 31 - 1 } as const
const FRACTION = 1e-6

/**
 * What the alterations change, and one result for each entity that they name, each done or refused for itself.
 * @param resolvable host names among the addresses that have an address
 */
export function planAlterations(
  image: MetadataImage,
  alterations: readonly QuotaAlteration[],
  resolvable: ReadonlySet<string>,
): { readonly changes: readonly MetadataChange[]; readonly results: readonly AlteredQuota[] } {
  const changes: MetadataChange[] = []
  const results = new Map<string, AlteredQuota>()
  for (const { entity, ops } of alterations) {
    const key = JSON.stringify([...entity].sort(([a], [b]) => (a < b ? -1 : 1)))
    const refusal =
      results.has(key) || repeats(ops)
        ? `Ignoring duplicate entity ${describeEntity(entity)}`
        : plan(image, entity, ops, resolvable)
    if (typeof refusal === 'string') {
      results.set(key, { entity, errorCode: ErrorCode.INVALID_REQUEST, errorMessage: refusal })
    } else {
      changes.push(...refusal)
      results.set(key, { entity, errorCode: ErrorCode.NONE, errorMessage: null })
    }
  }
  return { changes, results: [...results.values()] }
}

/** The changes, or why there are none. */
function plan(
  image: MetadataImage,
  entries: EntityEntries,
  ops: QuotaAlteration['ops'],
  resolvable: ReadonlySet<string>,
): MetadataChange[] | string {
  const problem = entityProblem(entries) ?? combinationProblem(entries, resolvable)
  if (problem !== undefined) return problem
  const entity = entityOf(entries)
  const current = image.clientQuotas.get(quotaEntityKey(entity))?.values
  const valid = entity.ip === undefined ? USER_AND_CLIENT_QUOTAS : IP_QUOTAS
  const changes: MetadataChange[] = []
  for (const { key, value, remove } of ops) {
    if (remove) {
      if (current?.has(key)) changes.push({ type: 'removeClientQuota', entity, key })
      continue
    }
    const refusal = valueProblem(valid, key, value)
    if (refusal !== undefined) return refusal
    if (current?.get(key) !== value) changes.push({ type: 'setClientQuota', entity, key, value })
  }
  return changes
}

function repeats(ops: QuotaAlteration['ops']): boolean {
  return new Set(ops.map(({ key }) => key)).size < ops.length
}

function entityProblem(entries: EntityEntries): string | undefined {
  if (entries.size === 0) return 'Invalid empty client quota entity'
  for (const [type, name] of entries) {
    if (type !== 'user' && type !== 'client-id' && type !== 'ip')
      return `Unhandled client quota entity type: ${type}`
    if (name === '') return `Empty ${type} not supported`
  }
  return undefined
}

function combinationProblem(entries: EntityEntries, resolvable: ReadonlySet<string>): string | undefined {
  const ip = entries.get('ip')
  if (ip === undefined) return undefined
  if (entries.size > 1)
    return 'Invalid quota entity combination, IP entity shouldnot be combined with User or ClientId'
  return ip === null || canonicalIp(ip) !== undefined || resolvable.has(ip)
    ? undefined
    : `${ip} is not a valid IP or resolvable host.`
}

function valueProblem(valid: ReadonlySet<string>, key: string, value: number): string | undefined {
  if (!valid.has(key)) return `Invalid configuration key ${key}`
  if (value <= 0) return `Quota ${key} must be greater than 0`
  const type = INTEGRAL_QUOTAS.get(key)
  if (type !== undefined) {
    if (value > MAX_VALUES[type]) return `Proposed value for ${key} is too large for ${type}.`
    if (value % 1 > FRACTION) return `${key} cannot be a fractional value.`
  }
  // Kafka takes these, and then throttles nobody; nothing is lost by refusing them, and JSON has no form for them.
  return Number.isFinite(value) ? undefined : `Quota ${key} must be a finite number`
}

function entityOf(entries: EntityEntries): QuotaEntity {
  const [user, clientId, ip] = [entries.get('user'), entries.get('client-id'), entries.get('ip')]
  return {
    ...(user !== undefined && { user }),
    ...(clientId !== undefined && { clientId }),
    ...(ip !== undefined && { ip }),
  }
}

/** As Kafka writes it into messages. */
function describeEntity(entries: EntityEntries): string {
  const parts = Array.from(entries, ([type, name]) => `${type}=${name}`)
  return `ClientQuotaEntity(entries={${parts.join(', ')}})`
}

/** Which quotas a description is about. */
export interface QuotaFilter {
  readonly components: readonly {
    readonly entityType: string
    readonly matchType: number
    readonly match: string | null
  }[]
  /** Only entities that have no other types than those named. */
  readonly strict: boolean
}

const MatchType = { EXACT: 0, DEFAULT: 1, SPECIFIED: 2 } as const
const ANY = Symbol('any name, the default too')

/** The entities that the filter lets through. Throws KafkaError for one that says nothing clear. */
export function* matchingQuotas(image: MetadataImage, { components, strict }: QuotaFilter) {
  const wanted = wantedNames(components)
  for (const { entity, values } of image.clientQuotas.values()) {
    const entries = entriesOf(entity)
    if (strict && entries.size !== wanted.size) continue
    const fits = [...wanted].every(([type, name]) =>
      name === ANY ? entries.has(type) : entries.get(type) === name,
    )
    if (fits) yield { entries, values }
  }
}

function wantedNames(components: QuotaFilter['components']): ReadonlyMap<string, string | null | typeof ANY> {
  const wanted = new Map<string, string | null | typeof ANY>()
  const invalid = (message: string) => new KafkaError(ErrorCode.INVALID_REQUEST, message)
  for (const { entityType, matchType, match } of components) {
    if (entityType === '') throw invalid('Invalid empty entity type.')
    if (wanted.has(entityType))
      throw invalid(`Entity type ${entityType} cannot appear more than once in the filter.`)
    if (entityType !== 'user' && entityType !== 'client-id' && entityType !== 'ip') {
      throw new KafkaError(ErrorCode.UNSUPPORTED_VERSION, `Unsupported entity type ${entityType}`)
    }
    switch (matchType) {
      case MatchType.EXACT:
        if (match === null) throw invalid('Request specified MATCH_TYPE_EXACT, but set match string to null.')
        wanted.set(entityType, match)
        break
      case MatchType.DEFAULT:
        if (match !== null)
          throw invalid('Request specified MATCH_TYPE_DEFAULT, but also specified a match string.')
        wanted.set(entityType, null)
        break
      case MatchType.SPECIFIED:
        if (match !== null)
          throw invalid('Request specified MATCH_TYPE_SPECIFIED, but also specified a match string.')
        wanted.set(entityType, ANY)
        break
      default:
        throw invalid(`Unknown match type ${matchType}`)
    }
  }
  if (wanted.has('ip') && wanted.size > 1) {
    throw invalid(
      'Invalid entity filter component combination. IP filter component should not be used with user or clientId filter component.',
    )
  }
  return wanted
}

function entriesOf({ user, clientId, ip }: QuotaEntity): EntityEntries {
  const entries = new Map<string, string | null>()
  if (user !== undefined) entries.set('user', user)
  if (clientId !== undefined) entries.set('client-id', clientId)
  if (ip !== undefined) entries.set('ip', ip)
  return entries
}
