import { ErrorCode, isRetriable } from '../../../wire/error-codes.ts'
import { joinGroupRequest, joinGroupResponse } from '../../../wire/schemas/11-join-group.ts'
import { heartbeatRequest, heartbeatResponse } from '../../../wire/schemas/12-heartbeat.ts'
import { leaveGroupRequest, leaveGroupResponse } from '../../../wire/schemas/13-leave-group.ts'
import { syncGroupRequest, syncGroupResponse } from '../../../wire/schemas/14-sync-group.ts'
import type { Generations } from '../generations.ts'
import { type Link, LinkBroken } from '../link.ts'
import type { Actor, Scene, SimulatedPartition } from '../scene.ts'
import { commitOnce } from './offset-committer.ts'

export interface ClassicMemberOptions {
  readonly group: string
  readonly partitions: readonly SimulatedPartition[]
  readonly generations: Generations
}

const SESSION_MS = 3000
const REBALANCE_MS = 2000
const PROTOCOL_TYPE = 'consumer'
const PROTOCOL_NAME = 'round-robin'
/** Refusals after which a member begins anew. */
const EXPELLED: ReadonlySet<number> = new Set([ErrorCode.UNKNOWN_MEMBER_ID, ErrorCode.ILLEGAL_GENERATION])

/** A member of a group of the classic protocol; the leader gives out the partitions in turn. */
export class ClassicMember implements Actor {
  readonly name: string
  readonly #scene: Scene
  readonly #options: ClassicMemberOptions
  readonly #link: Link
  #memberId = ''
  #generation = -1

  constructor(scene: Scene, name: string, options: ClassicMemberOptions) {
    this.name = name
    this.#scene = scene
    this.#options = options
    this.#link = scene.link(name)
  }

  async run(): Promise<void> {
    const { random } = this.#link
    while (!this.#scene.isEnding) {
      this.#memberId = ''
      await this.#live(random.integer(1, 5))
      if (random.chance(0.5) || this.#scene.isEnding) await this.#leave()
      else await this.#link.close()
      await this.#scene.world.sleep(random.float() * 500)
    }
    await this.#link.close()
  }

  /** Through so many generations. */
  async #live(generations: number): Promise<void> {
    for (let done = 0; done < generations && !this.#scene.isEnding; ) {
      await this.#scene.passGate()
      try {
        const invited = await this.#join()
        const assigned = invited === undefined ? undefined : await this.#sync(invited)
        if (assigned !== undefined) {
          await this.#beLoyal(assigned)
          done++
        }
      } catch (error) {
        if (!(error instanceof LinkBroken)) throw error
      }
      await this.#scene.world.sleep(50 + 100 * this.#link.random.float())
    }
  }

  /** The members of the generation, whom only its leader is told; undefined when there is none for this member. */
  async #join(): Promise<readonly string[] | undefined> {
    const { group, generations } = this.#options
    const answer = await this.#link.ask(joinGroupRequest, joinGroupResponse, 7, {
      groupId: group,
      sessionTimeoutMs: SESSION_MS,
      rebalanceTimeoutMs: REBALANCE_MS,
      memberId: this.#memberId,
      protocolType: PROTOCOL_TYPE,
      protocols: [{ name: PROTOCOL_NAME, metadata: Buffer.alloc(0) }],
    })
    const { errorCode, generationId, leader, memberId } = answer
    this.#scene.world.note(this.name, `join ${this.#memberId} -> ${errorCode} ${generationId} ${memberId}`)
    if (errorCode === ErrorCode.MEMBER_ID_REQUIRED) {
      this.#memberId = memberId
      return this.#join()
    }
    if (this.#isRefused(errorCode)) return undefined
    this.#memberId = memberId
    this.#generation = generationId
    const invited = answer.members.map((member) => member.memberId)
    generations.joined(this.#link.life, generationId, memberId, leader, invited)
    this.#scene.count('classic joins')
    return invited
  }

  async #sync(invited: readonly string[]): Promise<SimulatedPartition[] | undefined> {
    const { group, generations, partitions } = this.#options
    const { life } = this.#link
    const assignments = new Map<string, string[]>(invited.map((member) => [member, []]))
    if (invited.length > 0) {
      for (const [at, { history }] of partitions.entries())
        assignments.get(invited[at % invited.length]!)!.push(history.name)
      generations.proposed(life, this.#generation, assignments)
    }
    const generation = this.#generation
    const answer = await this.#link.ask(syncGroupRequest, syncGroupResponse, 4, {
      groupId: group,
      generationId: generation,
      memberId: this.#memberId,
      assignments: [...assignments].map(([memberId, names]) => ({
        memberId,
        assignment: Buffer.from(names.join()),
      })),
    })
    this.#scene.world.note(this.name, `sync ${generation} -> ${answer.errorCode} ${answer.assignment}`)
    if (this.#isRefused(answer.errorCode)) return undefined
    const names = String(answer.assignment).split(',').filter(Boolean)
    generations.synced(this.#link.life, generation, this.#memberId, names)
    this.#scene.count('classic assignments')
    return partitions.filter(({ history }) => names.includes(history.name))
  }

  /** Heartbeats and commits until the generation is over, or this member has had enough. */
  async #beLoyal(assigned: readonly SimulatedPartition[]): Promise<void> {
    const { group } = this.#options
    const { random } = this.#link
    for (let beats = random.integer(2, 12); beats > 0 && !this.#scene.isEnding; beats--) {
      await this.#scene.world.sleep(300 * random.float())
      await this.#scene.passGate()
      if (assigned.length > 0 && random.chance(0.4)) await this.#commit(random.pick(assigned))
      const { errorCode } = await this.#link.ask(heartbeatRequest, heartbeatResponse, 4, {
        groupId: group,
        generationId: this.#generation,
        memberId: this.#memberId,
      })
      if (errorCode === ErrorCode.REBALANCE_IN_PROGRESS || this.#isRefused(errorCode)) return
    }
  }

  async #commit(partition: SimulatedPartition): Promise<void> {
    const { group, generations } = this.#options
    const { life } = this.#link
    const newest = generations.newest(life)
    const committing = { group, memberId: this.#memberId, generation: this.#generation }
    const errorCode = await commitOnce(this.#scene, this.#link, partition, committing)
    this.#scene.world.check(
      errorCode !== ErrorCode.NONE || this.#generation >= newest || this.#link.life !== life,
      () => `${this.name}: a commit of generation ${this.#generation} is taken, and ${newest} had begun`,
    )
  }

  #isRefused(errorCode: number): boolean {
    if (errorCode === ErrorCode.NONE) return false
    if (EXPELLED.has(errorCode)) this.#memberId = ''
    this.#scene.world.check(
      EXPELLED.has(errorCode) || errorCode === ErrorCode.REBALANCE_IN_PROGRESS || isRetriable(errorCode),
      () => `${this.name}: refused for good with ${errorCode}`,
    )
    return true
  }

  async #leave(): Promise<void> {
    if (this.#memberId === '') return
    try {
      const input = { groupId: this.#options.group, members: [{ memberId: this.#memberId }] }
      await this.#link.ask(leaveGroupRequest, leaveGroupResponse, 4, input)
    } catch (error) {
      if (!(error instanceof LinkBroken)) throw error
    }
  }
}
