/**
 * The log levels of the parts of a broker, which change while it runs: each part logs through a logger of its own name,
 * at its own level or, without one, at that of `root`. Whatever the lines are written to must not leave any out.
 */
import type { LogFields, Logger } from './logger.ts'

/** Kafka's `LogLevelConfig`. Nothing here logs at TRACE or FATAL: the former shows all, the latter nothing. */
export const LOG_LEVELS = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

/** The level of all loggers without their own. */
export const ROOT_LOGGER = 'root'

const DEBUG = LOG_LEVELS.indexOf('DEBUG')
const INFO = LOG_LEVELS.indexOf('INFO')
const WARN = LOG_LEVELS.indexOf('WARN')
const ERROR = LOG_LEVELS.indexOf('ERROR')

/** What a gated logger asks at every line. */
interface Gate {
  /** Index in LOG_LEVELS of the least severe line that is written. */
  least: number
}

export class LogLevels {
  readonly #sink: Logger
  readonly #gates = new Map<string, Gate>()
  readonly #own = new Map<string, LogLevel>()

  /** `initial` is the level of `root`; every logger of `names` begins at it. */
  constructor(sink: Logger, initial: LogLevel, names: Iterable<string>) {
    this.#sink = sink
    this.#own.set(ROOT_LOGGER, initial)
    for (const name of [ROOT_LOGGER, ...names]) {
      this.#gates.set(name, { least: LOG_LEVELS.indexOf(initial) })
    }
  }

  /** `root` first. */
  get names(): readonly string[] {
    return [...this.#gates.keys()]
  }

  has(name: string): boolean {
    return this.#gates.has(name)
  }

  /** The level in force for a logger of `names`. */
  level(name: string): LogLevel {
    return this.#own.get(name) ?? this.#rootLevel()
  }

  /** The logger of this name, of `names` or else `root`. */
  logger(name: string): Logger {
    const gate = this.#gates.get(name) ?? this.#gates.get(ROOT_LOGGER)
    return new GatedLogger(this.#sink, gate!)
  }

  /** Gives a logger of `names` its own level, or with undefined takes it away; the level of `root` stays then. */
  set(name: string, level: LogLevel | undefined): void {
    if (level !== undefined) this.#own.set(name, level)
    else if (name !== ROOT_LOGGER) this.#own.delete(name)
    for (const [each, gate] of this.#gates) gate.least = LOG_LEVELS.indexOf(this.level(each))
  }

  #rootLevel(): LogLevel {
    // Set by the constructor and never taken away.
    return this.#own.get(ROOT_LOGGER)!
  }
}

export function isLogLevel(text: string): text is LogLevel {
  return (LOG_LEVELS as readonly string[]).includes(text)
}

class GatedLogger implements Logger {
  readonly #sink: Logger
  readonly #gate: Gate

  constructor(sink: Logger, gate: Gate) {
    this.#sink = sink
    this.#gate = gate
  }

  debug(message: string, fields?: LogFields): void {
    if (this.#gate.least <= DEBUG) this.#sink.debug(message, fields)
  }

  info(message: string, fields?: LogFields): void {
    if (this.#gate.least <= INFO) this.#sink.info(message, fields)
  }

  warn(message: string, fields?: LogFields): void {
    if (this.#gate.least <= WARN) this.#sink.warn(message, fields)
  }

  error(message: string, fields?: LogFields): void {
    if (this.#gate.least <= ERROR) this.#sink.error(message, fields)
  }

  child(fields: LogFields): Logger {
    return new GatedLogger(this.#sink.child(fields), this.#gate)
  }
}
