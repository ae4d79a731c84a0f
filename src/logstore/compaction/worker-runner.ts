import { Worker } from 'node:worker_threads'
import type { Clock } from '../../base/clock.ts'
import type { CleanerReply, CleanerRequest } from './cleaner-worker.ts'
import type { CleaningPlan } from './cleaning-plan.ts'
import type { CleaningRunner } from './cleaning-runner.ts'
import type { CleaningStep } from './log-cleaning.ts'

/** Large enough that asking costs nothing, small enough that a stop does not wait. */
const STEP_BYTES = 4 * 1024 * 1024
/** A thread costs some megabytes; one that has not been used for so long ends. */
const IDLE_MS = 60_000

/** In a thread of its own, on the disk of the machine. The thread begins when there is something to clean. */
export class WorkerRunner implements CleaningRunner {
  readonly stepBytes = STEP_BYTES
  readonly #clock: Clock
  #worker: Worker | undefined
  #lastUsedMs = 0
  #waiting: PromiseWithResolvers<unknown> | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  async begin(plan: CleaningPlan): Promise<void> {
    await this.#ask({ type: 'begin', plan })
  }

  async step(maxBytes: number): Promise<CleaningStep> {
    // What the worker sends for a step is what LogCleaning.step returned.
    return (await this.#ask({ type: 'step', maxBytes })) as CleaningStep
  }

  async abort(): Promise<void> {
    if (this.#worker !== undefined) await this.#ask({ type: 'abort' })
  }

  async rest(): Promise<void> {
    if (this.#clock.monotonicMs() - this.#lastUsedMs >= IDLE_MS) await this.close()
  }

  async close(): Promise<void> {
    const worker = this.#worker
    this.#worker = undefined
    await worker?.terminate()
  }

  #ask(request: CleanerRequest): Promise<unknown> {
    this.#worker ??= this.#start()
    this.#lastUsedMs = this.#clock.monotonicMs()
    const waiting = Promise.withResolvers<unknown>()
    this.#waiting = waiting
    this.#worker.postMessage(request)
    return waiting.promise
  }

  #start(): Worker {
    // Beside this file, in the sources as in the build.
    const entry = import.meta.url.endsWith('.ts') ? './cleaner-worker.ts' : './cleaner-worker.js'
    const worker = new Worker(new URL(entry, import.meta.url), { name: 'log-cleaner' })
    worker.on('message', (reply: CleanerReply) => {
      if ('error' in reply) this.#waiting?.reject(withCode(reply.error, reply.code))
      else this.#waiting?.resolve(reply.value)
    })
    const ended = (error: Error) => {
      if (this.#worker === worker) this.#worker = undefined
      this.#waiting?.reject(error)
    }
    worker.on('error', ended)
    worker.on('exit', (code) => ended(new Error(`the cleaner's thread ended with ${code}`)))
    return worker
  }
}

function withCode(error: unknown, code: string | undefined): unknown {
  return error instanceof Error && code !== undefined ? Object.assign(error, { code }) : error
}
