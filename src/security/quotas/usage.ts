import { createHash } from 'node:crypto'
import type { ClientLimit } from './client-limits.ts'

/** Clients that are remembered; beyond them the one unused for longest begins anew. */
const MAX_CLIENTS = 10_000
/**
 * Longer names are known by their digest: they would fill the memory, and V8 gives all strings of one length beyond
 * 16,383 characters the same hash, so that a Map with many of them takes milliseconds to find one.
 */
const MAX_NAME_LENGTH = 256

/** What the clients with a limit have used, by who shares it. Bounded. */
export class UsageByClient<T> {
  readonly #create: (nowMs: number) => T
  /** Least recently used first. */
  readonly #clients = new Map<string, T>()

  constructor(create: (nowMs: number) => T) {
    this.#create = create
  }

  get size(): number {
    return this.#clients.size
  }

  of({ user, clientId }: ClientLimit, nowMs: number): T {
    const name = `${user.length}:${user}${clientId}`
    const key = name.length <= MAX_NAME_LENGTH ? name : createHash('sha256').update(name).digest('base64')
    let usage = this.#clients.get(key)
    if (usage === undefined) {
      usage = this.#create(nowMs)
      if (this.#clients.size >= MAX_CLIENTS) this.#clients.delete(this.#clients.keys().next().value!)
    } else this.#clients.delete(key)
    this.#clients.set(key, usage)
    return usage
  }

  /** Nobody has a limit any more. */
  clear(): void {
    this.#clients.clear()
  }
}
