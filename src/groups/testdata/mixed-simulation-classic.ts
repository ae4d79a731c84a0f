import { ErrorCode, errorName } from '../../wire/error-codes.ts'
import type { GroupCommand, GroupReplies, GroupReply } from '../commands.ts'
import { decodeAssignment } from '../migration/consumer-protocol.ts'
import type { SimulatedClient } from './mixed-simulation.ts'
import type { ClientOptions } from './mixed-simulation-modern.ts'
import { subscription } from './scenario-command.ts'

const SUBSCRIPTION = subscription(['t', 'u'])

/** The assignments of a leader, by member id. */
type Assign = (memberIds: readonly string[], metadata: Buffer) => ReadonlyMap<string, Buffer>

interface ClassicOptions extends ClientOptions {
  readonly assign: Assign
  /** Changes with the topics. */
  readonly topicsVersion: () => number
}

/** A consumer of the classic protocol: gives up all that it has before it joins again. */
export class ClassicClient implements SimulatedClient {
  memberId = ''
  epoch = -1
  readonly owned = new Set<string>()
  readonly #options: ClassicOptions
  readonly #version: number
  #state: 'joining' | 'syncing' | 'joined' = 'joining'
  /** Members to assign to, of a leader. */
  #followers: readonly string[] = []
  /** Of what it assigned, as leader. */
  #topicsVersion = 0
  #waits = false

  constructor(options: ClassicOptions) {
    this.#options = options
    this.#version = options.random.pick([3, 5, 9])
  }

  get isSettled(): boolean {
    return this.#state === 'joined'
  }

  act(): GroupCommand | undefined {
    if (this.#waits) return undefined
    this.#waits = true
    const { groupId, instanceId, uuid, topicsVersion } = this.#options
    // A leader watches the topics, and joins again when they change.
    const leads = this.#followers.length > 0
    if (this.#state === 'joined' && leads && this.#topicsVersion !== topicsVersion()) this.#state = 'joining'
    const member = { groupId, memberId: this.memberId, groupInstanceId: instanceId }
    const context = {
      version: instanceId === null ? this.#version : 9,
      clientId: 'c',
      clientHost: '/10.0.0.1',
    }
    switch (this.#state) {
      case 'joining':
        this.owned.clear()
        return {
          type: 'joinGroup',
          request: {
            ...member,
            sessionTimeoutMs: 15_000,
            rebalanceTimeoutMs: 20_000,
            protocolType: 'consumer',
            protocols: [{ name: 'range', metadata: SUBSCRIPTION }],
            reason: null,
          },
          context,
          uuid: uuid(),
        }
      case 'syncing': {
        this.#topicsVersion = topicsVersion()
        const assignments = Array.from(
          this.#options.assign(this.#followers, SUBSCRIPTION),
          ([memberId, assignment]) => ({ memberId, assignment }),
        )
        const protocol = { protocolType: 'consumer', protocolName: 'range' }
        return {
          type: 'syncGroup',
          request: { ...member, ...protocol, generationId: this.epoch, assignments },
          context: { ...context, version: 5 },
        }
      }
      case 'joined':
        return { type: 'heartbeat', request: { ...member, generationId: this.epoch }, context }
      default:
        return this.#state satisfies never
    }
  }

  leave(): GroupCommand | undefined {
    const { groupId, instanceId } = this.#options
    // A static one just goes.
    if (this.#state !== 'joined' || this.#waits || instanceId !== null) return undefined
    const leaver = { memberId: this.memberId, groupInstanceId: instanceId, reason: null }
    return {
      type: 'leaveGroup',
      request: { groupId, memberId: '', members: [leaver] },
      context: { version: 5, clientId: 'c', clientHost: '/10.0.0.1' },
    }
  }

  answered(command: GroupCommand, reply: GroupReply): void {
    this.#waits = false
    const { errorCode = 0 } = reply as { errorCode?: number }
    if (errorCode !== ErrorCode.NONE) this.#refused(errorName(errorCode), reply)
    else if (command.type === 'joinGroup') this.#joinedGeneration(reply as GroupReplies['joinGroup'])
    else if (command.type === 'syncGroup') this.#synced(reply as GroupReplies['syncGroup'])
  }

  #refused(error: string, reply: GroupReply): void {
    switch (error) {
      case 'MEMBER_ID_REQUIRED':
        this.memberId = (reply as GroupReplies['joinGroup']).memberId
        break
      case 'REBALANCE_IN_PROGRESS':
        break
      case 'NOT_COORDINATOR':
        return
      case 'ILLEGAL_GENERATION':
      case 'UNKNOWN_MEMBER_ID':
      case 'FENCED_INSTANCE_ID':
        this.memberId = ''
        this.epoch = -1
        break
      default:
        throw new Error(`classic consumer ${this.memberId} is told ${error}`)
    }
    this.owned.clear()
    this.#state = 'joining'
  }

  #joinedGeneration({ memberId, generationId = -1, members }: GroupReplies['joinGroup']): void {
    this.memberId = memberId
    this.epoch = generationId
    this.#followers = members.map((member) => member.memberId)
    this.#state = 'syncing'
  }

  #synced({ assignment }: GroupReplies['syncGroup']): void {
    this.#state = 'joined'
    for (const { topic, partitions } of decodeAssignment(assignment)?.assignedPartitions ?? []) {
      for (const partition of partitions) this.owned.add(`${topic}-${partition}`)
    }
  }
}
