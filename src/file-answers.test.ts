/** Answers that the kernel takes from their files: with real files and sockets, which only Linux has these calls for. */
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { BufferPool } from './base/buffer-pool.ts'
import type { FileSlice } from './base/file-slice.ts'
import type { File } from './logstore/file-system.ts'
import { nativeCalls } from './logstore/native-calls.ts'
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
    const made = file.slice(from, to - from)
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

  it('few bytes are not worth it', () => {
    expect(file.slice(0, 100_000)).toBeUndefined()
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
