import { describe, expect, it } from 'vitest'
import { SeededRandom } from '../../testing/seeded-random.ts'
import { KeyHash } from './key-hash.ts'
import { BYTES_PER_ENTRY, OffsetMap } from './offset-map.ts'

const hashKey = new SeededRandom(3).bytes(16)
const put = (map: OffsetMap, key: Buffer, offset: number) => map.put(key, 0, key.length, offset)
const get = (map: OffsetMap, key: Buffer) => map.get(key, 0, key.length)

describe('the hash of a key', () => {
  // The vectors of Chaskey's reference implementation: the messages 0, 1, 2 … of each length.
  it.each([
    [0, [0x792e8fe5, 0x75ce87aa, 0x2d1450b5, 0x1191970b]],
    [1, [0x13a9307b, 0x50e62c89, 0x4577bd88, 0xc0bbdc18]],
  ])('is Chaskey, of %i bytes', (length, words) => {
    const key = Buffer.alloc(16)
    for (const [index, word] of [0x833d3433, 0x009f389f, 0x2398e64f, 0x417acf39].entries())
      key.writeUInt32LE(word, index * 4)
    const hash = new KeyHash(key)
    hash.of(Buffer.from([9, 0, 1, 2, 3]), 1, length)
    expect([hash.word0, hash.word1, hash.word2, hash.word3].map((word) => word >>> 0)).toEqual(words)
  })

  it('depends on every byte, on the length, and on the secret', () => {
    const seen = new Set<string>()
    const add = (hash: KeyHash, bytes: Buffer) => {
      hash.of(bytes, 0, bytes.length)
      seen.add([hash.word0, hash.word1, hash.word2, hash.word3].join())
    }
    const hash = new KeyHash(hashKey)
    for (let length = 0; length <= 50; length++) add(hash, Buffer.alloc(length))
    for (let at = 0; at < 50; at++) {
      const bytes = Buffer.alloc(50)
      bytes[at] = 1
      add(hash, bytes)
    }
    add(new KeyHash(new SeededRandom(4).bytes(16)), Buffer.alloc(50))
    expect(seen.size).toBe(102)
  })
})

describe('a map of offsets', () => {
  it.each([1000, 200_000, 4_000_000])('answers as a Map does, within %i bytes', (maxBytes) => {
    const random = new SeededRandom(maxBytes)
    const map = new OffsetMap(maxBytes, hashKey)
    const model = new Map<string, number>()
    const keyOf = (n: number) => Buffer.from(`key ${n}`.repeat(1 + (n % 4)))
    const keys = Math.floor(map.slots * 0.9)
    for (let offset = 0; offset < keys * 1.5; offset++) {
      const key = keyOf(random.integer(0, keys))
      if (model.size >= keys && !model.has(String(key))) continue
      if (!put(map, key, offset)) expect.fail(`no room for key ${model.size}`)
      model.set(String(key), offset)
    }
    expect(map.size).toBe(model.size)
    expect(map.bytes).toBeLessThanOrEqual(maxBytes)
    for (let n = 0; n <= keys + 10; n++) {
      const expected = model.get(String(keyOf(n))) ?? -1
      if (get(map, keyOf(n)) !== expected) expect.fail(`key ${n}: ${get(map, keyOf(n))}, not ${expected}`)
    }
  })

  it('takes no more keys than it has places, and says so', () => {
    const map = new OffsetMap(BYTES_PER_ENTRY * 100, hashKey)
    let taken = 0
    while (put(map, Buffer.from(String(taken)), taken)) taken++
    expect(taken).toBe(99)
    expect(map.size).toBe(99)
    expect(map.latestOffset).toBe(98)
    expect(put(map, Buffer.from('7'), 200)).toBe(true)
    expect(get(map, Buffer.from('7'))).toBe(200)
  })

  it('takes memory as keys come, and keeps offsets beyond 32 bits', () => {
    const map = new OffsetMap(128 * 1024 * 1024, hashKey)
    expect(map.bytes).toBe(0)
    for (let n = 0; n < 1000; n++) put(map, Buffer.from(String(n)), 2 ** 40 + n)
    expect(map.bytes).toBeLessThan(1_000_000)
    expect(get(map, Buffer.from('999'))).toBe(2 ** 40 + 999)
  })
})
