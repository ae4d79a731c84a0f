/** System calls of Linux that Node has no function for, through `node:ffi`. */
import { closeSync, openSync, readSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { type Ffi, loadFfi } from '../base/ffi.ts'

/** Of descriptors that are open; nothing looks at that. */
export interface NativeCalls {
  /**
   * `sendfile(2)`: hands bytes of a file to a socket without copying them. Returns how many it took; 0 at the end of the
   * file, -1 where it took none: it is full, or has failed.
   */
  sendFile(socket: number, file: number, position: number, length: number): number
  /**
   * `send(2)` of no more than MOST_SENT_BYTES that something follows at once, so that they wait for it. Returns how many
   * the socket took; -1 where it took none.
   */
  sendMore(socket: number, bytes: Uint8Array): number
  /** Whether the kernel has all of that in memory, so that nobody waits for the disk; false where it does not say. */
  isInMemory(file: number, position: number, length: number): boolean
  /** The same of what it had a moment ago, at a fifth of the cost: without a look at whether the disk has filled it. */
  isStillInMemory(file: number, position: number, length: number): boolean
  /** Fills `memory` as far as the kernel has those bytes. Returns how many it had; 0 where it has not all of their pages. */
  readInMemory(file: number, memory: Uint8Array, position: number): number
}

/** `cachestat(2)`, since Linux 6.5: counts the pages that have a place in memory. The same number everywhere. */
const CACHESTAT = 451n
/** `preadv2(2)` with RWF_NOWAIT takes nothing from a page that the disk has not filled yet. */
const PREADV2 = { x64: 327n, arm64: 286n } as Record<string, bigint | undefined>
const RWF_NOWAIT = 8n
/** MSG_DONTWAIT, MSG_NOSIGNAL and MSG_MORE. */
const SEND_FLAGS = 0x40 | 0x4000 | 0x8000
/** Of one `sendMore`. */
export const MOST_SENT_BYTES = 4096
/** How far apart the places are that are looked at: what is on its way comes in pieces that are rarely smaller. */
const LOOKED_AT_BYTES = 128 * 1024

let loaded: NativeCalls | MissingCalls | undefined

/** Why there are none. Everything works without. */
export class MissingCalls extends Error {
  override name = 'MissingCalls'
}

/** Undefined on other systems, with an older Linux or Node, and with `--no-experimental-ffi`. Loaded on first use. */
export function nativeCalls(): NativeCalls | undefined {
  const calls = loadNativeCalls()
  return calls instanceof MissingCalls ? undefined : calls
}

export function loadNativeCalls(): NativeCalls | MissingCalls {
  loaded ??= load()
  return loaded
}

function load(): NativeCalls | MissingCalls {
  const preadv2 = PREADV2[process.arch]
  if (process.platform !== 'linux' || preadv2 === undefined) return new MissingCalls('not this system')
  const ffi = loadFfi()
  if (ffi === undefined) return new MissingCalls('no node:ffi')
  try {
    return bind(ffi, preadv2)
  } catch (cause) {
    return new MissingCalls('another node:ffi than is known', { cause })
  }
}

function bind(ffi: Ffi, preadv2: bigint): NativeCalls | MissingCalls {
  const { functions } = ffi.dlopen(null, {
    getpagesize: { arguments: [], return: 'i32' },
    send: { arguments: ['i32', 'pointer', 'u64', 'i32'], return: 'i64' },
    sendfile: { arguments: ['i32', 'i32', 'pointer', 'u64'], return: 'i64' },
    syscall: { arguments: ['i64', 'i64', 'pointer', 'i64', 'i64', 'i64', 'i64'], return: 'i64' },
  })
  const pageBytes = functions.getpagesize()
  // An ArrayBuffer's memory stays where it is, and this one lives as long as the functions that use it.
  const words = new BigUint64Array(16)
  const start = ffi.getRawPointer(words.buffer)
  /** A byte that nobody looks at, and the list of one piece of memory that it is. */
  const [byte, vector, range, counts] = [start, start + 8n, start + 24n, start + 40n]
  /** The list of one piece of memory that is to be filled. */
  const target = start + 80n
  const sent = Buffer.from(new ArrayBuffer(MOST_SENT_BYTES))
  const sentAt = ffi.getRawPointer(sent.buffer)
  words[1] = byte
  words[2] = 1n

  function pagesInMemory(file: number, position: number, length: number): number {
    words[3] = BigInt(position)
    words[4] = BigInt(length)
    return functions.syscall(CACHESTAT, BigInt(file), range, counts, 0n, 0n, 0n) === 0n
      ? Number(words[5])
      : -1
  }

  function hasPages(file: number, position: number, length: number): boolean {
    const pages = Math.ceil((position + length) / pageBytes) - Math.floor(position / pageBytes)
    return pagesInMemory(file, position, length) >= pages
  }

  function isFilled(file: number, position: number): boolean {
    return functions.syscall(preadv2, BigInt(file), vector, 1n, BigInt(position), 0n, RWF_NOWAIT) === 1n
  }

  const calls: NativeCalls = {
    sendFile(socket, file, position, length) {
      words[3] = BigInt(position)
      return Number(functions.sendfile(socket, file, range, BigInt(length)))
    },
    sendMore(socket, bytes) {
      // Of a small array, V8 may move what it holds.
      sent.set(bytes)
      return Number(functions.send(socket, sentAt, BigInt(bytes.length), SEND_FLAGS))
    },
    isInMemory(file, position, length) {
      if (!hasPages(file, position, length)) return false
      const end = position + length
      for (let at = position; at < end; at += LOOKED_AT_BYTES) if (!isFilled(file, at)) return false
      return isFilled(file, end - 1)
    },
    isStillInMemory: hasPages,
    readInMemory(file, memory, position) {
      // With RWF_NOWAIT the kernel begins to read what it has not, for which the event loop may wait after all.
      if (!hasPages(file, position, memory.length)) return 0
      words[10] = ffi.getRawPointer(memory)
      words[11] = BigInt(memory.length)
      const count = functions.syscall(preadv2, BigInt(file), target, 1n, BigInt(position), 0n, RWF_NOWAIT)
      return Math.max(0, Number(count))
    },
  }

  // What a newer Node or a stricter sandbox makes of them shows here, and not while a client waits. Whether the kernel
  // tells what it has of a file is the business of that file's system.
  const file = openSync(fileURLToPath(import.meta.url), 'r')
  const nowhere = openSync('/dev/null', 'w')
  try {
    if (calls.sendFile(nowhere, file, 0, 1) !== 1) return new MissingCalls('no sendfile')
    if (pagesInMemory(nowhere, 0, 1) !== 0) return new MissingCalls('no cachestat')
    return isReadWhereAsked(calls, file) ? calls : new MissingCalls('a pointer to other memory')
  } finally {
    closeSync(nowhere)
    closeSync(file)
  }
}

/** Of the first byte of a file, where the kernel tells of that file at all. */
function isReadWhereAsked(calls: NativeCalls, file: number): boolean {
  const wanted = Buffer.alloc(3)
  readSync(file, wanted, 1, 1, 0)
  const found = Buffer.alloc(3)
  return calls.readInMemory(file, found.subarray(1, 2), 0) === 0 || found.equals(wanted)
}
