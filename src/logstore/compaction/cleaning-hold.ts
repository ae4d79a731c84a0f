/** One cleaning's hold on a log. */
export class CleaningClaim {
  /** Why the cleaning is to end; undefined while it may go on. */
  abortedBecause: string | undefined
}

/**
 * Who cleans a log, one at a time. The log itself ends a cleaning when what is being cleaned is cut off, goes away or is
 * not compacted any more (Kafka's `LogCleanerManager.abortCleaning`): nothing is swapped in after that, and the cleaner
 * gives up at its next step.
 */
export class CleaningHold {
  #claim: CleaningClaim | undefined

  get isTaken(): boolean {
    return this.#claim !== undefined
  }

  /** Undefined while another cleaning has it. To be given back with `end`. */
  take(): CleaningClaim | undefined {
    if (this.#claim !== undefined) return undefined
    this.#claim = new CleaningClaim()
    return this.#claim
  }

  end(claim: CleaningClaim): void {
    if (this.#claim === claim) this.#claim = undefined
  }

  abort(reason: string): void {
    if (this.#claim !== undefined) this.#claim.abortedBecause ??= reason
  }
}
