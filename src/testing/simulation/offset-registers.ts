import { Register } from './register.ts'
import type { SimulatedPartition } from './scene.ts'
import type { World } from './world.ts'

/** The committed offsets of groups; no two commits have the same offset. */
export class OffsetRegisters {
  readonly #world: World
  readonly #registers = new Map<string, Register>()
  #next = 0n

  constructor(world: World) {
    this.#world = world
  }

  next(): bigint {
    return this.#next++
  }

  of(group: string, { history }: SimulatedPartition): Register {
    const name = `the offset of ${group} in ${history.name}`
    const known = this.#registers.get(name)
    if (known !== undefined) return known
    const register = new Register(this.#world, name)
    this.#registers.set(name, register)
    return register
  }

  lost(): void {
    for (const register of this.#registers.values()) register.lost()
  }
}
