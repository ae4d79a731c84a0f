import type { GroupStep } from '../step.ts'

/** The names of a consumer group's timers, and back. Group and member ids may hold any character. */
export type ConsumerTimer =
  /** A member's session ends unless it is heard of. */
  | { readonly kind: 'consumer-session'; readonly groupId: string; readonly memberId: string }
  /** A member had its time to give up partitions. */
  | { readonly kind: 'consumer-rebalance'; readonly groupId: string; readonly memberId: string }
  /** A classic member was told to join again and has not. */
  | { readonly kind: 'consumer-join'; readonly groupId: string; readonly memberId: string }
  /** A classic member has joined and does not ask for its assignment. */
  | { readonly kind: 'consumer-sync'; readonly groupId: string; readonly memberId: string }
  /** The next step of an assignment that is too large for one. */
  | { readonly kind: 'consumer-assignment'; readonly groupId: string }
  /** The next part of the work of resolving the group's patterns. */
  | { readonly kind: 'consumer-patterns'; readonly groupId: string }

export function consumerSessionTimer(groupId: string, memberId: string): string {
  return `consumer-session:${groupId.length}:${groupId}:${memberId}`
}

export function consumerRebalanceTimer(groupId: string, memberId: string): string {
  return `consumer-rebalance:${groupId.length}:${groupId}:${memberId}`
}

export function consumerJoinTimer(groupId: string, memberId: string): string {
  return `consumer-join:${groupId.length}:${groupId}:${memberId}`
}

export function consumerSyncTimer(groupId: string, memberId: string): string {
  return `consumer-sync:${groupId.length}:${groupId}:${memberId}`
}

export function consumerAssignmentTimer(groupId: string): string {
  return `consumer-assignment:${groupId}`
}

export function consumerPatternsTimer(groupId: string): string {
  return `consumer-patterns:${groupId}`
}

export function parseConsumerTimer(key: string): ConsumerTimer | undefined {
  const colon = key.indexOf(':')
  const kind = key.slice(0, colon)
  const rest = key.slice(colon + 1)
  switch (kind) {
    case 'consumer-assignment':
    case 'consumer-patterns':
      return { kind, groupId: rest }
    case 'consumer-session':
    case 'consumer-rebalance':
    case 'consumer-join':
    case 'consumer-sync': {
      const start = rest.indexOf(':') + 1
      const end = start + Number(rest.slice(0, start - 1))
      return { kind, groupId: rest.slice(start, end), memberId: rest.slice(end + 1) }
    }
    default:
      return undefined
  }
}

/** The member has left. */
export function cancelTimers(groupId: string, memberId: string, step: GroupStep): void {
  step.cancelTimer(consumerSessionTimer(groupId, memberId))
  step.cancelTimer(consumerRebalanceTimer(groupId, memberId))
  step.cancelTimer(consumerJoinTimer(groupId, memberId))
  step.cancelTimer(consumerSyncTimer(groupId, memberId))
}
