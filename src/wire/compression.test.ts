import { randomBytes } from 'node:crypto'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import fc from 'fast-check'
import lz4 from 'lz4-napi'
import { describe, expect, test } from 'vitest'
import { runAtOnce, type Steps } from '../base/steps.ts'
import {
  type CompressionType,
  compress,
  compressInSteps,
  compressionTypeOf,
  compressionTypes,
  decompress,
  decompressInSteps,
} from './compression.ts'
import { CorruptRecordError } from './corrupt-record-error.ts'
import { compressXerialSnappy, decompressSnappy, loadPortableSnappy } from './snappy.ts'
import { xxhash32 } from './xxhash32.ts'

const codecs = compressionTypes.filter((type) => type !== 'none')

function thrownBy(act: () => unknown): CorruptRecordError {
  try {
    act()
  } catch (error) {
    expect(error).toBeInstanceOf(CorruptRecordError)
    return error as CorruptRecordError
  }
  throw new Error('nothing was thrown')
}

test('the codecs have the numbers of the attribute bits', () => {
  expect([0, 1, 2, 3, 4, 5].map(compressionTypeOf)).toEqual([
    'none',
    'gzip',
    'snappy',
    'lz4',
    'zstd',
    undefined,
  ])
})

describe.each(codecs)('%s', (type: CompressionType) => {
  const contents = fc.oneof(
    fc.uint8Array({ maxLength: 2000 }),
    fc
      .tuple(fc.uint8Array({ minLength: 1, maxLength: 50 }), fc.integer({ min: 1, max: 6000 }))
      .map(([unit, times]) => {
        return Buffer.alloc(unit.length * times, unit)
      }),
  )

  test('gives back what it was given, with exactly that much room', () => {
    fc.assert(
      fc.property(contents, (content) => {
        const bytes = Buffer.from(content)
        expect(decompress(type, compress(type, bytes), bytes.length).equals(bytes)).toBe(true)
      }),
      { numRuns: 60 },
    )
  })

  test('gives back content that does not shrink, over several blocks', () => {
    const bytes = randomBytes(200_001)
    expect(decompress(type, compress(type, bytes), bytes.length).equals(bytes)).toBe(true)
  })

  test('refuses to produce more than it may, and says so', () => {
    const bytes = Buffer.alloc(300_000, 'so much air')
    const compressed = compress(type, bytes)
    for (const limit of [299_999, 65_536, 100, 0]) {
      const error = thrownBy(() => decompress(type, compressed, limit))
      expect([error.exceedsLimit, error.message]).toEqual([
        true,
        `${type}: more than ${limit} bytes when decompressed`,
      ])
    }
  })

  test('refuses a stream that is cut anywhere', () => {
    const compressed = compress(type, Buffer.concat([randomBytes(3000), Buffer.alloc(70_000, 'abc')]))
    const ends = [0, 1, 3, 5, 6, 7, 10, 15, 16, 17, 19, 20, 40, compressed.length >> 1, compressed.length - 1]
    for (const end of ends) {
      // A cut snappy container that ends between two blocks is a shorter container.
      if (type === 'snappy' && end === 16) continue
      expect(
        thrownBy(() => decompress(type, compressed.subarray(0, end), 200_000)).exceedsLimit,
        `${end}`,
      ).toBe(false)
    }
  })

  test('ends any bytes in content within the limit or a typed error', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(5000), (bytes, limit) => {
        try {
          expect(decompress(type, Buffer.from(bytes), limit).length).toBeLessThanOrEqual(limit)
        } catch (error) {
          if (!(error instanceof CorruptRecordError)) throw error
        }
      }),
      { numRuns: 300 },
    )
  })

  test('ends damaged streams in content within the limit or a typed error', () => {
    const good = compress(type, Buffer.concat([randomBytes(500), Buffer.alloc(3000, 'xyz')]))
    fc.assert(
      fc.property(fc.nat(good.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const damaged = Buffer.from(good)
        damaged[at]! ^= flip
        try {
          expect(decompress(type, damaged, 10_000).length).toBeLessThanOrEqual(10_000)
        } catch (error) {
          if (!(error instanceof CorruptRecordError)) throw error
        }
      }),
      { numRuns: 300 },
    )
  })
})

