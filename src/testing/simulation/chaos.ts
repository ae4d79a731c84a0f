import { auditLogs } from './audit.ts'
import type { Actor, Scene } from './scene.ts'

export interface ChaosOptions {
  /** Faults in all. */
  readonly faults: number
  /** Between one and the next, on average. */
  readonly pauseMs: number
  readonly powerCuts: boolean
}

type Fault = 'drop' | 'kill' | 'kill in a write' | 'power cut' | 'power cut in a write'

/** Whatever can go wrong with machines and networks, at seeded moments. */
export class Chaos implements Actor {
  readonly name = 'chaos'
  readonly #scene: Scene
  readonly #options: ChaosOptions
  readonly #random

  constructor(scene: Scene, options: ChaosOptions) {
    this.#scene = scene
    this.#options = options
    this.#random = scene.world.random.fork()
  }

  async run(): Promise<void> {
    const { machine, world } = this.#scene
    for (let done = 0; done < this.#options.faults; done++) {
      await world.sleep(this.#random.float() * 2 * this.#options.pauseMs)
      const faults: Fault[] = ['drop', 'drop', 'kill', 'kill in a write']
      if (this.#options.powerCuts) faults.push('power cut', 'power cut in a write')
      await this.#strike(this.#random.pick(faults))
      await this.recover()
    }
    machine.letLive()
  }

  /** Starts the broker until it runs. */
  async recover(): Promise<void> {
    const { machine, world } = this.#scene
    while (!machine.isRunning) {
      await world.sleep(this.#random.float() * 50)
      if (!(await machine.start())) continue
      if (this.#scene.losses > this.#audited) await this.#audit()
    }
  }

  #audited = 0

  /** After a loss: what is left is what there is. Nobody else asks anything meanwhile. */
  async #audit(): Promise<void> {
    const link = this.#scene.auditorsLink()
    const losses = this.#scene.losses
    if (await auditLogs(this.#scene, link)) {
      this.#audited = losses
      this.#openGate?.()
      this.#openGate = undefined
    }
    await link.close()
  }

  #openGate: (() => void) | undefined

  async #strike(fault: Fault): Promise<void> {
    const { machine, world } = this.#scene
    this.#scene.count(fault)
    world.note(this.name, fault)
    switch (fault) {
      case 'drop':
        machine.network.dropOne()
        return
      case 'kill':
        machine.kill()
        return
      case 'kill in a write':
        machine.dieAt(this.#random.integer(0, 30), false)
        await world.sleep(this.#random.float() * 300)
        return
      case 'power cut':
        machine.cutPower()
        return
      case 'power cut in a write':
        machine.dieAt(this.#random.integer(0, 30), true)
        await world.sleep(this.#random.float() * 300)
        return
    }
  }

  /** What a power cut took is not to be asked for before it is known what that is. */
  died(how: 'killed' | 'power cut'): void {
    for (const { history } of this.#scene.partitions) history.reopened()
    if (how === 'killed' || !this.#scene.isLossy) return
    this.#scene.losses++
    for (const { history } of this.#scene.partitions) history.lost()
    this.#scene.offsets.lost()
    this.#scene.ownership.lost()
    this.#openGate ??= this.#scene.closeGate()
  }
}
