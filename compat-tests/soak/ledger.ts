/**
 * What producers were told about the records of one partition, beside what its reader was given. What agrees is
 * forgotten, so that a run of any length takes little memory.
 */
export class Ledger {
  /** By name, its offset where the producer was told. */
  readonly #due = new Map<string, number | undefined>()
  /** Those that came before their acknowledgement, by name. */
  readonly #early = new Map<string, number>()
  readonly faults: string[] = []
  matched = 0
  /** Retention took them before the reader came. */
  removed = 0

  /** @param offset none where the answer has none, as that to the end of a transaction */
  acknowledged(name: string, offset?: number): void {
    const seenAt = this.#early.get(name)
    if (seenAt === undefined) {
      this.#due.set(name, offset)
      return
    }
    this.#early.delete(name)
    this.#match(name, offset, seenAt)
  }

  seen(name: string, offset: number): void {
    if (!this.#due.has(name)) {
      if (this.#early.has(name)) this.faults.push(`twice: ${name} at ${this.#early.get(name)} and ${offset}`)
      this.#early.set(name, offset)
      return
    }
    const acknowledgedAt = this.#due.get(name)
    this.#due.delete(name)
    this.#match(name, acknowledgedAt, offset)
  }

  /** The log begins here now, and the reader has not seen what was before. */
  beginsAt(logStartOffset: number): void {
    for (const [name, offset] of this.#due) {
      if (offset !== undefined && offset >= logStartOffset) continue
      this.#due.delete(name)
      this.removed++
    }
  }

  /** What is wrong once every producer has its answers and the reader is at the end; a line each. */
  inspect(): string[] {
    const lost = [...this.#due].map(
      ([name, offset]) => `lost: ${name}, acknowledged at ${offset ?? 'its end'}`,
    )
    const extra = [...this.#early].map(([name, offset]) => `never acknowledged: ${name} at ${offset}`)
    return [...this.faults, ...lost, ...extra]
  }

  #match(name: string, acknowledgedAt: number | undefined, seenAt: number): void {
    this.matched++
    if (acknowledgedAt !== undefined && acknowledgedAt !== seenAt)
      this.faults.push(`${name} at ${seenAt}, acknowledged at ${acknowledgedAt}`)
  }
}
