import type { Socket } from 'node:net'
import { type Ffi, loadFfi } from '../base/ffi.ts'
import { descriptorOf } from './descriptor.ts'

const IPPROTO_TCP = 6
const TCP_CONGESTION = 13
/** TCP_CA_NAME_MAX */
const NAME_BYTES = 16
/** BBR of any version. Others are only paced where the network interface does it; the loopback interface does not. */
const PACED = 'bbr'
/** Every kernel has it, and lets everyone use it unless its administrator has said otherwise. */
const UNPACED = 'reno'

/**
 * Lets connections within this machine send as fast as their peers read. With BBR as congestion control, the kernel spreads
 * over time what is sent, by a timer for every few packets, even when none of them leaves the machine: half of the CPU time
 * of a large answer (docs/performance.md). With any other, and but on Linux, nothing is changed.
 */
export class Unpaced {
  readonly #paced: string
  #change: ((descriptor: number) => void) | undefined

  /** Congestion controls whose names begin with `paced` are changed. */
  constructor(paced = PACED) {
    this.#paced = paced
  }

  /** For a connection whose two ends have the same address. */
  add(socket: Socket): void {
    const descriptor = descriptorOf(socket)
    if (descriptor === undefined) return
    this.#change ??= load(this.#paced)
    this.#change(descriptor)
  }
}

function load(paced: string): (descriptor: number) => void {
  const ffi = process.platform === 'linux' ? loadFfi() : undefined
  try {
    if (ffi !== undefined) return bind(ffi, paced)
  } catch {
    // Another node:ffi than is known.
  }
  // Connections work as they did.
  return () => {}
}

function bind(ffi: Ffi, paced: string): (descriptor: number) => void {
  const { functions } = ffi.dlopen(null, {
    getsockopt: { arguments: ['i32', 'i32', 'i32', 'pointer', 'pointer'], return: 'i32' },
    setsockopt: { arguments: ['i32', 'i32', 'i32', 'pointer', 'u32'], return: 'i32' },
  })
  // An ArrayBuffer's memory stays where it is, and these live as long as the function that has them.
  const found = Buffer.from(new ArrayBuffer(NAME_BYTES))
  const length = new Uint32Array(1)
  const name = Buffer.from(new ArrayBuffer(UNPACED.length))
  name.write(UNPACED, 'latin1')
  const foundAt = ffi.getRawPointer(found.buffer)
  const lengthAt = ffi.getRawPointer(length.buffer)
  const nameAt = ffi.getRawPointer(name.buffer)
  return (descriptor) => {
    length[0] = NAME_BYTES
    if (functions.getsockopt(descriptor, IPPROTO_TCP, TCP_CONGESTION, foundAt, lengthAt) !== 0) return
    // Where the kernel refuses, the connection works as it did.
    if (found.toString('latin1', 0, length[0]).startsWith(paced))
      functions.setsockopt(descriptor, IPPROTO_TCP, TCP_CONGESTION, nameAt, name.length)
  }
}
