import type { TopicImage } from '../../cluster/metadata/image.ts'
import { encode } from '../../wire/codec.ts'
import { consumerProtocolAssignment } from '../../wire/log-schemas/consumer-protocol-assignment.ts'
import { consumerProtocolSubscription } from '../../wire/log-schemas/consumer-protocol-subscription.ts'
import { ZERO_UUID } from '../../wire/schema.ts'
import { Writer } from '../../wire/writer.ts'
import type { GroupCommand, RequestContext } from '../commands.ts'

/** `name=value` words and the others, in order. */
export class Arguments {
  readonly #values: ReadonlyMap<string, string>
  readonly positional: readonly string[]

  constructor(words: readonly string[]) {
    this.positional = words.filter((word) => !word.includes('='))
    this.#values = new Map(
      words
        .filter((word) => word.includes('='))
        .map((word) => [word.slice(0, word.indexOf('=')), word.slice(word.indexOf('=') + 1)]),
    )
  }

  text(name: string, fallback: string): string {
    return this.#values.get(name) ?? fallback
  }

  optional(name: string): string | null {
    return this.#values.get(name) ?? null
  }

  number(name: string, fallback: number): number {
    return Number(this.#values.get(name) ?? fallback)
  }

  list(name: string, fallback = ''): string[] {
    return (this.#values.get(name) ?? fallback).split(',').filter((each) => each !== '')
  }
}

/** The command of a scenario's line; `uuid` makes the member id of a join. */
export function parseCommand(verb: string, args: Arguments, uuid: () => string): GroupCommand {
  const groupId = args.text('group', 'g')
  const context: RequestContext = {
    version: args.number('v', NEWEST[verb] ?? 0),
    clientId: args.text('client', 'c'),
    clientHost: '/10.0.0.1',
  }
  const member = {
    groupId,
    memberId: args.text('member', ''),
    groupInstanceId: args.optional('instance'),
  }
  switch (verb) {
    case 'join': {
      const protocolType = args.text('type', 'consumer')
      return {
        type: 'joinGroup',
        request: {
          ...member,
          sessionTimeoutMs: args.number('session', 10_000),
          rebalanceTimeoutMs: args.number('rebalance', 60_000),
          protocolType,
          protocols: args
            .text('protocols', 'range:t')
            .split(';')
            .filter(Boolean)
            .map((text) => protocolOf(text, args.optional('owned'))),
          reason: args.optional('reason'),
        },
        context,
        uuid: uuid(),
      }
    }
    case 'sync':
      return {
        type: 'syncGroup',
        request: {
          ...member,
          generationId: args.number('generation', 1),
          protocolType: args.optional('type'),
          protocolName: args.optional('protocol'),
          assignments: args.list('assign').map((each) => {
            const [memberId = '', assignment = ''] = each.split(':')
            return { memberId, assignment: assignmentOf(assignment) }
          }),
        },
        context,
      }
    case 'heartbeat':
      return {
        type: 'heartbeat',
        request: { ...member, generationId: args.number('generation', 1) },
        context,
      }
    case 'leave': {
      const leavers = args.positional.map((each) => {
        const [memberId = '', groupInstanceId = null] = each.split('/')
        return { memberId: memberId === '-' ? '' : memberId, groupInstanceId, reason: null }
      })
      return {
        type: 'leaveGroup',
        request: {
          groupId,
          memberId: context.version < 3 ? (leavers[0]?.memberId ?? '') : '',
          members: leavers,
        },
        context,
      }
    }
    case 'commit':
      return {
        type: 'offsetCommit',
        ...member,
        generationIdOrMemberEpoch: args.number('generation', -1),
        retentionTimeMs: args.number('retention', -1),
        partitions: args.positional.map((each) => {
          const [place = '', offset = '0', leaderEpoch = '-1'] = each.split(':')
          return {
            ...topicPartitionOf(place),
            topicId: args.text('id', ZERO_UUID),
            offset: BigInt(offset),
            leaderEpoch: Number(leaderEpoch),
            metadata: args.optional('metadata'),
            commitTimestampMs: args.number('at', -1),
          }
        }),
        context,
      }
    case 'fetch':
      return {
        type: 'offsetFetch',
        groupId,
        memberId: args.optional('member'),
        memberEpoch: args.number('epoch', -1),
        requireStable: false,
        topics:
          args.positional.length === 0
            ? null
            : args.positional.map(topicPartitionOf).map(({ topic, partition }) => ({
                topic,
                topicId: args.text('id', ZERO_UUID),
                partitions: [partition],
              })),
      }
    case 'beat': {
      const memberEpoch = args.number('epoch', 0)
      const joins = memberEpoch === 0
      return {
        type: 'consumerGroupHeartbeat',
        request: {
          groupId,
          memberId: args.text('member', ''),
          memberEpoch,
          instanceId: args.optional('instance'),
          rackId: args.optional('rack'),
          rebalanceTimeoutMs: args.number('rebalance', joins ? 60_000 : -1),
          subscribedTopicNames:
            args.optional('topics') === null && !joins ? null : args.list('topics', joins ? 't' : ''),
          subscribedTopicRegex: args.optional('regex'),
          serverAssignor: args.optional('assignor'),
          topicPartitions: args.optional('owned') === null && !joins ? null : ownedOf(args.text('owned', '')),
        },
        context,
        uuid: uuid(),
      }
    }
    case 'consumer-describe':
      return { type: 'consumerGroupDescribe', groupIds: args.positional }
    case 'offset-delete':
      return {
        type: 'offsetDelete',
        request: {
          groupId,
          topics: args.positional.map(topicPartitionOf).map(({ topic, partition }) => ({
            name: topic,
            partitions: [{ partitionIndex: partition }],
          })),
        },
      }
    case 'describe':
      return { type: 'describeGroups', groupIds: args.positional, context }
    case 'list':
      return {
        type: 'listGroups',
        request: { statesFilter: args.list('states'), typesFilter: args.list('types') },
      }
    case 'delete':
      return { type: 'deleteGroups', groupIds: args.positional }
    case 'topics-deleted':
      return {
        type: 'topicsDeleted',
        topics: args.positional.map((name) => ({ name, id: args.text('id', ZERO_UUID) })),
      }
    case 'cleanup':
      return { type: 'cleanupExpiredOffsets' }
    default:
      throw new Error(`unknown verb ${verb}`)
  }
}

const NEWEST: Readonly<Record<string, number>> = {
  join: 9,
  // v5 wants the protocol in every request.
  sync: 4,
  heartbeat: 4,
  leave: 5,
  commit: 10,
  describe: 6,
  beat: 1,
}

/**
 * `range:t,u` offers the protocol with a consumer's subscription to two topics, in a version that also says what the
 * member owns where that is given; `range!xyz` with those bytes.
 */
function protocolOf(text: string, owned: string | null): { name: string; metadata: Buffer } {
  const raw = text.indexOf('!')
  if (raw >= 0) return { name: text.slice(0, raw), metadata: Buffer.from(text.slice(raw + 1)) }
  const [name = '', topics = ''] = text.split(':')
  const names = topics.split(',').filter(Boolean)
  if (owned === null) return { name, metadata: subscription(names) }
  const writer = new Writer()
  writer.int16(1)
  encode(consumerProtocolSubscription, 1, { topics: names, ownedPartitions: namedPartitions(owned) }, writer)
  return { name, metadata: writer.toBuffer() }
}

export function subscription(topics: readonly string[]): Buffer {
  const head = Buffer.alloc(6)
  head.writeInt32BE(topics.length, 2)
  const names = topics.map((topic) => {
    const name = Buffer.from(topic)
    const length = Buffer.alloc(2)
    length.writeInt16BE(name.length)
    return Buffer.concat([length, name])
  })
  const userData = Buffer.from([0xff, 0xff, 0xff, 0xff])
  return Buffer.concat([head, ...names, userData])
}

/** `t/0/1+u/2` is an assignment as consumers write it, `t/0+` one with a custom assignor's data; other text its bytes. */
function assignmentOf(text: string): Buffer {
  if (!text.includes('/')) return Buffer.from(text)
  const writer = new Writer()
  writer.int16(0)
  const userData = text.endsWith('+') ? Buffer.from('custom') : null
  const assignedPartitions = text
    .split('+')
    .filter(Boolean)
    .map((each) => {
      const [topic = '', ...partitions] = each.split('/')
      return { topic, partitions: partitions.map(Number) }
    })
  encode(consumerProtocolAssignment, 0, { assignedPartitions, userData }, writer)
  return writer.toBuffer()
}

/** `t:0,1;u:2` are partitions of topics. */
function namedPartitions(text: string): { topic: string; partitions: number[] }[] {
  return text
    .split(';')
    .filter(Boolean)
    .map((each) => {
      const [topic = '', partitions = ''] = each.split(':')
      return { topic, partitions: partitions.split(',').map(Number) }
    })
}

/** The same, by the ids that `topicOf` gives them. */
function ownedOf(text: string): { topicId: string; partitions: number[] }[] {
  return namedPartitions(text).map(({ topic, partitions }) => ({ topicId: topicIdOf(topic), partitions }))
}

/** `t:3` is a topic of three partitions; `t@u:3` the same with the id of a topic `u`. */
export function topicOf(text: string): TopicImage {
  const [named = '', partitions = '1'] = text.split(':')
  const [name = '', idName = name] = named.split('@')
  return {
    name,
    id: topicIdOf(idName),
    partitions: Array.from({ length: Number(partitions) }, (_, partition) => ({
      partition,
      replicas: [1],
      isr: [1],
      leader: 1,
      leaderEpoch: 0,
      partitionEpoch: 0,
    })),
  }
}

/** The name with hyphens behind it, and a last character without bits beyond the id's. */
export function topicIdOf(name: string): string {
  return `${name.padEnd(21, '-')}A`
}

export function topicNameOf(id: string): string {
  return id.replace(/-*A$/, '')
}

function topicPartitionOf(text: string): { topic: string; partition: number } {
  const dash = text.lastIndexOf('-')
  return { topic: text.slice(0, dash), partition: Number(text.slice(dash + 1)) }
}
