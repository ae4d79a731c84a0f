/** Requests that are valid and as broad as they get: one of their arrays has very many elements. */
import type { Api } from '../wire/apis.ts'
import { defaultValue } from '../wire/defaults.ts'
import { encodeRequest } from '../wire/frame.ts'
import type { FieldMap, FieldSchema } from '../wire/schema.ts'
import { includesVersion } from '../wire/versions.ts'

export interface BroadRequest {
  /** Which array has the elements, as `topics` or `topics.partitions`. */
  readonly path: string
  /** The frame with its length. */
  readonly bytes: Buffer
}

/** Values with which requests get past the first checks of their handlers; of others the type decides. */
const plausible: Readonly<Record<string, unknown>> = {
  acks: -1,
  addPartitionsToTxnRequest: null,
  allowAutoTopicCreation: true,
  coordinatorKey: 'group',
  cursor: null,
  electionType: 0,
  generationIdOrMemberEpoch: -1,
  group: 'group',
  groupId: 'group',
  groupInstanceId: null,
  instanceId: null,
  isolationLevel: 0,
  keyType: 0,
  maxBytes: 100_000_000,
  maxWaitMs: 0,
  memberEpoch: 0,
  memberId: '',
  minBytes: 0,
  numPartitions: 1,
  operationType: 0,
  partitionMaxBytes: 1_000_000,
  protocolType: 'consumer',
  rackId: '',
  rebalanceTimeoutMs: 10_000,
  replicaId: -1,
  replicationFactor: 1,
  resourceType: 2,
  sessionEpoch: -1,
  sessionId: 0,
  sessionTimeoutMs: 10_000,
  subscribedTopicNames: [],
  subscribedTopicRegex: null,
  timeoutMs: 5000,
  topicPartitions: [],
  transactionalId: 'transaction',
}

/**
 * A request for each array of the version's request, of `count` elements that differ from each other, or with `same`
 * ones that don't. An array within another comes twice: all elements in one of the outer, and one in each of them.
 */
export function broadRequests(api: Api, version: number, count: number, same = false): BroadRequest[] {
  const requests: BroadRequest[] = []
  const add = (path: string, value: unknown) => {
    const head = { correlationId: 1, clientId: 'broad' }
    requests.push({ path, bytes: Buffer.concat(encodeRequest(api, version, head, value)) })
  }
  for (const path of arrayPaths(api.request.fields, version)) {
    const counts = path.split('.')
    const builder = new Builder(version, same)
    add(
      path,
      builder.struct(
        api.request.fields,
        counts,
        counts.map((_, at) => (at === counts.length - 1 ? count : 1)),
        0,
      ),
    )
    if (counts.length > 1) {
      const each = counts.map((_, at) => (at === 0 ? count : 1))
      add(`${path} in many`, new Builder(version, same).struct(api.request.fields, counts, each, 0))
    }
  }
  return requests
}

function arrayPaths(fields: FieldMap, version: number, before = ''): string[] {
  return Object.entries(fields).flatMap(([name, field]) => {
    if (!includesVersion(field.versions ?? '0+', version)) return []
    if (field.kind === 'struct') return arrayPaths(field.fields ?? {}, version, `${before}${name}.`)
    if (field.kind !== 'array') return []
    const inner =
      field.element?.kind === 'struct'
        ? arrayPaths(field.element.fields ?? {}, version, `${before}${name}.`)
        : []
    return [`${before}${name}`, ...inner]
  })
}

class Builder {
  readonly #version: number
  readonly #same: boolean
  #made = 0

  constructor(version: number, same: boolean) {
    this.#version = version
    this.#same = same
  }

  /** `path` and `counts` name the arrays on the way that are not empty, from `depth` on. */
  struct(
    fields: FieldMap,
    path: readonly string[],
    counts: readonly number[],
    depth: number,
  ): Record<string, unknown> {
    const value: Record<string, unknown> = {}
    for (const [name, field] of Object.entries(fields)) {
      if (!includesVersion(field.versions ?? '0+', this.#version)) value[name] = defaultValue(field)
      else if (name !== path[depth]) value[name] = this.#value(name, field, depth > 0)
      else if (field.kind === 'struct') value[name] = this.struct(field.fields ?? {}, path, counts, depth + 1)
      else
        value[name] = Array.from({ length: counts[depth] ?? 0 }, () =>
          this.#element(field, path, counts, depth),
        )
    }
    return value
  }

  #element(field: FieldSchema, path: readonly string[], counts: readonly number[], depth: number): unknown {
    const { element } = field
    if (!this.#same) this.#made++
    if (element?.kind === 'struct') return this.struct(element.fields ?? {}, path, counts, depth + 1)
    return this.#scalar(element ?? field)
  }

  #value(name: string, field: FieldSchema, isInner: boolean): unknown {
    if (Object.hasOwn(plausible, name) && !(isInner && field.kind === 'string')) return plausible[name]
    if (field.tag !== undefined) return defaultValue(field)
    if (field.kind === 'array') return []
    if (field.kind === 'struct') {
      return includesVersion(field.nullable, this.#version)
        ? null
        : this.struct(field.fields ?? {}, [], [], 0)
    }
    return this.#scalar(field)
  }

  #scalar(field: FieldSchema): unknown {
    switch (field.kind) {
      case 'string':
        return `n${this.#made}`
      case 'uuid':
        return uuidOf(this.#made)
      case 'bytes':
      case 'records':
        return Buffer.alloc(0)
      case 'bool':
        return false
      case 'int8':
      case 'int16':
        return 1
      case 'int32':
      case 'uint16':
      case 'uint32':
        return this.#made
      default:
        return defaultValue(field)
    }
  }
}

function uuidOf(number: number): string {
  const bytes = Buffer.alloc(16, 1)
  bytes.writeUInt32BE(number)
  return bytes.toString('base64url')
}
