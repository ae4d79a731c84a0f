import { isDeepStrictEqual } from 'node:util'
import { invariant } from '../../base/invariant.ts'
import { SeededRandom } from '../../testing/seeded-random.ts'
import { rangeAssignor } from '../assignor/range.ts'
import { groupOf, memberOf } from '../assignor/testdata/groups.ts'
import type { GroupCommand, GroupReply } from '../commands.ts'
import { encodeAssignment } from '../migration/consumer-protocol.ts'
import { DEFAULT_CONSUMER_SETTINGS, DEFAULT_OPTIONS, Harness } from './harness.ts'
import { ClassicClient } from './mixed-simulation-classic.ts'
import { ModernClient } from './mixed-simulation-modern.ts'
import { topicOf } from './scenario-command.ts'

const INSTANCES = 7
const GROUP = 'g'

/** A consumer of one protocol, from its start to its end, which does with each answer what a real client does. */
export interface SimulatedClient {
  readonly memberId: string
  /** Its member epoch or generation. */
  readonly epoch: number
  /** What it believes to own, as `topic-partition`. */
  readonly owned: ReadonlySet<string>
  /** It joined, and waits for nothing. */
  readonly isSettled: boolean
  /** Sends what is due; undefined when it waits for an answer. */
  act(): GroupCommand | undefined
  answered(command: GroupCommand, reply: GroupReply): void
  /** What it sends when it leaves. */
  leave(): GroupCommand | undefined
}

/** A machine with one consumer on it at a time. */
interface Place {
  readonly instanceId: string | null
  client: SimulatedClient | undefined
  pausedUntilMs: number
}

/**
 * Consumers of both protocols, static and dynamic, in one group: they start, pause, die, leave, come back with the other
 * protocol, and topics grow, while the broker restarts; all from one seed. No partition may ever be owned by two members
 * of the same epoch, and the log has to make the group that there is. Throws when that fails.
 */
