import type { Socket } from 'node:net'
import { type Ffi, loadFfi } from '../base/ffi.ts'
import { descriptorOf } from './descriptor.ts'

const AF_INET = 2
/** With SOCK_CLOEXEC. */
const SOCK_STREAM = 1 | 0o2000000
const IPPROTO_TCP = 6
const TCP_CONGESTION = 13
/** TCP_CA_NAME_MAX */
const NAME_BYTES = 16
/** BBR of any version. Others are only paced where the network interface does it; the loopback interface does not. */
const PACED = 'bbr'
/** Every kernel has it, and lets everyone use it unless its administrator has said otherwise. */
const UNPACED = 'reno'

/** Of sockets, by their descriptors. */
export interface CongestionControl {
  get(descriptor: number): string | undefined
  set(descriptor: number, name: string): void
  /** Whether the kernel lets this process give one name to a socket, and then the other. */
  takes(first: string, second: string): boolean
}

/**
 * Lets connections within this machine send as fast as their peers read. With BBR as congestion control, the kernel spreads
 * over time what is sent, by a timer for every few packets, even when none of them leaves the machine: half of the CPU time
 * of a large answer (docs/performance.md). A connection that has begun with it is paced by the kernel ever after, whatever
 * it is changed to, so that connections begin without, and those over a network get it back at once. With any other
 * congestion control, and but on Linux, nothing is changed.
 */
export class Unpaced {
  readonly #paced: string
  #control: CongestionControl | undefined
  /** What connections over a network get back. */
  #usual: string | undefined

  /** Congestion controls whose names begin with `paced` are changed; `control` is the system's when left out. */
  constructor(paced = PACED, control?: CongestionControl) {
    this.#paced = paced
    this.#control = control
  }

  /** For a socket that listens: connections begin with what it has. */
  listens(socket: { readonly descriptor?: number | undefined }): void {
    const { descriptor } = socket
    if (descriptor === undefined) return
    this.#control ??= load()
    const usual = this.#control.get(descriptor)
    // Where the kernel would not give it back, it is kept.
    if (usual?.startsWith(this.#paced) !== true || !this.#control.takes(UNPACED, usual)) return
    this.#control.set(descriptor, UNPACED)
    this.#usual = usual
  }

  /** For a connection that was accepted. One stays within the machine whose two ends have the same address. */
  accepted(socket: Socket, staysWithin: boolean): void {
    // From here on only where a socket that listens has been changed.
    if (this.#usual === undefined || this.#control === undefined) return
    const descriptor = descriptorOf(socket)
    if (descriptor === undefined) return
    // What a route has of its own stays. One within the machine that has the usual one came before the other call.
    const [from, to] = staysWithin ? [this.#usual, UNPACED] : [UNPACED, this.#usual]
    if (this.#control.get(descriptor) === from) this.#control.set(descriptor, to)
  }
}

function load(): CongestionControl {
  try {
    const ffi = process.platform === 'linux' ? loadFfi() : undefined
    if (ffi !== undefined) return bind(ffi)
  } catch {
    // Another node:ffi than is known.
  }
  // Connections work as they did.
  return { get: () => undefined, set: () => {}, takes: () => false }
}

function bind(ffi: Ffi): CongestionControl {
  const { functions } = ffi.dlopen(null, {
    socket: { arguments: ['i32', 'i32', 'i32'], return: 'i32' },
    close: { arguments: ['i32'], return: 'i32' },
    getsockopt: { arguments: ['i32', 'i32', 'i32', 'pointer', 'pointer'], return: 'i32' },
    setsockopt: { arguments: ['i32', 'i32', 'i32', 'pointer', 'u32'], return: 'i32' },
  })
  // An ArrayBuffer's memory stays where it is, and these live as long as the functions that have them.
  const name = Buffer.from(new ArrayBuffer(NAME_BYTES))
  const length = new Uint32Array(1)
  const nameAt = ffi.getRawPointer(name.buffer)
  const lengthAt = ffi.getRawPointer(length.buffer)
  function set(descriptor: number, wanted: string): boolean {
    const bytes = name.write(wanted, 'latin1')
    return functions.setsockopt(descriptor, IPPROTO_TCP, TCP_CONGESTION, nameAt, bytes) === 0
  }
  return {
    get(descriptor) {
      length[0] = NAME_BYTES
      if (functions.getsockopt(descriptor, IPPROTO_TCP, TCP_CONGESTION, nameAt, lengthAt) !== 0)
        return undefined
      return name.toString('latin1', 0, length[0]).replace(/\0.*/s, '')
    },
    set,
    takes(first, second) {
      const socket = functions.socket(AF_INET, SOCK_STREAM, 0)
      if (socket < 0) return false
      try {
        return set(socket, first) && set(socket, second)
      } finally {
        functions.close(socket)
      }
    },
  }
}
