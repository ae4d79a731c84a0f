import type { Clock } from './clock.ts'
import type { LogFields, Logger } from './logger.ts'

const INTERVAL_MS = 60_000

/**
 * Logs what a client can bring about with every request: at once the first time, then at most once a minute for each
 * kind, with how often it happened since the line before. Kinds are few and fixed.
 */
export class LimitedLog {
  readonly #logger: Logger
  readonly #clock: Clock
  readonly #kinds = new Map<string, { loggedMs: number; times: number }>()

  constructor(logger: Logger, clock: Clock) {
    this.#logger = logger
    this.#clock = clock
  }

  /** `fields` are asked for only where there is a line. */
  warn(kind: string, message: string, fields: () => LogFields): void {
    this.#log('warn', kind, message, fields)
  }

  error(kind: string, message: string, fields: () => LogFields): void {
    this.#log('error', kind, message, fields)
  }

  info(kind: string, message: string, fields: () => LogFields): void {
    this.#log('info', kind, message, fields)
  }

  #log(level: 'error' | 'warn' | 'info', kind: string, message: string, fields: () => LogFields): void {
    const nowMs = this.#clock.monotonicMs()
    const state = this.#kinds.get(kind)
    if (state !== undefined && nowMs - state.loggedMs < INTERVAL_MS) {
      state.times++
      return
    }
    const times = (state?.times ?? 0) + 1
    this.#kinds.set(kind, { loggedMs: nowMs, times: 0 })
    this.#logger[level](message, { ...fields(), ...(times > 1 && { times }) })
  }
}
