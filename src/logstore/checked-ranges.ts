/** So few that looking through them costs nothing: what is appended, and a few readers. */
const MOST_RANGES = 4

/** Positions of a file between which every batch's header has been looked at. Of many such ranges the shortest is forgotten. */
export class CheckedRanges {
  #ranges: { from: number; to: number }[] = []

  /** Whole batches lie between these positions. */
  add(from: number, to: number): void {
    if (!this.#isExtended(from, to)) this.#join(from, to)
  }

  /** Every append comes behind the one before, and so do most reads: that makes nothing new. */
  #isExtended(from: number, to: number): boolean {
    let before: { to: number } | undefined
    for (const range of this.#ranges) {
      if (range.to === from) before = range
      else if (range.from <= to && range.to >= from) return false
    }
    if (before === undefined) return false
    before.to = to
    return true
  }

  #join(from: number, to: number): void {
    const apart = this.#ranges.filter((range) => range.to < from || range.from > to)
    const joined = this.#ranges.filter((range) => !apart.includes(range))
    apart.push({
      from: Math.min(from, ...joined.map((range) => range.from)),
      to: Math.max(to, ...joined.map((range) => range.to)),
    })
    apart.sort((one, other) => other.to - other.from - (one.to - one.from))
    this.#ranges = apart.slice(0, MOST_RANGES)
  }

  /** Nothing from `size` on is there any more. */
  cut(size: number): void {
    this.#ranges = this.#ranges
      .filter(({ from }) => from < size)
      .map(({ from, to }) => ({ from, to: Math.min(to, size) }))
  }

  covers(from: number, to: number): boolean {
    return this.#ranges.some((range) => range.from <= from && range.to >= to)
  }
}
