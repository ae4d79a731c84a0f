import type { ReplyToken } from '../../cluster/coordinator/contract.ts'

/** A request whose answer waits, with the version that shapes it. */
export interface ParkedRequest {
  readonly token: ReplyToken
  readonly version: number
}

/** One of the assignment strategies that a member offers, with its metadata for it. */
export interface MemberProtocol {
  readonly name: string
  readonly metadata: Buffer
}

export const EMPTY_ASSIGNMENT = Buffer.alloc(0)

/** A member of a classic group (Kafka's `ClassicGroupMember`). */
export interface ClassicMember {
  readonly memberId: string
  /** Set for a static member (KIP-345). */
  readonly groupInstanceId: string | null
  readonly clientId: string
  readonly clientHost: string
  rebalanceTimeoutMs: number
  sessionTimeoutMs: number
  /** In the member's order of preference. */
  protocols: readonly MemberProtocol[]
  /** What the leader assigned in the current generation; empty before. */
  assignment: Buffer
  /** It has yet to get its first join answer, and so doesn't heartbeat. */
  isNew: boolean
  awaitingJoin: ParkedRequest | undefined
  awaitingSync: ParkedRequest | undefined
}

/**
 * Whether the member's session is alive without a heartbeat: its request is parked here, so it can send none. A new
 * member is the exception: its client may be gone with nobody to notice.
 */
export function isParked(member: ClassicMember): boolean {
  return !member.isNew && (member.awaitingJoin !== undefined || member.awaitingSync !== undefined)
}

/** The member's metadata for a protocol; empty for one that it doesn't offer. */
export function metadataFor(member: ClassicMember, protocolName: string | null): Buffer {
  return member.protocols.find((protocol) => protocol.name === protocolName)?.metadata ?? EMPTY_ASSIGNMENT
}

/** Same protocols in the same order with the same metadata. */
export function sameProtocols(a: readonly MemberProtocol[], b: readonly MemberProtocol[]): boolean {
  return (
    a.length === b.length &&
    a.every((protocol, i) => protocol.name === b[i]!.name && protocol.metadata.equals(b[i]!.metadata))
  )
}

/** Protocols of a request without its buffer: what a group keeps must not hold a whole frame alive. */
export function copyProtocols(protocols: readonly MemberProtocol[]): MemberProtocol[] {
  return protocols.map(({ name, metadata }) => ({ name, metadata: Buffer.from(metadata) }))
}
