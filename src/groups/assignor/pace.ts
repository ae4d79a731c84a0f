/** Work of one step: look-ups and copies of this number take some ten milliseconds. */
const WORK_PER_STEP = 50_000

/** Says when a step of an assignment has done enough. */
export class Pace {
  #work = 0

  /** Whether to pause now, after this much more work: topics, members or partitions that were looked at. */
  isOver(work: number): boolean {
    this.#work += work
    if (this.#work < WORK_PER_STEP) return false
    this.#work = 0
    return true
  }
}
