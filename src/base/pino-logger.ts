import { type DestinationStream, type Logger as Pino, pino, stdSerializers, stdTimeFunctions } from 'pino'
import type { LogFields, Logger } from './logger.ts'

export interface PinoLoggerOptions {
  /** `json`, `text`, or `auto`: text on a terminal and JSON lines elsewhere. */
  readonly format: string
  /** Where lines go; standard output when left out. */
  readonly destination?: DestinationStream
}

/** A logger on pino, of every level. It writes each line before it returns, so that nothing is lost when the process ends. */
export function pinoLogger({ format, destination }: PinoLoggerOptions): Logger {
  const sink = destination ?? pino.destination({ dest: 1, sync: true })
  const asText = format === 'text' || (format === 'auto' && destination === undefined && process.stdout.isTTY)
  const logger = pino(
    {
      level: 'debug',
      base: null,
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: stdSerializers.errWithCause },
    },
    asText ? { write: (line: string) => sink.write(toText(line)) } : sink,
  )
  return new PinoLogger(logger)
}

class PinoLogger implements Logger {
  readonly #pino: Pino
  constructor(pinoInstance: Pino) {
    this.#pino = pinoInstance
  }
  debug(message: string, fields?: LogFields): void {
    this.#pino.debug(fields ?? {}, message)
  }
  info(message: string, fields?: LogFields): void {
    this.#pino.info(fields ?? {}, message)
  }
  warn(message: string, fields?: LogFields): void {
    this.#pino.warn(fields ?? {}, message)
  }
  error(message: string, fields?: LogFields): void {
    this.#pino.error(fields ?? {}, message)
  }
  child(fields: LogFields): Logger {
    return new PinoLogger(this.#pino.child(fields))
  }
}

/** A line of JSON as `12:00:00.000 INFO  message key=value`, the stack of an error on the lines below. */
function toText(line: string): string {
  const { level, time, msg, err, ...fields } = JSON.parse(line) as Record<string, unknown>
  const parts = [String(time).slice(11, 23), String(level).toUpperCase().padEnd(5), String(msg)]
  for (const [name, value] of Object.entries(fields)) parts.push(`${name}=${shown(value)}`)
  const stack = stackOf(err)
  return `${parts.join(' ')}\n${stack === undefined ? '' : `${stack}\n`}`
}

function shown(value: unknown): string {
  if (typeof value === 'string' && /^[^\s"=]+$/.test(value)) return value
  return JSON.stringify(value)
}

function stackOf(err: unknown): string | undefined {
  if (err === undefined || err === null) return undefined
  if (typeof err === 'object' && 'stack' in err && typeof err.stack === 'string') return err.stack
  return shown(err)
}
