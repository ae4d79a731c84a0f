import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BufferPool } from '../base/buffer-pool.ts'
import { FrameAssembler } from './frame-assembler.ts'

function prefixed(frame: Uint8Array): Buffer {
  const bytes = Buffer.alloc(4 + frame.length)
  bytes.writeInt32BE(frame.length)
  bytes.set(frame, 4)
  return bytes
}

function collecting(maxBytes = 1 << 20): { assembler: FrameAssembler; frames: Buffer[] } {
  const frames: Buffer[] = []
  return { assembler: new FrameAssembler(maxBytes, new BufferPool(), (frame) => frames.push(frame)), frames }
}

/** Feeds as a socket would: into the target where there is one, else through the scratch, which is then overwritten. */
function feed(assembler: FrameAssembler, bytes: Buffer): void {
  let at = 0
  while (at < bytes.length) {
    const target = assembler.target()
    if (target === undefined) {
      const scratch = Buffer.from(bytes.subarray(at))
      assembler.push(scratch)
      scratch.fill(0xee)
      return
    }
    const taken = bytes.copy(target, 0, at)
    assembler.advance(taken)
    at += taken
  }
}

describe('FrameAssembler', () => {
  it('gives the same frames however the stream is cut, read directly or through the scratch', () => {
    const frameSize = fc.oneof(
      { weight: 8, arbitrary: fc.nat(40) },
      { weight: 2, arbitrary: fc.integer({ min: 500, max: 520 }) },
      { weight: 1, arbitrary: fc.integer({ min: 60_000, max: 300_000 }) },
    )
    fc.assert(
      fc.property(
        fc.array(frameSize, { maxLength: 12 }),
        fc.array(fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 90_000 })), {
          minLength: 1,
          maxLength: 60,
        }),
        fc.boolean(),
        (sizes, cuts, direct) => {
          const sent = sizes.map((size, index) => Buffer.alloc(size, index + 1))
          const stream = Buffer.concat(sent.map(prefixed))
          const { assembler, frames } = collecting()
          let at = 0
          for (let turn = 0; at < stream.length; turn++) {
            // The cuts over and over, growing, so that any stream ends.
            const end = Math.min(stream.length, at + cuts[turn % cuts.length]! * (1 + Math.floor(turn / 50)))
            const chunk = stream.subarray(at, end)
            if (direct) feed(assembler, chunk)
            else assembler.push(Buffer.from(chunk))
            at = end
          }
          expect(frames.length).toBe(sent.length)
          for (const [index, frame] of frames.entries()) expect(frame.equals(sent[index]!)).toBe(true)
          expect(assembler.midFrame).toBe(false)
        },
      ),
      { numRuns: 150 },
    )
  })

  it('takes memory in proportion to what has arrived, not to what was announced', () => {
    const { assembler } = collecting(100 << 20)
    const prefix = Buffer.alloc(4)
    prefix.writeInt32BE(100 << 20)
    assembler.push(prefix)
    expect(assembler.target()).toBeUndefined()
    assembler.push(Buffer.from([1]))
    expect(assembler.target()!.length).toBeLessThanOrEqual(64 * 1024)
    let arrived = 1
    for (const step of [30_000, 40_000, 200_000, 4_000_000]) {
      assembler.push(Buffer.alloc(step))
      arrived += step
      expect(arrived + assembler.target()!.length).toBeLessThanOrEqual(20 * arrived)
    }
  })

  it('puts a request of 1 MB in its final buffer once 64 KB have come', () => {
    const { assembler, frames } = collecting()
    assembler.push(prefixed(Buffer.alloc(1 << 20)).subarray(0, 64 * 1024))
    const target = assembler.target()!
    expect(target.length).toBe((1 << 20) - 64 * 1024 + 4)
    target.fill(5)
    assembler.advance(target.length)
    expect(frames[0]!.buffer).toBe(target.buffer)
  })

  it('puts a request as large as the one before it in its final buffer at once', () => {
    const { assembler, frames } = collecting(10 << 20)
    assembler.push(prefixed(Buffer.alloc(6 << 20)))
    assembler.push(prefixed(Buffer.alloc(5 << 20)).subarray(0, 100))
    expect(assembler.target()!.length).toBe((5 << 20) - 96)
    expect(frames).toHaveLength(1)
  })

  it('hands on frames that pin less than twice their own bytes', () => {
    const { assembler, frames } = collecting()
    assembler.push(
      Buffer.concat([prefixed(Buffer.alloc(600)), prefixed(Buffer.alloc(20_000)), Buffer.alloc(1)]),
    )
    expect(frames.map((frame) => frame.buffer.byteLength)).toEqual([1024, 32_768])
  })

  it('stops at a negative length and at one above the maximum, after the frames before it', () => {
    for (const [length, kind] of [
      [-1, 'negative'],
      [-2147483648, 'negative'],
      [101, 'too-large'],
      [2147483647, 'too-large'],
    ] as const) {
      const { assembler, frames } = collecting(100)
      const prefix = Buffer.alloc(4)
      prefix.writeInt32BE(length)
      assembler.push(Buffer.concat([prefixed(Buffer.alloc(100, 1)), prefix, prefixed(Buffer.alloc(5))]))
      expect(frames.map((frame) => frame.length)).toEqual([100])
      expect(assembler.fault).toEqual({ kind, length })
      assembler.push(prefixed(Buffer.alloc(5)))
      expect(frames.length).toBe(1)
    }
  })
})
