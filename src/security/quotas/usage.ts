import type { ClientLimit } from './client-limits.ts'

/** Clients that are remembered; beyond them the one unused for longest begins anew. */
const MAX_CLIENTS = 10_000

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
    const key = `${user.length}:${user}${clientId}`
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
