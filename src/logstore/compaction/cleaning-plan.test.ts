import { describe, expect, it } from 'vitest'
import { groupSegments } from './cleaning-plan.ts'

const bounds = { firstUncleanableOffset: 1000, segmentBytes: 100, segmentIndexBytes: 50 }
const noIndexes = () => ({ offset: 0, time: 0 })
const bases = (groups: readonly (readonly { readonly baseOffset: number }[])[]) =>
  groups.map((group) => group.map(({ baseOffset }) => baseOffset))

describe('segments that a cleaning joins', () => {
  it('fit segment.bytes together, by their sizes before it', () => {
    const segments = [60, 40, 1, 99, 100, 100].map((size, index) => ({ baseOffset: index * 10, size }))
    expect(bases(groupSegments(bounds, segments, noIndexes))).toEqual([[0, 10], [20, 30], [40], [50]])
  })

  it.each(['offset', 'time'] as const)('fit segment.index.bytes with their %s indexes', (kind) => {
    const segments = [0, 10, 20].map((baseOffset) => ({ baseOffset, size: 1 }))
    const indexes = () => ({ ...noIndexes(), [kind]: 25 })
    expect(bases(groupSegments(bounds, segments, indexes))).toEqual([[0, 10], [20]])
  })

  it('have offsets that 32 bits hold from the first on, unless there are none in them', () => {
    const far = 2 ** 31
    const uncleanable = { ...bounds, firstUncleanableOffset: far * 2 }
    const segments = [
      { baseOffset: 0, size: 1 },
      { baseOffset: 10, size: 1 },
      { baseOffset: far, size: 1 },
    ]
    // The second one reaches up to where the third begins.
    expect(bases(groupSegments(uncleanable, segments, noIndexes))).toEqual([[0, 10], [far]])
    const reaching = segments.map((one) => (one.baseOffset === far ? { baseOffset: far + 1, size: 1 } : one))
    expect(bases(groupSegments(uncleanable, reaching, noIndexes))).toEqual([[0], [10], [far + 1]])
    const empty = reaching.map((one) => (one.baseOffset === 10 ? { baseOffset: 10, size: 0 } : one))
    expect(bases(groupSegments(uncleanable, empty, noIndexes))).toEqual([[0, 10], [far + 1]])
  })

  it('are no more than can give way in one turn', () => {
    const segments = Array.from({ length: 450 }, (_, baseOffset) => ({ baseOffset, size: 0 }))
    expect(groupSegments(bounds, segments, noIndexes).map((group) => group.length)).toEqual([200, 200, 50])
  })
})
