import { invariant } from '../../base/invariant.ts'
import type { ReplyToken } from '../../cluster/coordinator/contract.ts'
import { SeededRandom } from '../../testing/seeded-random.ts'
import { NO_PRODUCER_ID } from '../../wire/batch.ts'
import { ErrorCode } from '../../wire/error-codes.ts'
import type { GroupCommand, GroupReplies, GroupReply } from '../commands.ts'
import type { GroupMachine } from '../group-machine.ts'
import { DEFAULT_OPTIONS, Harness } from './harness.ts'
import { subscription } from './scenario-command.ts'

const GROUP = 'g'
const CLIENTS = 6
const STATIC = 'static'
const OPTIONS = { ...DEFAULT_OPTIONS, initialRebalanceDelayMs: 50, maxSize: 5 }
const WRITE_ERRORS = [
  ErrorCode.NOT_ENOUGH_REPLICAS,
  ErrorCode.NOT_LEADER_OR_FOLLOWER,
  ErrorCode.MESSAGE_TOO_LARGE,
]

/** An application with one consumer, which does with each answer what a real client does. */
interface Client {
  readonly name: string
  readonly isStatic: boolean
  readonly joinVersion: number
  readonly session: number
  topics: string[]
  running: boolean
  /** Increases with each start: answers to an earlier life reach nobody. */
  life: number
  memberId: string
  generation: number
  /** Joined and assigned, as far as it knows. */
  assigned: boolean
  /** It waits for this token. */
  waitsFor: number | undefined
  nextOffset: bigint
}

/**
 * Clients that start, stop, crash and change their minds, a broker that restarts and a log that fails, all from one
 * seed; and what must hold of the group after every step. Throws when it does not.
 */
export class GroupSimulation {
  readonly #random: SeededRandom
  readonly #clients: Client[]
  readonly #harness: Harness
  readonly #answers: { token: number; command: GroupCommand; reply: GroupReply }[] = []
  readonly #senders = new Map<number, { client: Client; life: number }>()
  /** Who leads each generation since the last restart, by its name. */
  #leaders = new Map<number, string>()
  /** The last offset whose commit was acknowledged, by client. */
  readonly #committed = new Map<string, bigint>()
  /** The live group is ahead of its record, because a write of it failed. */
  #recordIsBehind = false
  #uuids = 0
  readonly counts = { generations: 0, assignments: 0, commits: 0, restarts: 0, failedWrites: 0 }

