import { CHANGING_OPERATIONS, type Fault } from '../../logstore/faulty-fs.ts'
import type { SeededRandom } from '../seeded-random.ts'
import { auditLogs } from './audit.ts'
import type { Actor, Scene } from './scene.ts'

export interface ChaosOptions {
  /** Faults in all. */
  readonly faults: number
  /** Between one and the next, on average. */
  readonly pauseMs: number
  readonly powerCuts: boolean
}

const MAX_CHANGES_TO_DEATH = 30
const MAX_MS_TO_DEATH = 300
const MAX_DISK_FAULT_MS = 600
const MAX_CLOCK_JUMP_MS = 600_000
const MAX_PARTIAL_BYTES = 300
const OTHER_DIRECTORY = /^\/more/

const ALWAYS = [
  'connection lost',
  'connection lost',
  'killed',
  'killed in a write',
  'restarted',
  'disk full',
  'disk fails',
  'clock jumps',
] as const
const WITH_POWER_CUTS = [
  ...ALWAYS,
  'power cut',
  'power cut',
  'power cut in a write',
  'power cut in a write',
] as const

/** Whatever can go wrong with machines, disks and networks, at seeded moments. */
export class Chaos implements Actor {
  readonly name = 'chaos'
  readonly #scene: Scene
  readonly #options: ChaosOptions
  readonly #random: SeededRandom
  #audited = 0
  #openGate: (() => void) | undefined

  constructor(scene: Scene, options: ChaosOptions) {
    this.#scene = scene
    this.#options = options
    this.#random = scene.world.random.fork()
  }

  async run(): Promise<void> {
    const { machine, world } = this.#scene
    const { faults, pauseMs, powerCuts } = this.#options
    for (let done = 0; done < faults; done++) {
      await world.sleep(this.#random.float() * 2 * pauseMs)
      const fault = this.#random.pick(powerCuts ? WITH_POWER_CUTS : ALWAYS)
      this.#scene.count(fault)
      world.note(this.name, fault)
      await this.#strike(fault)
      await this.#recover()
    }
    machine.letLive()
    await this.#recover()
  }

  /** What a power cut took is not to be asked for before it is known what that is. */
  died(how: 'killed' | 'power cut'): void {
    for (const { history } of this.#scene.partitions) history.reopened(how)
    if (how === 'killed' || !this.#scene.isLossy) return
    this.#scene.losses++
    for (const { history } of this.#scene.partitions) history.lost()
    this.#scene.offsets.lost()
    this.#scene.ownership.lost()
    this.#openGate ??= this.#scene.closeGate()
  }

  async #strike(fault: (typeof WITH_POWER_CUTS)[number]): Promise<void> {
    const { machine, world } = this.#scene
    switch (fault) {
      case 'connection lost':
        machine.network.dropOne()
        return
      case 'killed':
        machine.kill()
        return
      case 'power cut':
        machine.cutPower()
        return
      case 'killed in a write':
      case 'power cut in a write':
        machine.dieAt(this.#random.integer(0, MAX_CHANGES_TO_DEATH), fault === 'power cut in a write')
        await world.sleep(this.#random.float() * MAX_MS_TO_DEATH)
        return
      case 'restarted':
        await machine.stop()
        return
      case 'disk full':
        return this.#withDiskFault({
          operations: ['create', 'makeDirectory', 'write'],
          code: 'ENOSPC',
          partialBytes: this.#random.integer(0, MAX_PARTIAL_BYTES),
        })
      case 'disk fails':
        await this.#withDiskFault({
          operations: this.#random.pick([CHANGING_OPERATIONS, ['write'], ['sync', 'syncDirectory']]),
          code: 'EIO',
          partialBytes: this.#random.integer(0, MAX_PARTIAL_BYTES),
          after: this.#random.integer(0, 10),
          times: this.#random.integer(1, 10),
          ...(machine.hasSeveralDirectories && this.#random.chance(0.5) && { path: OTHER_DIRECTORY }),
        })
        // A directory that failed stays away until a restart.
        if (machine.hasSeveralDirectories && machine.isRunning) machine.kill()
        return
      case 'clock jumps':
        world.jumpClock(this.#random.integer(-MAX_CLOCK_JUMP_MS, MAX_CLOCK_JUMP_MS))
        return
    }
  }

  async #withDiskFault(fault: Fault): Promise<void> {
    const { machine, world } = this.#scene
    const injected = machine.faults.inject(fault)
    await world.sleep(this.#random.float() * MAX_DISK_FAULT_MS)
    injected.remove()
    world.note(this.name, 'the disk is well')
  }

  /** Starts the broker until it runs. */
  async #recover(): Promise<void> {
    const { machine, world } = this.#scene
    while (!machine.isRunning || this.#scene.losses > this.#audited) {
      if (!machine.isRunning) {
        await world.sleep(this.#random.float() * 50)
        if (!(await machine.start())) continue
      }
      if (this.#scene.losses > this.#audited) await this.#audit()
    }
  }

  /** After a loss: what is left is what there is. Nobody else asks anything meanwhile. */
  async #audit(): Promise<void> {
    const link = this.#scene.auditorsLink()
    const { losses } = this.#scene
    if (await auditLogs(this.#scene, link)) {
      this.#audited = losses
      this.#openGate?.()
      this.#openGate = undefined
    }
    await link.close()
  }
}