export class MixedSimulation {
  readonly #random: SeededRandom
  readonly #harness: Harness
  readonly #places: Place[]
  readonly #answers: {
    readonly token: number
    readonly command: GroupCommand
    readonly reply: GroupReply
  }[] = []
  readonly #senders = new Map<number, SimulatedClient>()
  /** How many of those that start speak the classic protocol. */
  #classicShare = 0.5
  readonly #topics = { t: 5, u: 3 }
  #uuids = 0
  readonly counts = { upgrades: 0, downgrades: 0, replays: 0, restarts: 0, deaths: 0, owned: 0 }

  constructor(seed: number) {
    this.#random = new SeededRandom(seed)
    const settings = {
      ...DEFAULT_CONSUMER_SETTINGS,
      assignmentIntervalMs: this.#random.pick([0, 0, 1_000]),
    }
    const assignors = this.#random.chance(0.5)
      ? DEFAULT_OPTIONS.consumer.assignors
      : DEFAULT_OPTIONS.consumer.assignors.toReversed()
    this.#harness = new Harness(
      {
        ...DEFAULT_OPTIONS,
        initialRebalanceDelayMs: 50,
        consumer: { ...DEFAULT_OPTIONS.consumer, assignors, groupSettings: () => settings },
      },
      {
        record: () => {},
        reply: (token, command, reply) => this.#answers.push({ token, command, reply }),
        timer: () => {},
      },
    )
    this.#places = Array.from({ length: INSTANCES }, (_, i) => ({
      instanceId: i % 3 === 2 ? `instance-${i}` : null,
      client: undefined,
      pausedUntilMs: 0,
    }))
    this.#changeTopics()
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
    const place = this.#random.pick(this.#places)
    const chance = this.#random.float()
    if (chance < 0.25) this.#pass(this.#random.pick([10, 100, 1_000, 4_000]))
    else if (chance < 0.37) this.#start(place)
    else if (chance < 0.39) this.#classicShare = this.#random.pick([0, 0.5, 1])
    else if (chance < 0.42) this.#die(place)
    else if (chance < 0.47) this.#leave(place)
    else if (chance < 0.5)
      place.pausedUntilMs = this.#harness.nowMs + this.#random.pick([500, 20_000, 90_000])
    else if (chance < 0.51) {
      this.#topics.t++
      this.#changeTopics()
    } else if (chance < 0.52) this.#restart()
    else if (chance < 0.56) this.#checkReplay()
    else for (const each of this.#places) this.#act(each)
  }

  /** Faults are over: those that are there soon share all partitions, each of one owner, in one epoch. */
  #settle(): void {
    for (const place of this.#places) place.pausedUntilMs = 0
    // Nobody leads a classic group that was a consumer group until it rebalances, so that nobody sees a topic grow.
    this.#die(this.#places[0]!)
    this.#start(this.#places[0]!)
    for (let i = 0; i < 200; i++) {
      this.#react()
      for (const place of this.#places) this.#act(place)
      this.#pass(500)
      this.#check()
    }
    this.#react()
    this.#checkReplay()
    const clients = this.#clients
    invariant(
      clients.every((client) => client.isSettled),
      `all have joined: ${this.#describe()}`,
    )
    const owned = clients.flatMap((client) => [...client.owned]).sort()
    const all = Object.entries(this.#topics).flatMap(([topic, count]) =>
      Array.from({ length: count }, (_, partition) => `${topic}-${partition}`),
    )
    invariant(isDeepStrictEqual(owned, all.sort()), `all is owned once: ${this.#describe()}`)
    invariant(new Set(clients.map(({ epoch }) => epoch)).size === 1, `one epoch: ${this.#describe()}`)
  }

  get #clients(): SimulatedClient[] {
    return this.#places.flatMap(({ client }) => (client === undefined ? [] : [client]))
  }

  #start(place: Place): void {
    if (place.client !== undefined) return
    const { instanceId } = place
    const uuid = () => `m${++this.#uuids}`
    place.client = !this.#random.chance(this.#classicShare)
      ? new ModernClient({ groupId: GROUP, instanceId, uuid, random: this.#random.fork() })
      : new ClassicClient({
          groupId: GROUP,
          instanceId,
          uuid,
          random: this.#random.fork(),
          topicsVersion: () => this.#harness.image.version,
          assign: (memberIds, metadata) => this.#assign(memberIds, metadata),
        })
  }

  /** What the leader of a classic group does: ranges of all topics. */
  #assign(memberIds: readonly string[], metadata: Buffer): ReadonlyMap<string, Buffer> {
    const { image } = this.#harness
    const members = memberIds.map((memberId) => memberOf(memberId, image.topicsById.keys()))
    const assignment = rangeAssignor.assign(groupOf(members, 'homogeneous'), {
      partitionCount: (topicId) => image.topicsById.get(topicId)?.partitions.length ?? -1,
    })
    return new Map(
      Array.from(assignment, ([memberId, partitions]) => [
        memberId,
        encodeAssignment(partitions, metadata, image),
      ]),
    )
  }

  #act({ client, pausedUntilMs }: Place): void {
    if (client === undefined || this.#harness.nowMs < pausedUntilMs) return
    const command = client.act()
    if (command !== undefined) this.#send(client, command)
  }

  #send(client: SimulatedClient, command: GroupCommand): void {
    const before = this.#type
    this.#senders.set(this.#harness.execute(command), client)
    this.#react()
    this.#countConversion(before)
  }

  get #type(): string | undefined {
    return this.#harness.machine.group(GROUP)?.type
  }

  #countConversion(before: string | undefined): void {
    if (before === 'classic' && this.#type === 'consumer') this.counts.upgrades++
    if (before === 'consumer' && this.#type === 'classic') this.counts.downgrades++
  }

  /** Answers reach those who live; a paused consumer finds them when it goes on, which makes no difference here. */
  #react(): void {
    for (const { token, command, reply } of this.#answers.splice(0)) {
      const client = this.#senders.get(token)
      this.#senders.delete(token)
      if (client !== undefined && this.#clients.includes(client)) client.answered(command, reply)
    }
  }

  #pass(durationMs: number): void {
    const before = this.#type
    this.#harness.advance(durationMs)
    this.#countConversion(before)
  }

  #die(place: Place): void {
    if (place.client === undefined) return
    this.counts.deaths++
    place.client = undefined
  }

  #leave(place: Place): void {
    const { client } = place
    const command = client?.leave()
    if (client === undefined || command === undefined) return
    place.client = undefined
    this.#send(client, command)
  }

  #restart(): void {
    this.counts.restarts++
    this.#harness.restart()
  }

  #changeTopics(): void {
    this.#harness.changeTopics(
      Object.entries(this.#topics).map(([name, partitions]) => topicOf(`${name}:${partitions}`)),
    )
  }

  #check(): void {
    const owners = new Map<string, SimulatedClient>()
    for (const client of this.#clients) {
      for (const partition of client.owned) {
        const key = `${partition} in epoch ${client.epoch}`
        const other = owners.get(key)
        invariant(other === undefined, `${key} has one owner: ${this.#describe()}`)
        owners.set(key, client)
      }
    }
    this.counts.owned += owners.size
    this.#checkCoordinator()
  }

  /** The coordinator itself gives each partition to one member at a time. */
  #checkCoordinator(): void {
    const group = this.#harness.machine.group(GROUP)
    if (group?.type !== 'consumer') return
    const owners = new Set<string>()
    for (const { assigned, pendingRevocation } of group.members.values()) {
      for (const partitions of [assigned, pendingRevocation]) {
        for (const [topicId, epochs] of partitions) {
          for (const partition of epochs.keys()) {
            invariant(!owners.has(`${topicId} ${partition}`), `${topicId} ${partition} is owned once`)
            owners.add(`${topicId} ${partition}`)
          }
        }
      }
    }
  }

  #checkReplay(): void {
    this.counts.replays++
    this.#harness.checkReplay()
    const live = this.#harness.machine.group(GROUP)
    const replayed = this.#harness.rebuilt().group(GROUP)
    invariant(live?.type === replayed?.type, `${live?.type} group is a ${replayed?.type} one in the log`)
    if (live?.type !== 'classic' || replayed?.type !== 'classic' || live.state !== 'Stable') return
    const assignments = (group: typeof live) =>
      [...group.members.values()].map(
        ({ memberId, assignment }) => `${memberId} ${assignment.toString('hex')}`,
      )
    invariant(live.generationId === replayed.generationId, 'the generation is in the log')
    invariant(isDeepStrictEqual(assignments(live), assignments(replayed)), 'the assignments are in the log')
  }

  #describe(): string {
    return this.#clients
      .map((client) => `${client.memberId} epoch ${client.epoch} [${[...client.owned].join(' ')}]`)
      .join(', ')
  }
}
