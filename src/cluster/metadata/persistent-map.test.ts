import fc from 'fast-check'
import { expect, test } from 'vitest'
import { PersistentMap } from './persistent-map.ts'

const operations = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constant('set' as const), key: fc.integer({ min: -40, max: 40 }), value: fc.nat() }),
    fc.record({ kind: fc.constant('delete' as const), key: fc.integer({ min: -40, max: 40 }) }),
  ),
  { maxLength: 200 },
)

test('every version holds what a plain map of that moment held, whatever was changed after it', () => {
  fc.assert(
    fc.property(operations, fc.boolean(), (steps, asText) => {
      let map = PersistentMap.empty<string | number, number>()
      const model = new Map<string | number, number>()
      const versions: [PersistentMap<string | number, number>, Map<string | number, number>][] = []
      for (const step of steps) {
        const key = asText ? `topic-${step.key}` : step.key
        if (step.kind === 'set') {
          map = map.set(key, step.value)
          model.set(key, step.value)
        } else {
          map = map.delete(key)
          model.delete(key)
        }
        versions.push([map, new Map(model)])
      }
      for (const [version, then] of versions) {
        expect(version.size).toBe(then.size)
        expect(new Map(version)).toEqual(then)
        for (const key of then.keys()) expect(version.get(key)).toBe(then.get(key))
      }
    }),
  )
})

test('deleting what is not there gives the same map', () => {
  const map = PersistentMap.from<string, number>([['a', 1]])
  expect(map.delete('b')).toBe(map)
})

test('a long edit leaves the map that it started from, and each version taken on the way, as they were', () => {
  const before = PersistentMap.from<string, number>(
    Array.from({ length: 1000 }, (_, i) => [`t${i}`, i] as const),
  )
  const edit = before.edit()
  const taken: [number, PersistentMap<string, number>][] = []
  for (let i = 0; i < 1000; i++) {
    edit.set(`t${i}`, -i)
    if (i % 7 === 0) edit.delete(`t${i}`)
    if (i % 90 === 0) taken.push([i, edit.done()])
  }
  expect([...before.values()].every((value, i) => value === i)).toBe(true)
  for (const [i, version] of taken) {
    expect(version.get(`t${i + 1}`)).toBe(i + 1)
    expect(version.get('t1')).toBe(i === 0 ? 1 : -1)
    expect(version.size).toBe(1000 - Math.floor(i / 7) - 1)
    expect([...version.keys()].length).toBe(version.size)
  }
  expect(edit.done().get('t500')).toBe(-500)
})

test('forEach walks every entry once', () => {
  const map = PersistentMap.from(Array.from({ length: 100 }, (_, i) => [i, i * 2] as const))
  const seen: number[] = []
  map.forEach((value, key) => {
    expect(value).toBe(key * 2)
    seen.push(key)
  })
  expect(seen.sort((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, i) => i))
  expect([...map.keys()].length + [...map.values()].length).toBe(200)
})
