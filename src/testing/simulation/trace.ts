import { crc32c } from '../../wire/crc32c.ts'

/** What happened, line by line: the last lines to be read, and a hash of all to compare runs by. */
export class Trace {
  readonly #nowMs: () => number
  readonly #keptLines: number
  #lines: string[] = []
  #hash = 0
  #count = 0

  constructor(nowMs: () => number, keptLines: number) {
    this.#nowMs = nowMs
    this.#keptLines = keptLines
  }

  note(who: string, what: string): void {
    const line = `${this.#nowMs().toFixed(2).padStart(11)} ${who.padEnd(12)} ${what}`
    this.#hash = crc32c(Buffer.from(`${this.#hash}${line}`))
    this.#count++
    this.#lines.push(line)
    if (this.#lines.length >= 2 * this.#keptLines) this.#lines = this.#lines.slice(this.#keptLines)
  }

  get hash(): string {
    return `${this.#count}:${this.#hash.toString(16)}`
  }

  /** Oldest first. */
  get lines(): readonly string[] {
    return this.#lines.slice(-this.#keptLines)
  }
}
