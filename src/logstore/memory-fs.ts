import { posix } from 'node:path'
import { type Clock, systemClock } from '../base/clock.ts'
import { FileSlice } from '../base/file-slice.ts'
import type { Random } from '../base/random.ts'
import type { File, FileLock, FileStat, FileSystem, FileSystemSpace } from './file-system.ts'
import { MemoryBytes } from './memory-bytes.ts'

interface FileNode {
  readonly kind: 'file'
  readonly bytes: MemoryBytes
  modifiedMs: number
}

interface DirectoryNode {
  readonly kind: 'directory'
  /** Names as the process sees them. */
  entries: Map<string, Node>
  /** Names as of the last sync of the directory. */
  durable: Map<string, Node>
  /** Changes since then, oldest first; each is atomic (a rename is two names in one). */
  unsynced: (readonly (readonly [string, Node | undefined])[])[]
}

type Node = FileNode | DirectoryNode

/** A disk's journal commits names by itself after a while; it also bounds what a process that never syncs can pile up. */
const MAX_UNSYNCED_NAMES = 4096
/** Of a disk that is never full: what bounds it is the memory of the machine. */
const SPACE_BYTES = 2 ** 40
/** What a name costs of a bounded disk, so that one that is full has no room for another file either. */
const NAME_BYTES = 128

/**
 * A disk in memory, for brokers that keep nothing and for tests. It behaves as a POSIX file system: an open file can
 * be read after its name is gone, and rename replaces. `crash` forgets what was not synced, bytes and names alike;
 * `kill` ends the process alone, so that all that was written stays. After either, files opened before fail with
 * EBADF and locks are free. With `capacityBytes` it fills up: a write that does not fit leaves what does, and fails.
 */
export class MemoryFileSystem implements FileSystem {
  /** May change at any time; unbounded unless set. What is removed gives its room back at once. */
  capacityBytes: number | undefined
  readonly #clock: Clock
  readonly #root: DirectoryNode = newDirectory()
  readonly #locks = new Set<string>()
  #generation = 0

  constructor(clock: Clock = systemClock) {
    this.#clock = clock
  }

