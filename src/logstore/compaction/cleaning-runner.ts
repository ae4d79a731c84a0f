import type { FileSystem } from '../file-system.ts'
import type { CleaningPlan } from './cleaning-plan.ts'
import { type CleaningStep, LogCleaning } from './log-cleaning.ts'

/** Where cleanings are done, one at a time. Every call rejects with what the disk or the log has against it. */
export interface CleaningRunner {
  /** How much one step is to do, so that others get their turn. */
  readonly stepBytes: number
  begin(plan: CleaningPlan): Promise<void>
  step(maxBytes: number): Promise<CleaningStep>
  /** Removes what was begun. No effect where nothing was. */
  abort(): Promise<void>
  /** There is nothing to clean for now. */
  rest(): Promise<void>
  close(): Promise<void>
}

/** About a millisecond or two of work. */
const SLICE_BYTES = 256 * 1024

/**
 * In this thread, in slices: for a file system that only this thread has, and for tests. `nextTurn` lets everyone else
 * go on before a slice.
 */
export class InProcessRunner implements CleaningRunner {
  readonly stepBytes = SLICE_BYTES
  readonly #fs: FileSystem
  readonly #nextTurn: () => Promise<void>
  #cleaning: LogCleaning | undefined

  constructor(fs: FileSystem, nextTurn: () => Promise<void>) {
    this.#fs = fs
    this.#nextTurn = nextTurn
  }

  async begin(plan: CleaningPlan): Promise<void> {
    this.#cleaning = new LogCleaning(this.#fs, plan)
  }

  async step(maxBytes: number): Promise<CleaningStep> {
    await this.#nextTurn()
    if (this.#cleaning === undefined) throw new Error('no cleaning was begun')
    const step = this.#cleaning.step(maxBytes)
    if (step.state === 'done') this.#cleaning = undefined
    return step
  }

  async abort(): Promise<void> {
    const cleaning = this.#cleaning
    this.#cleaning = undefined
    cleaning?.abort()
  }

  async rest(): Promise<void> {}

  async close(): Promise<void> {
    await this.abort()
  }
}
