import type { World } from './world.ts'

interface Generation {
  leader: string | undefined
  /** Those whom the broker told that they are in it. */
  readonly members: Set<string>
  /** As the leader was told. */
  invited: readonly string[] | undefined
  /** As the leader sent it, and then as members got it. */
  readonly assignments: Map<string, readonly string[]>
}

/**
 * What members of a classic group were told, generation by generation. A generation that was not yet stable when the
 * broker died may be given anew, so that each life of the broker counts for itself.
 */
export class Generations {
  readonly #world: World
  readonly #group: string
  readonly #generations = new Map<string, Generation>()
  readonly #newest = new Map<number, number>()

  constructor(world: World, group: string) {
    this.#world = world
    this.#group = group
  }

  /** The newest that somebody joined in this life of the broker. */
  newest(life: number): number {
    return this.#newest.get(life) ?? -1
  }

  joined(life: number, id: number, member: string, leader: string, invited: readonly string[]): void {
    const generation = this.#get(life, id)
    const { members } = generation
    this.#newest.set(life, Math.max(this.newest(life), id))
    this.#check(id, generation.leader === undefined || generation.leader === leader, `has two leaders`)
    generation.leader = leader
    members.add(member)
    if (member === leader) {
      this.#check(id, new Set(invited).size === invited.length, `has a member twice`)
      generation.invited = invited
    }
    for (const each of members) {
      this.#check(
        id,
        generation.invited?.includes(each) ?? true,
        `${each} joined it, and its leader was not told`,
      )
    }
  }

  /** The leader is about to say who gets what. */
  proposed(life: number, id: number, assignments: ReadonlyMap<string, readonly string[]>): void {
    const generation = this.#get(life, id)
    for (const [member, partitions] of assignments) generation.assignments.set(member, partitions)
  }

  synced(life: number, id: number, member: string, partitions: readonly string[]): void {
    const generation = this.#get(life, id)
    const proposed = generation.assignments.get(member)
    this.#check(
      id,
      proposed === undefined || proposed.join() === partitions.join(),
      `${member} got ${partitions.join()}, where ${proposed?.join()} was its part`,
    )
    generation.assignments.set(member, partitions)
    const seen = new Set<string>()
    for (const each of generation.assignments.values()) {
      for (const partition of each) {
        this.#check(id, !seen.has(partition), `${partition} belongs to two members`)
        seen.add(partition)
      }
    }
  }

  #get(life: number, id: number): Generation {
    const key = `${life}/${id}`
    const known = this.#generations.get(key)
    if (known !== undefined) return known
    const made: Generation = {
      leader: undefined,
      members: new Set(),
      invited: undefined,
      assignments: new Map(),
    }
    this.#generations.set(key, made)
    return made
  }

  #check(id: number, condition: boolean, what: string): void {
    this.#world.check(condition, () => `${this.#group}, generation ${id}: ${what}`)
  }
}