  /**
   * The machine loses power. Without `random` all that was not synced is gone; with it, any part of the bytes may have
   * survived, sector by sector, and of the names of each directory the changes up to some point.
   */
  crash(random?: Random): void {
    this.kill()
    crashDirectory(this.#root, random)
  }

  kill(): void {
    this.#generation++
    this.#locks.clear()
  }

  open(path: string, mode: 'read' | 'write' | 'create'): File {
    const { parent, name } = this.#parentOf(path)
    let node = parent.entries.get(name)
    if (node === undefined) {
      if (mode === 'read') throw failure('ENOENT', 'no such file or directory', path)
      this.#checkRoomForName(path)
      node = { kind: 'file', bytes: new MemoryBytes(), modifiedMs: this.#clock.now() }
      change(parent, [[name, node]])
    }
    if (node.kind === 'directory') throw failure('EISDIR', 'illegal operation on a directory', path)
    const room = () => this.#usableBytes()
    const file = new MemoryFile(path, node, mode !== 'read', this.#clock, this.#alive(), room)
    if (mode === 'create') file.truncate(0)
    return file
  }

  exists(path: string): boolean {
    return this.#find(path) !== undefined
  }

  stat(path: string): FileStat {
    const node = this.#get(path)
    if (node.kind === 'directory') return { size: 0, isDirectory: true, modifiedMs: 0 }
    return { size: node.bytes.size, isDirectory: false, modifiedMs: node.modifiedMs }
  }

  readDirectory(path: string): string[] {
    return [...this.#getDirectory(path).entries.keys()].sort()
  }

  makeDirectory(path: string): void {
    let directory = this.#root
    for (const name of parts(path)) {
      let child = directory.entries.get(name)
      if (child === undefined) {
        this.#checkRoomForName(path)
        child = newDirectory()
        change(directory, [[name, child]])
      }
      if (child.kind === 'file') throw failure('ENOTDIR', 'not a directory', path)
      directory = child
    }
  }

  rename(from: string, to: string): void {
    const source = this.#parentOf(from)
    const node = source.parent.entries.get(source.name)
    if (node === undefined) throw failure('ENOENT', 'no such file or directory', from)
    const target = this.#parentOf(to)
    const replaced = target.parent.entries.get(target.name)
    if (replaced === node) return
    if (replaced?.kind === 'directory' && (node.kind === 'file' || replaced.entries.size > 0))
      throw failure('ENOTEMPTY', 'directory not empty', to)
    if (replaced?.kind === 'file' && node.kind === 'directory')
      throw failure('ENOTDIR', 'not a directory', to)
    if (source.parent === target.parent) {
      change(source.parent, [
        [source.name, undefined],
        [target.name, node],
      ])
    } else {
      change(target.parent, [[target.name, node]])
      change(source.parent, [[source.name, undefined]])
    }
  }

  setModified(path: string, modifiedMs: number): void {
    const node = this.#get(path)
    if (node.kind === 'file') node.modifiedMs = modifiedMs
  }

  removeFile(path: string): void {
    const { parent, name } = this.#parentOf(path)
    const node = parent.entries.get(name)
    if (node === undefined) throw failure('ENOENT', 'no such file or directory', path)
    if (node.kind === 'directory') throw failure('EPERM', 'operation not permitted', path)
    change(parent, [[name, undefined]])
  }

  removeDirectory(path: string): void {
    const node = this.#find(path)
    if (node === undefined) return
    if (node.kind === 'file') throw failure('ENOTDIR', 'not a directory', path)
    const { parent, name } = this.#parentOf(path)
    empty(node)
    change(parent, [[name, undefined]])
  }

  async removeFileAsync(path: string): Promise<void> {
    this.removeFile(path)
  }

  async removeDirectoryAsync(path: string): Promise<void> {
    this.removeDirectory(path)
  }

  syncDirectory(path: string): void {
    const directory = this.#getDirectory(path)
    directory.durable = new Map(directory.entries)
    directory.unsynced = []
  }

  async syncDirectoryAsync(path: string): Promise<void> {
    const directory = this.#getDirectory(path)
    const alive = this.#alive()
    const pending = new Set(directory.unsynced)
    await Promise.resolve()
    if (!alive()) throw failure('EBADF', 'the machine went down', path)
    const synced = directory.unsynced.filter((names) => pending.has(names))
    for (const names of synced) apply(directory.durable, names)
    directory.unsynced.splice(0, synced.length)
  }

  space(path: string): FileSystemSpace {
    this.#get(path)
    const totalBytes = this.capacityBytes ?? SPACE_BYTES
    return { totalBytes, usableBytes: Math.min(totalBytes, this.#usableBytes()) }
  }

  lock(path: string): FileLock | undefined {
    this.open(path, 'write').close()
    const key = parts(path).join('/')
    if (this.#locks.has(key)) return undefined
    this.#locks.add(key)
    const alive = this.#alive()
    let held = true
    return {
      release: () => {
        if (held && alive()) this.#locks.delete(key)
        held = false
      },
    }
  }

  #alive(): () => boolean {
    const generation = this.#generation
    return () => generation === this.#generation
  }

  #usableBytes(): number {
    if (this.capacityBytes === undefined) return Number.POSITIVE_INFINITY
    return Math.max(0, this.capacityBytes - usedBytes(this.#root))
  }

  #checkRoomForName(path: string): void {
    if (this.#usableBytes() < NAME_BYTES) throw failure('ENOSPC', 'no space left on device', path)
  }

  #find(path: string): Node | undefined {
    let node: Node | undefined = this.#root
    for (const name of parts(path)) {
      if (node?.kind !== 'directory') return undefined
      node = node.entries.get(name)
    }
    return node
  }

  #get(path: string): Node {
    const node = this.#find(path)
    if (node === undefined) throw failure('ENOENT', 'no such file or directory', path)
    return node
  }

  #getDirectory(path: string): DirectoryNode {
    const node = this.#get(path)
    if (node.kind === 'file') throw failure('ENOTDIR', 'not a directory', path)
    return node
  }

  #parentOf(path: string): { parent: DirectoryNode; name: string } {
    const names = parts(path)
    const name = names.pop()
    if (name === undefined) throw failure('EBUSY', 'the root has no name', path)
    return { parent: this.#getDirectory(names.join('/')), name }
  }
}

class MemoryFile implements File {
  readonly path: string
  readonly #node: FileNode
  readonly #writable: boolean
  readonly #clock: Clock
  readonly #alive: () => boolean
  readonly #usableBytes: () => number
  #closed = false

  constructor(
    path: string,
    node: FileNode,
    writable: boolean,
    clock: Clock,
    alive: () => boolean,
    usableBytes: () => number,
  ) {
    this.path = path
    this.#node = node
    this.#writable = writable
    this.#clock = clock
    this.#alive = alive
    this.#usableBytes = usableBytes
  }

  size(): number {
    return this.#bytes().size
  }

  read(target: Uint8Array, offset: number, length: number, position: number): number {
    return this.#bytes().read(target, offset, length, position)
  }

  /** Reads when it completes, not when it is called, as a thread pool would: what changes meanwhile shows. */
  async readAsync(target: Uint8Array, offset: number, length: number, position: number): Promise<number> {
    const bytes = this.#bytes()
    await Promise.resolve()
    if (!this.#alive()) throw failure('EBADF', 'the machine went down', this.path)
    return bytes.read(target, offset, length, position)
  }

  slice(position: number, length: number, next: Buffer): FileSlice | undefined {
    if (this.read(next, 0, next.length, position + length) < next.length) return undefined
    return new MemorySlice(this.path, this.#node, this.#alive, position, length)
  }

  write(buffers: readonly Uint8Array[], position: number): void {
    const bytes = this.#writableBytes()
    // What is written over what is there needs no room.
    const end = Math.max(bytes.size, position) + this.#usableBytes()
    let at = position
    for (const buffer of buffers) {
      const fits = Math.min(buffer.length, end - at)
      bytes.write(fits === buffer.length ? buffer : buffer.subarray(0, fits), at)
      if (fits < buffer.length) throw failure('ENOSPC', 'no space left on device', this.path)
      at += buffer.length
    }
  }

  truncate(size: number): void {
    this.#writableBytes().truncate(size)
  }

  sync(): void {
    this.#bytes().beginSync()()
  }

  async syncAsync(): Promise<void> {
    const complete = this.#bytes().beginSync()
    await Promise.resolve()
    if (!this.#alive()) throw failure('EBADF', 'the machine went down', this.path)
    complete()
  }

  close(): void {
    this.#closed = true
  }

  #bytes(): MemoryBytes {
    if (this.#closed || !this.#alive()) throw failure('EBADF', 'bad file descriptor', this.path)
    return this.#node.bytes
  }

  #writableBytes(): MemoryBytes {
    const bytes = this.#bytes()
    if (!this.#writable) throw failure('EBADF', 'file is open for reading', this.path)
    this.#node.modifiedMs = this.#clock.now()
    return bytes
  }
}

/** No socket takes bytes from it: they are read. As on a disk, its file may be closed or removed meanwhile. */
class MemorySlice extends FileSlice {
  readonly #path: string
  readonly #node: FileNode
  readonly #alive: () => boolean
  #position: number
  #length: number

  constructor(path: string, node: FileNode, alive: () => boolean, position: number, length: number) {
    super()
    this.#path = path
    this.#node = node
    this.#alive = alive
    this.#position = position
    this.#length = length
  }

  get length(): number {
    return this.#length
  }

  sendTo(): undefined {}

  async read(target: Buffer): Promise<void> {
    await Promise.resolve()
    if (!this.#alive()) throw failure('EBADF', 'the machine went down', this.#path)
    const count = this.#node.bytes.read(target, 0, target.length, this.#position)
    if (count < target.length) throw failure('EIO', `file ends at ${this.#position + count}`, this.#path)
    this.#position += count
    this.#length -= count
  }

  release(): void {}
}

function usedBytes(directory: DirectoryNode): number {
  let used = 0
  for (const node of directory.entries.values())
    used += NAME_BYTES + (node.kind === 'directory' ? usedBytes(node) : node.bytes.size)
  return used
}

function newDirectory(): DirectoryNode {
  return { kind: 'directory', entries: new Map(), durable: new Map(), unsynced: [] }
}

function change(directory: DirectoryNode, names: readonly (readonly [string, Node | undefined])[]): void {
  apply(directory.entries, names)
  directory.unsynced.push(names)
  if (directory.unsynced.length > MAX_UNSYNCED_NAMES) {
    for (const old of directory.unsynced.splice(0, MAX_UNSYNCED_NAMES / 2)) apply(directory.durable, old)
  }
}

function apply(entries: Map<string, Node>, names: readonly (readonly [string, Node | undefined])[]): void {
  for (const [name, node] of names) {
    if (node === undefined) entries.delete(name)
    else entries.set(name, node)
  }
}

function empty(directory: DirectoryNode): void {
  for (const [name, node] of directory.entries) {
    if (node.kind === 'directory') empty(node)
    change(directory, [[name, undefined]])
  }
}

function crashDirectory(directory: DirectoryNode, random: Random | undefined): void {
  const surviving =
    random === undefined ? 0 : random.bytes(4).readUInt32LE() % (directory.unsynced.length + 1)
  const entries = new Map(directory.durable)
  for (const names of directory.unsynced.slice(0, surviving)) apply(entries, names)
  directory.entries = entries
  directory.durable = new Map(entries)
  directory.unsynced = []
  for (const node of entries.values()) {
    if (node.kind === 'directory') crashDirectory(node, random)
    else node.bytes.crash(random)
  }
}

/** The names along a path; a relative one starts at the root, which stands for the working directory. */
function parts(path: string): string[] {
  return posix
    .normalize(path)
    .split('/')
    .filter((name) => name !== '' && name !== '.')
}

function failure(code: string, what: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${what}, '${path}'`), { code, path })
}