  constructor(seed: number) {
    this.#random = new SeededRandom(seed)
    this.#clients = Array.from({ length: CLIENTS }, (_, i) => ({
      name: `${i % 3 === 2 ? STATIC : 'dynamic'}${i}`,
      isStatic: i % 3 === 2,
      joinVersion: i % 3 === 2 ? this.#random.pick([5, 8, 9]) : this.#random.pick([2, 3, 4, 9]),
      session: this.#random.pick([6_000, 10_000, 30_000]),
      topics: ['t'],
      running: false,
      life: 0,
      memberId: '',
      generation: -1,
      assigned: false,
      waitsFor: undefined,
      nextOffset: 1n,
    }))
    this.#harness = new Harness(OPTIONS, {
      record: (record) => {
        if (record.type === 'groupMetadata') this.#recordIsBehind = false
      },
      reply: (token, command, reply) => this.#answers.push({ token, command, reply }),
      timer: () => {},
    })
  }

  run(steps: number): void {
    for (let i = 0; i < steps; i++) {
      this.#step()
      this.#react()
      this.#check()
    }
    this.#settle()
  }

  #step(): void {
    const client = this.#random.pick(this.#clients)
    const chance = this.#random.float()
    if (chance < 0.3) this.#pass(this.#random.pick([10, 100, 1_000, 4_000]))
    else if (chance < 0.5) {
      if (client.running) this.#act(client)
      else this.#start(client)
    } else if (chance < 0.56) this.#crash(client)
    else if (chance < 0.62) this.#leave(client)
    else if (chance < 0.66) client.topics = this.#random.pick([['t'], ['t', 'u'], ['v']])
    else if (chance < 0.7) this.#rejoinUnasked(client)
    else if (chance < 0.75) this.#harness.holdsWrites = true
    else if (chance < 0.85) {
      this.#harness.holdsWrites = false
      this.#harness.releaseWrites()
    } else if (chance < 0.87) {
      this.#harness.holdsWrites = false
      this.#recordIsBehind = true
      this.counts.failedWrites++
      this.#harness.failWrites(this.#random.pick(WRITE_ERRORS))
    } else if (chance < 0.885) this.#restart()
    else for (const each of this.#clients) this.#act(each)
  }

  /** Faults are over: those that run are soon the group's members, each with its assignment of one generation. */
  #settle(): void {
    this.#harness.holdsWrites = false
    this.#harness.releaseWrites()
    // One too many for the group would be sent away again and again.
    for (const client of this.#clients.slice(OPTIONS.maxSize)) this.#crash(client)
    for (let i = 0; i < 700; i++) {
      this.#react()
      for (const client of this.#clients) this.#act(client)
      this.#pass(1_000)
      this.#check()
    }
    this.#react()

    const running = this.#clients.filter((client) => client.running)
    const waiting = running.filter((client) => !client.assigned).map(({ name }) => name)
    invariant(waiting.length === 0, `${waiting.join(', ')} never got an assignment`)
    invariant(
      new Set(running.map((client) => client.generation)).size <= 1,
      'more than one generation at the end',
    )
    const described = this.#described(this.#harness.machine)
    invariant(
      described.groupState === (running.length > 0 ? 'Stable' : described.groupState),
      described.groupState,
    )
    const members = described.members.map(({ memberId }) => memberId).sort()
    const expected = running.map(({ memberId }) => memberId).sort()
    invariant(String(members) === String(expected), `members are ${members}, but ${expected} run`)
    invariant(this.#harness.unanswered.length === 0, `tokens ${this.#harness.unanswered} were never answered`)
  }

  #pass(durationMs: number): void {
    this.#harness.advance(durationMs)
  }

  #start(client: Client): void {
    client.running = true
    client.life++
    client.memberId = ''
    client.generation = -1
    client.assigned = false
    client.waitsFor = undefined
    this.#join(client)
  }

  #crash(client: Client): void {
    client.running = false
  }

  #leave(client: Client): void {
    if (!client.running || client.memberId === '') return
    this.#send(client, {
      type: 'leaveGroup',
      request: {
        groupId: GROUP,
        memberId: '',
        members: [{ memberId: client.memberId, groupInstanceId: instanceOf(client), reason: null }],
      },
      context: contextOf(client, 5),
    })
    client.running = false
  }

  /** A client may join again at any time, also while it waits: it lost its connection, say. */
  #rejoinUnasked(client: Client): void {
    if (client.running) this.#join(client)
  }

  #join(client: Client): void {
    client.assigned = false
    client.waitsFor = this.#send(client, {
      type: 'joinGroup',
      request: {
        groupId: GROUP,
        sessionTimeoutMs: client.session,
        rebalanceTimeoutMs: 20_000,
        memberId: client.memberId,
        groupInstanceId: instanceOf(client),
        protocolType: 'consumer',
        protocols: [{ name: 'range', metadata: subscription(client.topics) }],
        reason: null,
      },
      context: contextOf(client, client.joinVersion),
      uuid: `${++this.#uuids}`,
    })
  }

  #act(client: Client): void {
    if (!client.running || client.waitsFor !== undefined) return
    if (!client.assigned) this.#join(client)
    else if (this.#random.float() < 0.5) {
      this.#send(client, {
        type: 'heartbeat',
        request: {
          groupId: GROUP,
          generationId: client.generation,
          memberId: client.memberId,
          groupInstanceId: instanceOf(client),
        },
        context: contextOf(client, 4),
      })
    } else {
      this.#send(client, {
        type: 'offsetCommit',
        groupId: GROUP,
        memberId: client.memberId,
        groupInstanceId: instanceOf(client),
        generationIdOrMemberEpoch: client.generation,
        retentionTimeMs: -1,
        partitions: [
          {
            topic: client.name,
            topicId: 'AAAAAAAAAAAAAAAAAAAAAA',
            partition: 0,
            offset: client.nextOffset++,
            leaderEpoch: -1,
            metadata: null,
          },
        ],
        context: contextOf(client, 9),
      })
    }
  }

  #restart(): void {
    this.counts.restarts++
    this.#harness.holdsWrites = false
    this.#harness.restart()
    this.#recordIsBehind = false
    this.#leaders = new Map()
  }

  #send(client: Client, command: GroupCommand): number {
    const token = this.#harness.execute(command)
    this.#senders.set(token, { client, life: client.life })
    return token
  }

  /** Every answer so far reaches its client, and what the client sends then, until nobody has anything to say. */
  #react(): void {
    for (let answer = this.#answers.shift(); answer !== undefined; answer = this.#answers.shift()) {
      const { token, command, reply } = answer
      const sender = this.#senders.get(token)
      this.#senders.delete(token)
      if (sender === undefined) continue
      const { client, life } = sender
      if (command.type === 'offsetCommit')
        this.#acknowledged(command.partitions[0]!, reply as GroupReplies['offsetCommit'])
      if (!client.running || client.life !== life) continue
      if (client.waitsFor === token) client.waitsFor = undefined
      else if (command.type === 'joinGroup' || command.type === 'syncGroup') continue
      this.#received(client, command, reply)
    }
  }

  #acknowledged(offset: { topic: string; offset: bigint }, reply: GroupReplies['offsetCommit']): void {
    if (reply.partitions[0]!.errorCode !== ErrorCode.NONE) return
    this.counts.commits++
    this.#committed.set(offset.topic, offset.offset)
  }

  #received(client: Client, command: GroupCommand, reply: GroupReply): void {
    switch (command.type) {
      case 'joinGroup':
        this.#joined(client, reply as GroupReplies['joinGroup'])
        return
      case 'syncGroup': {
        const { errorCode, assignment } = reply as GroupReplies['syncGroup']
        if (errorCode !== ErrorCode.NONE) {
          this.#refused(client, errorCode)
          return
        }
        const expected = `${client.generation}:${identityOf(client.memberId)}`
        // A static member may take over what its earlier life was given in the same generation.
        invariant(assignment.toString() === expected, `${client.name} got ${assignment}, not ${expected}`)
        client.assigned = true
        this.counts.assignments++
        return
      }
      case 'heartbeat':
        this.#refused(client, (reply as GroupReplies['heartbeat']).errorCode)
        return
      case 'offsetCommit':
        this.#refused(client, (reply as GroupReplies['offsetCommit']).partitions[0]!.errorCode)
        return
      default:
    }
  }

  #joined(client: Client, reply: GroupReplies['joinGroup']): void {
    if (reply.errorCode === ErrorCode.MEMBER_ID_REQUIRED) {
      client.memberId = reply.memberId
      this.#join(client)
      return
    }
    if (reply.errorCode !== ErrorCode.NONE) {
      this.#refused(client, reply.errorCode)
      return
    }
    const generation = reply.generationId ?? -1
    client.memberId = reply.memberId
    client.generation = generation
    const leads = reply.leader === reply.memberId
    if (leads) {
      const leader = identityOf(client.memberId)
      const other = this.#leaders.get(generation)
      invariant(
        other === undefined || other === leader,
        `${other} and ${leader} lead generation ${generation}`,
      )
      if (other === undefined) this.counts.generations++
      this.#leaders.set(generation, leader)
    }
    client.waitsFor = this.#send(client, {
      type: 'syncGroup',
      request: {
        groupId: GROUP,
        generationId: generation,
        memberId: client.memberId,
        groupInstanceId: instanceOf(client),
        protocolType: null,
        protocolName: null,
        assignments: leads
          ? reply.members.map(({ memberId }) => ({
              memberId,
              assignment: Buffer.from(`${generation}:${identityOf(memberId)}`),
            }))
          : [],
      },
      context: contextOf(client, 4),
    })
  }

  #refused(client: Client, errorCode: number): void {
    switch (errorCode) {
      case ErrorCode.NONE:
        return
      case ErrorCode.UNKNOWN_MEMBER_ID:
        client.memberId = ''
        client.generation = -1
        break
      case ErrorCode.FENCED_INSTANCE_ID:
      case ErrorCode.GROUP_MAX_SIZE_REACHED:
        client.running = false
        return
      default:
    }
    client.assigned = false
  }

  #check(): void {
    const { machine, holdsWrites, log } = this.#harness
    if (holdsWrites || this.#answers.length > 0) return
    const rebuilt = this.#harness.newMachine()
    for (const [offset, record] of log.entries()) rebuilt.apply(record, offset, NO_PRODUCER_ID)
    const live = this.#described(machine)
    const isSettled = live.groupState === 'Stable' || live.groupState === 'Empty'
    if (isSettled && !this.#recordIsBehind) {
      invariant(
        text(live) === text(this.#described(rebuilt)),
        `live ${text(live)}, from the log ${text(this.#described(rebuilt))}`,
      )
    }
    const fetched = this.#ask(rebuilt, {
      type: 'offsetFetch',
      groupId: GROUP,
      memberId: null,
      memberEpoch: -1,
      topics: null,
      requireStable: false,
    })
    const offsets = new Map(
      (fetched as GroupReplies['offsetFetch']).topics.map((each) => [each.topic, each.partitions[0]!]),
    )
    for (const [topic, offset] of this.#committed) {
      const stored = offsets.get(topic)?.committedOffset
      invariant(
        stored !== undefined && stored >= offset,
        `${topic}: ${offset} was acknowledged, ${stored} is stored`,
      )
    }
  }

  #described(machine: GroupMachine): GroupReplies['describeGroups']['groups'][number] {
    const command: GroupCommand = {
      type: 'describeGroups',
      groupIds: [GROUP],
      context: { version: 6, clientId: '', clientHost: '' },
    }
    return (this.#ask(machine, command) as GroupReplies['describeGroups']).groups[0]!
  }

  /** Queries are answered at once and change nothing. */
  #ask(machine: GroupMachine, command: GroupCommand): GroupReply {
    const token = {} as ReplyToken
    return machine.handle(command, token, this.#harness.nowMs).replies[0]!.reply
  }
}

function contextOf(client: Client, version: number) {
  return { version, clientId: client.name, clientHost: '/10.0.0.1' }
}

function instanceOf(client: Client): string | null {
  return client.isStatic ? client.name : null
}

/** Whom a member id stands for: a static member's ids, `<instance>-<uuid>`, all stand for the same. */
function identityOf(memberId: string): string {
  return memberId.startsWith(STATIC) ? memberId.slice(0, memberId.lastIndexOf('-')) : memberId
}

function text(value: unknown): string {
  return JSON.stringify(value, (_key, each) =>
    each?.type === 'Buffer' ? String.fromCharCode(...each.data) : each,
  )
}
