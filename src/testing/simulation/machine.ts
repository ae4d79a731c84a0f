import { BufferPool } from '../../base/buffer-pool.ts'
import type { Logger } from '../../base/logger.ts'
import { Broker } from '../../broker.ts'
import { type BrokerConfig, loadConfig } from '../../config/load.ts'
import { FaultyFileSystem } from '../../logstore/faulty-fs.ts'
import { MemoryFileSystem } from '../../logstore/memory-fs.ts'
import { StartError } from '../../start-error.ts'
import { MemoryNetwork } from '../memory-network.ts'
import type { SeededRandom } from '../seeded-random.ts'
import { ProcessClock } from './process-clock.ts'
import { ProcessFiles } from './process-files.ts'
import type { World } from './world.ts'

export const BROKER_PORT = 9092
/** Longer than any stop waits for clients. */
const MAX_CLOSE_MS = 60_000

interface BrokerProcess {
  readonly clock: ProcessClock
  readonly files: ProcessFiles
  broker: Broker | undefined
  isAlive: boolean
  readonly gone: PromiseWithResolvers<void>
}

/** The machine that the broker runs on: its disk, its network, and one process after the other. */
export class Machine {
  readonly #world: World
  readonly #random: SeededRandom
  readonly #config: BrokerConfig
  readonly disk: MemoryFileSystem
  readonly faults: FaultyFileSystem
  readonly network: MemoryNetwork
  /** How often the broker was started. */
  lives = 0
  #process: BrokerProcess | undefined
  #powerCutAtDeath = false
  /** Called in the moment that a process dies, however it does. */
  onDeath: (how: 'killed' | 'power cut') => void = () => {}

  constructor(world: World, overrides: Readonly<Record<string, string>>) {
    this.#world = world
    this.#random = world.random.fork()
    this.#config = loadConfig({
      overrides: { listeners: `PLAINTEXT://10.0.0.1:${BROKER_PORT}`, ...overrides },
    })
    this.disk = new MemoryFileSystem(world.clock)
    this.faults = new FaultyFileSystem(this.disk)
    this.network = new MemoryNetwork(world.clock, world.random.fork())
  }

  get isRunning(): boolean {
    return this.#process?.isAlive === true && this.#process.broker !== undefined
  }

  get hasSeveralDirectories(): boolean {
    return this.#config.logDirs.length > 1
  }

  /** Of the running process. */
  get pendingTimers(): number {
    return this.#process?.clock.pendingTimers ?? 0
  }

  /** False when it could not start, or died while it did; it is gone then. */
  async start(): Promise<boolean> {
    const process: BrokerProcess = {
      clock: new ProcessClock(this.#world.clock),
      files: new ProcessFiles({
        fs: this.faults,
        clock: this.#world.clock,
        random: this.#random.fork(),
        die: () => this.#die(process),
      }),
      broker: undefined,
      isAlive: true,
      gone: Promise.withResolvers(),
    }
    this.#process = process
    this.lives++
    this.#world.note('machine', 'start')
    const started = Broker.start({
      config: this.#config,
      fs: process.files,
      clock: process.clock,
      random: this.#random.fork(),
      logger: this.#logger(process),
      startedMs: process.clock.now(),
      version: 'simulated',
      listen: this.network.listen,
      buffers: new BufferPool({ isChecked: true }),
    })
    // A process that dies while it starts never says so.
    while (process.isAlive) {
      const outcome = await Promise.race([started.catch((error: unknown) => error), this.#world.sleep(20)])
      if (!process.isAlive) break
      if (outcome instanceof Broker) {
        process.broker = outcome
        void outcome.failed.then((reason) => this.#gaveUp(process, reason))
        this.#world.note('machine', 'started')
        return true
      }
      if (outcome instanceof StartError) {
        this.#world.note('machine', `did not start: ${outcome.message}`)
        this.#checkNothingIsLeft(process)
        this.#end(process, false)
        return false
      }
      if (outcome !== undefined) throw outcome
    }
    return false
  }

  /** The process ends at once; what it has written is there. */
  kill(): void {
    if (this.#process?.isAlive !== true) return
    this.#powerCutAtDeath = false
    this.#die(this.#process)
  }

  /** What is not on the device is gone, in part or in full. */
  cutPower(): void {
    if (this.#process?.isAlive !== true) return
    this.#powerCutAtDeath = true
    this.#die(this.#process)
  }

  /** One or the other, in the middle of what it does, after so many more operations that change the disk. */
  dieAt(changes: number, powerCut: boolean): void {
    this.#powerCutAtDeath = powerCut
    this.#process?.files.dieAt(changes)
  }

  /** Takes `dieAt` back. */
  letLive(): void {
    this.#process?.files.dieAt(Number.POSITIVE_INFINITY)
  }

  /** Stops the broker cleanly, and looks at what it left behind. */
  async stop(): Promise<void> {
    const process = this.#process
    const broker = process?.broker
    if (process === undefined || broker === undefined || !process.isAlive) return
    this.#world.note('machine', 'stop')
    let isStopped = false
    const stopped = broker.close().then(() => {
      isStopped = true
    })
    const tooLong = this.#world.sleep(MAX_CLOSE_MS).then(() => {
      this.#world.check(isStopped || !process.isAlive, () => 'the broker does not stop')
    })
    await Promise.race([stopped, process.gone.promise, tooLong])
    // It died on the way.
    if (!process.isAlive) return
    // Timers of connections that linger are the last to go.
    await this.#world.sleep(10)
    this.#checkNothingIsLeft(process)
    this.#end(process, false)
  }

  #checkNothingIsLeft(process: BrokerProcess): void {
    this.#world.check(
      this.network.openServerSockets === 0,
      () => `${this.network.openServerSockets} connections outlive the broker`,
    )
    this.#world.check(
      process.clock.pendingTimers === 0,
      () => `${process.clock.pendingTimers} timers outlive the broker`,
    )
    this.#world.check(
      process.files.openFiles === 0,
      () => `${process.files.openFiles} files outlive the broker`,
    )
  }

  #die(process: BrokerProcess): void {
    if (!process.isAlive) return
    this.#world.note('machine', this.#powerCutAtDeath ? 'POWER CUT' : 'KILLED')
    this.#end(process, this.#powerCutAtDeath)
    if (this.#powerCutAtDeath) this.disk.crash(this.#random)
    else this.disk.kill()
    this.onDeath(this.#powerCutAtDeath ? 'power cut' : 'killed')
  }

  #end(process: BrokerProcess, loseAnswers: boolean): void {
    process.isAlive = false
    process.gone.resolve()
    process.broker = undefined
    process.clock.kill()
    process.files.kill()
    this.network.cut(loseAnswers)
    if (this.#process === process) this.#process = undefined
  }

  /** As the command line does: the process ends when the broker can't go on. */
  #gaveUp(process: BrokerProcess, reason: string): void {
    if (!process.isAlive) return
    this.#world.note('machine', `gave up: ${reason}`)
    this.#end(process, false)
    this.disk.kill()
    this.onDeath('killed')
  }

  #logger(process: BrokerProcess): Logger {
    const line =
      (level: string) =>
      (message: string, fields: Readonly<Record<string, unknown>> = {}) => {
        if (!process.isAlive) return
        const { err, ...rest } = fields
        const error = err instanceof Error ? ` ${err.name}: ${err.message}` : ''
        this.#world.note('broker', `${level} ${message} ${JSON.stringify(rest)}${error}`)
      }
    const logger: Logger = {
      debug: () => {},
      info: line('info'),
      warn: line('warn'),
      error: line('error'),
      child: () => logger,
    }
    return logger
  }
}
