/** Answers that the kernel takes from their files: with real files and sockets, which only Linux has these calls for. */
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readlinkSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { BufferPool } from './base/buffer-pool.ts'
import type { FileSlice } from './base/file-slice.ts'
import type { File } from './logstore/file-system.ts'
import { loadNativeCalls, MissingCalls, nativeCalls } from './logstore/native-calls.ts'
import { NodeFileSystem } from './logstore/node-fs.ts'
import { OutputQueue } from './net/output-queue.ts'

const MEGABYTE = 1024 * 1024
/** More than the kernel's buffers of both ends take. */
const FILE_BYTES = 24 * MEGABYTE

const directory = mkdtempSync(join(tmpdir(), 'sluice-answers-'))
const path = join(directory, 'batches.log')
const content = Buffer.from(
  Uint32Array.from({ length: FILE_BYTES / 4 }, (_, index) => (index * 2_654_435_761) >>> 0).buffer,
)
afterAll(() => rmSync(directory, { recursive: true }))

/** Of the file, removed or not. */
function openDescriptors(): number {
  return readdirSync('/proc/self/fd').filter((name) => targetOf(name)?.startsWith(path)).length
}

function targetOf(descriptor: string): string | undefined {
  try {
    return readlinkSync(`/proc/self/fd/${descriptor}`)
  } catch {
    // The one that listed them is gone.
    return undefined
  }
}

it('where the calls are missing, it is the system that has none, or Node that was not asked', () => {
  const calls = loadNativeCalls()
  const reason = calls instanceof MissingCalls ? calls.message : undefined
  expect([undefined, 'not this system', 'no node:ffi', 'no cachestat']).toContain(reason)
})

