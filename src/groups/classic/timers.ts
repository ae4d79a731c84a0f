/** The names of a classic group's timers, and back. Group and member ids may hold any character. */
export type ClassicTimer =
  /** A member's session ends unless it is heard of; also a pending member's time to come back. */
  | { readonly kind: 'session'; readonly groupId: string; readonly memberId: string }
  /** The members had their time to join. */
  | { readonly kind: 'join'; readonly groupId: string }
  /** The members had their time to send a SyncGroup. */
  | { readonly kind: 'sync'; readonly groupId: string }

export function sessionTimer(groupId: string, memberId: string): string {
  return `session:${groupId.length}:${groupId}:${memberId}`
}

export function joinTimer(groupId: string): string {
  return `join:${groupId}`
}

export function syncTimer(groupId: string): string {
  return `sync:${groupId}`
}

export function parseClassicTimer(key: string): ClassicTimer | undefined {
  const colon = key.indexOf(':')
  const rest = key.slice(colon + 1)
  switch (key.slice(0, colon)) {
    case 'join':
      return { kind: 'join', groupId: rest }
    case 'sync':
      return { kind: 'sync', groupId: rest }
    case 'session': {
      const start = rest.indexOf(':') + 1
      const end = start + Number(rest.slice(0, start - 1))
      return { kind: 'session', groupId: rest.slice(start, end), memberId: rest.slice(end + 1) }
    }
    default:
      return undefined
  }
}