describe('gzip and zstd', () => {
  test('members that follow each other are one content, and the limit covers their sum', () => {
    const one = Buffer.alloc(1000, 'one')
    const two = Buffer.alloc(1000, 'two')
    for (const [type, make] of [
      ['gzip', gzipSync],
      ['zstd', zstdCompressSync],
    ] as const) {
      const both = Buffer.concat([make(one), make(two)])
      expect(decompress(type, both, 2000).equals(Buffer.concat([one, two]))).toBe(true)
      expect(thrownBy(() => decompress(type, both, 1999)).exceedsLimit).toBe(true)
    }
  })

  test('a level changes the size, not the content', () => {
    let seed = 1
    const words = Array.from({ length: 20_000 }, () => {
      seed = (seed * 48_271) % 0x7fffffff
      return `${seed % 977} `
    })
    const bytes = Buffer.from(words.join(''))
    for (const type of ['gzip', 'zstd'] as const) {
      const fast = compress(type, bytes, 1)
      const small = compress(type, bytes, type === 'gzip' ? 9 : 19)
      expect(small.length).toBeLessThan(fast.length)
      expect(decompress(type, small, bytes.length).equals(bytes)).toBe(true)
    }
  })
})

describe('what is much for gzip and zstd is done meanwhile', () => {
  /** As a caller does that goes on with other things. */
  async function meanwhile<T>(steps: Steps<T>): Promise<{ value: T; longCalls: number }> {
    let longCalls = 0
    let next = steps.next()
    for (; next.done !== true; next = steps.next()) {
      if (next.value === undefined) continue
      longCalls++
      await next.value.meanwhile()
    }
    return { value: next.value, longCalls }
  }

  const bytes = Buffer.concat([randomBytes(1000), Buffer.alloc(3_000_000, 'so much air')])

  test.each(['gzip', 'zstd'] as const)('%s: with the content that it has at once', async (type) => {
    const { value, longCalls } = await meanwhile(compressInSteps(type, bytes))
    expect(longCalls).toBe(1)
    expect(decompress(type, value, bytes.length).equals(bytes)).toBe(true)
    const back = await meanwhile(decompressInSteps(type, value, bytes.length))
    expect([back.longCalls, back.value.equals(bytes)]).toEqual([1, true])
  })

  test.each(['gzip', 'zstd'] as const)('%s: with the errors that it has at once', async (type) => {
    const compressed = compress(type, bytes)
    const limit = bytes.length - 1
    await expect(meanwhile(decompressInSteps(type, compressed, limit))).rejects.toMatchObject({
      exceedsLimit: true,
      message: `${type}: more than ${limit} bytes when decompressed`,
    })
    const cut = compressed.subarray(0, -1)
    await expect(meanwhile(decompressInSteps(type, cut, bytes.length))).rejects.toMatchObject({
      name: 'CorruptRecordError',
      exceedsLimit: false,
    })
  })
})