describe.skipIf(nativeCalls() === undefined)('with the calls of Linux and node:ffi', () => {
  let file: File
  let sender: Socket
  let receiver: Socket
  let queue: OutputQueue

  beforeEach(async () => {
    writeFileSync(path, content)
    const server = createServer({ noDelay: true }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    receiver = connect((server.address() as { port: number }).port, '127.0.0.1').pause()
    ;[sender] = (await once(server, 'connection')) as [Socket]
    server.close()
    sender.on('error', () => {})
    queue = new OutputQueue(sender, new BufferPool({ isChecked: true }), () => {})
    file = new NodeFileSystem().open(path, 'read')
  })
  afterEach(() => {
    queue.clear()
    file.close()
    receiver.destroy()
    sender.destroy()
  })

  function slice(from: number, to: number): FileSlice {
    const made = file.slice(from, to - from, Buffer.alloc(0))
    if (made === undefined) throw new Error('no slice of so many bytes')
    return made
  }

  async function received(bytes: number): Promise<Buffer> {
    const chunks: Buffer[] = []
    let size = 0
    for await (const chunk of receiver) {
      chunks.push(chunk)
      size += chunk.length
      if (size >= bytes) break
    }
    return Buffer.concat(chunks)
  }

  it('a client that is slow at first gets all of it, in order, from a file that was closed and removed', async () => {
    const head = Buffer.from('an answer begins')
    const tail = Buffer.alloc(100_000, 'and goes on')
    const from = 4097
    queue.add([head, slice(from, 9 * MEGABYTE), slice(9 * MEGABYTE, FILE_BYTES), tail])
    queue.flush()
    expect(queue.writing).toBe(true)
    file.close()
    rmSync(path)
    expect(openDescriptors()).toBe(1)
    const expected = Buffer.concat([head, content.subarray(from), tail])
    expect((await received(expected.length)).equals(expected)).toBe(true)
    await vi.waitFor(() => expect(queue.bytes).toBe(0))
    expect(openDescriptors()).toBe(0)
  })

  it('a file that turns out to be shorter ends the connection, behind what there was', async () => {
    const end = 3 * MEGABYTE
    queue.add([slice(0, FILE_BYTES), Buffer.from('never')])
    writeFileSync(path, content.subarray(0, end))
    const failed = once(sender, 'error')
    queue.flush()
    const all = received(FILE_BYTES)
    expect(String((await failed)[0])).toContain(`file ends at ${end}`)
    const bytes = await all.catch(() => Buffer.alloc(0))
    expect(bytes.equals(content.subarray(0, bytes.length))).toBe(true)
  })

  it('the kernel takes them from the file, and what is left is the rest', () => {
    const made = slice(0, MEGABYTE)
    const next = Buffer.alloc(8)
    file.slice(0, MEGABYTE, next)?.release()
    expect(next.equals(content.subarray(MEGABYTE, MEGABYTE + 8))).toBe(true)
    const { fd } = (sender as unknown as { readonly _handle: { readonly fd: number } })._handle
    const sentBytes = made.sendTo(fd) ?? 0
    expect(sentBytes).toBeGreaterThan(10_000)
    expect(made.length).toBe(MEGABYTE - sentBytes)
    expect(made.sendTo(-1)).toBe(0)
    expect(made.length).toBe(MEGABYTE - sentBytes)
    made.release()
  })

  it('the kernel takes what goes before them with them, unless it is large', async () => {
    const made = slice(0, MEGABYTE)
    const { fd } = (sender as unknown as { readonly _handle: { readonly fd: number } })._handle
    expect(made.sendTo(fd, Buffer.alloc(100_000))).toBe(0)
    const head = Buffer.from('an answer begins')
    const sentBytes = made.sendTo(fd, head) ?? 0
    expect(sentBytes).toBeGreaterThan(10_000)
    expect(made.length).toBe(MEGABYTE - (sentBytes - head.length))
    expect(made.sendTo(-1, head)).toBe(0)
    expect(await received(sentBytes)).toEqual(Buffer.concat([head, content]).subarray(0, sentBytes))
    made.release()
  })

  it('nothing of them comes before all of what goes before them', () => {
    const made = slice(0, MEGABYTE)
    const { fd } = (sender as unknown as { readonly _handle: { readonly fd: number } })._handle
    vi.spyOn(nativeCalls()!, 'sendMore').mockReturnValueOnce(3)
    expect(made.sendTo(fd, Buffer.from('an answer begins'))).toBe(3)
    expect(made.length).toBe(MEGABYTE)
    made.release()
  })

  it('what has left memory since it was looked at is not sent from the disk', () => {
    const made = slice(0, MEGABYTE)
    truncateSync(path, 0)
    truncateSync(path, FILE_BYTES)
    const { fd } = (sender as unknown as { readonly _handle: { readonly fd: number } })._handle
    expect(made.sendTo(fd)).toBeUndefined()
    made.release()
  })

  it('what the disk would have to be asked for is no slice until it has been read', () => {
    const [from, length] = [FILE_BYTES, 4 * MEGABYTE]
    truncateSync(path, from + length)
    const makesSlice = (at: number) => {
      const made = file.slice(at, MEGABYTE, Buffer.alloc(100))
      made?.release()
      return made !== undefined
    }
    expect(makesSlice(from + MEGABYTE)).toBe(false)
    file.read(Buffer.alloc(2 * MEGABYTE), 0, 2 * MEGABYTE, from + MEGABYTE)
    expect(makesSlice(from + MEGABYTE)).toBe(true)
    // A part of it is not there, at its beginning or at its end.
    expect(makesSlice(from)).toBe(false)
    expect(makesSlice(from + 3 * MEGABYTE - 50)).toBe(false)
  })

  it('a file that could not be read gives no slices any more, so that its reader is told', async () => {
    const failing = slice(0, MEGABYTE)
    truncateSync(path, 0)
    await expect(failing.read(Buffer.alloc(1000))).rejects.toThrow('file ends at 0')
    failing.release()
    writeFileSync(path, content)
    expect(file.slice(0, MEGABYTE, Buffer.alloc(0))).toBeUndefined()
  })

  it('few bytes are not worth it', () => {
    expect(file.slice(0, 100_000, Buffer.alloc(0))).toBeUndefined()
  })

  it('a slice that was forgotten gives up its file', async () => {
    slice(0, MEGABYTE)
    file.close()
    expect(openDescriptors()).toBe(1)
    setFlagsFromString('--expose-gc')
    const collect = runInNewContext('gc') as () => void
    await vi.waitFor(() => {
      collect()
      expect(openDescriptors()).toBe(0)
    })
  })
})
