import { setTimeout as delay } from 'node:timers/promises'

/** So often it is looked whether to stop, while it rests. */
const STOP_CHECK_MS = 250
const STOPPED_WITHIN_MS = 60_000

/** Something that is done again and again, with rests, until it is stopped or goes wrong. */
export class Activity {
  readonly name: string
  readonly #step: (isStopping: () => boolean) => Promise<void>
  readonly #restMs: number
  readonly #end: (() => Promise<void>) | undefined
  #isStopping = false
  #running: Promise<void> | undefined
  /** How often it was done. */
  steps = 0
  readonly faults: string[] = []

  /**
   * @param step may end early when it is told to stop
   * @param end carried out once after the last step, however that ended
   */
  constructor(
    name: string,
    restMs: number,
    step: (isStopping: () => boolean) => Promise<void>,
    end?: () => Promise<void>,
  ) {
    this.name = name
    this.#restMs = restMs
    this.#step = step
    this.#end = end
  }

  start(): void {
    this.#running = this.#run()
  }

  /** Resolves when the step that is under way is done, or is a fault by taking too long. */
  async stop(): Promise<void> {
    this.#isStopping = true
    const patience = new AbortController()
    const late = delay(STOPPED_WITHIN_MS, true, { signal: patience.signal }).catch(() => false)
    if (await Promise.race([this.#running?.then(() => false), late])) this.#fault(new Error('does not stop'))
    patience.abort()
  }

  async #run(): Promise<void> {
    try {
      while (!this.#isStopping) {
        await this.#step(() => this.#isStopping)
        this.steps++
        await this.#rest()
      }
    } catch (error) {
      this.#fault(error)
    }
    try {
      await this.#end?.()
    } catch (error) {
      this.#fault(error)
    }
  }

  async #rest(): Promise<void> {
    for (let left = this.#restMs; left > 0 && !this.#isStopping; left -= STOP_CHECK_MS)
      await delay(Math.min(left, STOP_CHECK_MS))
  }

  #fault(error: unknown): void {
    this.faults.push(`${this.name}: ${error instanceof Error ? error.stack : String(error)}`)
  }
}