describe('lz4 frames', () => {
  const content = Buffer.concat([Buffer.alloc(200_000, 'lz4 '), randomBytes(100_000)])

  test('are read with block and content checksums, and a wrong block checksum is refused', () => {
    const frame = lz4.compressFrameSync(content, { blockChecksums: true, contentChecksum: true })
    expect(decompress('lz4', frame, content.length).equals(content)).toBe(true)
    const firstBlockLength = frame.readUInt32LE(7) & 0x7fffffff
    const damaged = Buffer.from(frame)
    damaged[11 + firstBlockLength]! ^= 1
    expect(thrownBy(() => decompress('lz4', damaged, content.length)).message).toBe(
      'lz4: wrong block checksum',
    )
  })

  test('that we write are read by another implementation', () => {
    expect(lz4.decompressFrameSync(compress('lz4', content)).equals(content)).toBe(true)
  })

  test('are read with a content size in the header', () => {
    const frame = compress('lz4', content)
    const header = Buffer.alloc(15)
    frame.copy(header, 0, 0, 6)
    header[4]! |= 0x08
    header.writeUInt32LE(content.length, 6)
    header[14] = (xxhash32(header, 4, 14) >>> 8) & 0xff
    expect(
      decompress('lz4', Buffer.concat([header, frame.subarray(7)]), content.length).equals(content),
    ).toBe(true)
  })

  test('end where they say: what follows is not looked at', () => {
    const frame = compress('lz4', content)
    expect(decompress('lz4', Buffer.concat([frame, frame]), content.length).equals(content)).toBe(true)
  })

  test('are refused with a header that Kafka refuses', () => {
    const patched = (at: number, byte: number, fixChecksum = true): Buffer => {
      const frame = Buffer.from(compress('lz4', content))
      frame[at] = byte
      if (fixChecksum) frame[6] = (xxhash32(frame, 4, 6) >>> 8) & 0xff
      return frame
    }
    const messageOf = (bytes: Buffer): string => thrownBy(() => decompress('lz4', bytes, 1e6)).message
    expect(messageOf(patched(0, 5))).toBe('lz4: not a frame')
    expect(messageOf(patched(4, 0x40))).toBe('lz4: blocks that depend on each other')
    expect(messageOf(patched(4, 0xa0))).toBe('lz4: version 2 of the frame format')
    expect(messageOf(patched(4, 0x61))).toBe('lz4: reserved bits are set')
    expect(messageOf(patched(5, 0x41))).toBe('lz4: reserved bits are set')
    expect(messageOf(patched(5, 0x30))).toBe('lz4: block size code 3')
    expect(messageOf(patched(6, 0xff, false))).toBe('lz4: wrong header checksum')
  })

  test('never hold a block above the size that their header allows', () => {
    const frame = Buffer.from(compress('lz4', content))
    frame.writeUInt32LE(65_537, 7)
    expect(thrownBy(() => decompress('lz4', frame, 1e6)).message).toBe(
      "lz4: block of 65537 bytes, more than the frame's 65536",
    )
  })

  test('have the published check values of xxHash', () => {
    expect(xxhash32(Buffer.alloc(0))).toBe(0x02cc5d05)
    expect(xxhash32(Buffer.from('Nobody inspects the spammish repetition'))).toBe(0xe2293b2f)
  })
})

describe('snappy', () => {
  const content = Buffer.concat([Buffer.alloc(70_000, 'snappy '), randomBytes(1000)])

  test('is read as one raw block too', () => {
    const raw = loadPortableSnappy().compress(content)
    expect(decompress('snappy', raw, content.length).equals(content)).toBe(true)
  })

  test('containers that follow each other are one content', () => {
    const container = runAtOnce(compressXerialSnappy(content))
    const both = decompress('snappy', Buffer.concat([container, container]), content.length * 2)
    expect(both.equals(Buffer.concat([content, content]))).toBe(true)
  })

  test('is read the same without native code', () => {
    expect(
      runAtOnce(decompressSnappy(runAtOnce(compressXerialSnappy(content)), 1e6, loadPortableSnappy())).equals(
        content,
      ),
    ).toBe(true)
  })

  test('a block that claims more than its bytes can hold is refused before room is made for it', () => {
    const claimsAGigabyte = Buffer.from([0x80, 0x80, 0x80, 0x80, 0x04, 1, 2, 3])
    const error = thrownBy(() => decompress('snappy', claimsAGigabyte, 2 ** 31))
    expect([error.exceedsLimit, error.message]).toEqual([
      false,
      'snappy: 8 bytes that claim to hold 1073741824',
    ])
  })
})
