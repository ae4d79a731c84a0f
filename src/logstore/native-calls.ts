/** System calls of Linux that Node has no function for, through `node:ffi`. */
import { closeSync, openSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** Of descriptors that are open; nothing looks at that. */
export interface NativeCalls {
  /**
   * `sendfile(2)`: hands bytes of a file to a socket without copying them. Returns how many it took; 0 at the end of the
   * file, -1 where it took none: it is full, or has failed.
   */
  sendFile(socket: number, file: number, position: number, length: number): number
  /** `posix_fadvise(2)`, POSIX_FADV_WILLNEED: the kernel begins to read what it has not in memory. */
  willNeed(file: number, position: number, length: number): void
  /** `cachestat(2)`: whether the kernel has all of that in memory. */
  isCached(file: number, position: number, length: number): boolean
}

const WILL_NEED = 3
/** The same on all architectures, since Linux 6.5. */
const CACHESTAT = 451n
const PAGE_BYTES = 4096
/** Those whose C library knows offsets of 64 bits by these names. */
const ARCHITECTURES = ['x64', 'arm64']

let loaded: { readonly calls: NativeCalls | undefined } | undefined

/** Undefined on other systems, with an older Linux or Node, and with `--no-experimental-ffi`. Loaded on first use. */
export function nativeCalls(): NativeCalls | undefined {
  loaded ??= { calls: load() }
  return loaded.calls
}

function load(): NativeCalls | undefined {
  if (process.platform !== 'linux' || !ARCHITECTURES.includes(process.arch)) return undefined
  try {
    const calls = bind()
    return calls !== undefined && work(calls) ? calls : undefined
  } catch {
    // Another version of Node may have another interface, and a sandbox none of it: everything works without.
    return undefined
  }
}

function bind(): NativeCalls | undefined {
  const ffi = withoutWarning(() => process.getBuiltinModule('node:ffi'))
  if (ffi === undefined) return undefined
  const { functions } = ffi.dlopen(null, {
    sendfile: { arguments: ['i32', 'i32', 'pointer', 'u64'], return: 'i64' },
    posix_fadvise: { arguments: ['i32', 'i64', 'i64', 'i32'], return: 'i32' },
    syscall: { arguments: ['i64', 'i64', 'pointer', 'pointer', 'i64'], return: 'i64' },
  })
  // An ArrayBuffer's memory stays where it is, and this one lives as long as the functions that use it.
  const memory = new ArrayBuffer(64)
  const words = new BigUint64Array(memory)
  const offset = ffi.getRawPointer(memory)
  const range = offset
  const counts = offset + 16n
  return {
    sendFile(socket, file, position, length) {
      words[0] = BigInt(position)
      return Number(functions.sendfile(socket, file, offset, BigInt(length)))
    },
    willNeed(file, position, length) {
      functions.posix_fadvise(file, BigInt(position), BigInt(length), WILL_NEED)
    },
    isCached(file, position, length) {
      words[0] = BigInt(position)
      words[1] = BigInt(length)
      if (functions.syscall(CACHESTAT, BigInt(file), range, counts, 0n) !== 0n) return false
      const pages = Math.ceil((position + length) / PAGE_BYTES) - Math.floor(position / PAGE_BYTES)
      return Number(words[2]) >= pages
    },
  }
}

/** What a newer Node or a stricter sandbox makes of them shows here, and not while a client waits. */
function work(calls: NativeCalls): boolean {
  const file = openSync(fileURLToPath(import.meta.url), 'r')
  const nowhere = openSync('/dev/null', 'w')
  try {
    calls.willNeed(file, 0, 1)
    return calls.sendFile(nowhere, file, 0, 1) === 1 && calls.isCached(file, 0, 1)
  } finally {
    closeSync(nowhere)
    closeSync(file)
  }
}

/** Node warns of `node:ffi` once, whoever uses it; that it is looked at before it is used is said above. */
function withoutWarning<T>(load: () => T): T {
  const { emitWarning } = process
  process.emitWarning = () => {}
  try {
    return load()
  } finally {
    process.emitWarning = emitWarning
  }
}
