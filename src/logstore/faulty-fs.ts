import { FileSlice } from '../base/file-slice.ts'
import type { File, FileLock, FileStat, FileSystem, FileSystemSpace } from './file-system.ts'

/** `create` is any opening for writing, `open` one for reading. */
export type FileOperation =
  | 'open'
  | 'create'
  | 'stat'
  | 'readDirectory'
  | 'makeDirectory'
  | 'rename'
  | 'setModified'
  | 'removeFile'
  | 'removeDirectory'
  | 'syncDirectory'
  | 'lock'
  | 'size'
  | 'read'
  | 'write'
  | 'truncate'
  | 'sync'

/** The operations that change what a later start finds. */
export const CHANGING_OPERATIONS: readonly FileOperation[] = [
  'create',
  'makeDirectory',
  'rename',
  'setModified',
  'removeFile',
  'removeDirectory',
  'write',
  'truncate',
  'sync',
  'syncDirectory',
]

export interface Fault {
  /** All when absent. */
  readonly operations?: readonly FileOperation[]
  /** All paths when absent. */
  readonly path?: RegExp
  /** Matching calls that go well before the first that fails; none when absent. */
  readonly after?: number
  /** Calls that fail; all from then on when absent. */
  readonly times?: number
  /** The error's code; absent for a fault that only delays. */
  readonly code?: 'ENOSPC' | 'EIO' | 'EROFS' | 'EACCES' | 'EMFILE' | 'ENOENT'
  /** Of a failing write, how many bytes still reach the file. */
  readonly partialBytes?: number
  /** Asynchronous reads and syncs wait for this first. */
  readonly until?: Promise<void>
}

export interface InjectedFault {
  /** Matching calls so far, those that went well included. */
  readonly calls: number
  remove(): void
}

class ActiveFault implements InjectedFault {
  readonly fault: Fault
  readonly #faults: Set<ActiveFault>
  calls = 0

  constructor(fault: Fault, faults: Set<ActiveFault>) {
    this.fault = fault
    this.#faults = faults
  }

  remove(): void {
    this.#faults.delete(this)
  }

  /** Counts the call, and tells whether the fault strikes it. */
  strikes(operation: FileOperation, path: string): boolean {
    const { operations, path: pattern, after = 0, times = Number.POSITIVE_INFINITY } = this.fault
    if (operations !== undefined && !operations.includes(operation)) return false
    if (pattern !== undefined && !pattern.test(path)) return false
    const call = this.calls++
    return call >= after && call < after + times
  }
}

/** Another file system on which chosen operations fail or wait. Without faults it changes nothing. */
export class FaultyFileSystem implements FileSystem {
  readonly #inner: FileSystem
  readonly #faults = new Set<ActiveFault>()

  constructor(inner: FileSystem) {
    this.#inner = inner
  }

  inject(fault: Fault): InjectedFault {
    const active = new ActiveFault(fault, this.#faults)
    this.#faults.add(active)
    return active
  }

  clearFaults(): void {
    this.#faults.clear()
  }

  open(path: string, mode: 'read' | 'write' | 'create'): File {
    this.#check(mode === 'read' ? 'open' : 'create', path)
    const file = this.#inner.open(path, mode)
    return new FaultyFile(
      file,
      (operation) => this.#strike(operation, path),
      (operation) => this.#check(operation, path),
    )
  }

  exists(path: string): boolean {
    return this.#inner.exists(path)
  }

  stat(path: string): FileStat {
    this.#check('stat', path)
    return this.#inner.stat(path)
  }

  readDirectory(path: string): string[] {
    this.#check('readDirectory', path)
    return this.#inner.readDirectory(path)
  }

  makeDirectory(path: string): void {
    this.#check('makeDirectory', path)
    this.#inner.makeDirectory(path)
  }

  rename(from: string, to: string): void {
    this.#check('rename', from)
    this.#inner.rename(from, to)
  }

  setModified(path: string, modifiedMs: number): void {
    this.#check('setModified', path)
    this.#inner.setModified(path, modifiedMs)
  }

  removeFile(path: string): void {
    this.#check('removeFile', path)
    this.#inner.removeFile(path)
  }

  removeDirectory(path: string): void {
    this.#check('removeDirectory', path)
    this.#inner.removeDirectory(path)
  }

  async removeFileAsync(path: string): Promise<void> {
    this.#check('removeFile', path)
    return this.#inner.removeFileAsync(path)
  }

  async removeDirectoryAsync(path: string): Promise<void> {
    this.#check('removeDirectory', path)
    return this.#inner.removeDirectoryAsync(path)
  }

  syncDirectory(path: string): void {
    this.#check('syncDirectory', path)
    this.#inner.syncDirectory(path)
  }

  async syncDirectoryAsync(path: string): Promise<void> {
    const fault = this.#strike('syncDirectory', path)
    if (fault?.until !== undefined) await fault.until
    raise(fault, 'syncDirectory', path)
    return this.#inner.syncDirectoryAsync(path)
  }

  space(path: string): FileSystemSpace {
    this.#check('stat', path)
    return this.#inner.space(path)
  }

  lock(path: string): FileLock | undefined {
    this.#check('lock', path)
    return this.#inner.lock(path)
  }

  #strike(operation: FileOperation, path: string): Fault | undefined {
    for (const active of this.#faults) {
      if (active.strikes(operation, path)) return active.fault
    }
    return undefined
  }

  #check(operation: FileOperation, path: string): void {
    raise(this.#strike(operation, path), operation, path)
  }
}

class FaultyFile implements File {
  readonly #inner: File
  readonly #strike: (operation: FileOperation) => Fault | undefined
  readonly #check: (operation: FileOperation) => void
  #delayed = 0
  #closed = false

  constructor(
    inner: File,
    strike: (operation: FileOperation) => Fault | undefined,
    check: (operation: FileOperation) => void,
  ) {
    this.#inner = inner
    this.#strike = strike
    this.#check = check
  }

  get path(): string {
    return this.#inner.path
  }

  size(): number {
    this.#check('size')
    return this.#inner.size()
  }

  read(target: Uint8Array, offset: number, length: number, position: number): number {
    this.#check('read')
    return this.#inner.read(target, offset, length, position)
  }

  async readAsync(target: Uint8Array, offset: number, length: number, position: number): Promise<number> {
    const fault = this.#strike('read')
    if (fault?.until !== undefined) await this.#delay(fault.until)
    raise(fault, 'read', this.path)
    return this.#inner.readAsync(target, offset, length, position)
  }

  slice(position: number, length: number, next: Buffer): FileSlice | undefined {
    this.#check('read')
    const slice = this.#inner.slice(position, length, next)
    return slice && new GuardedSlice(slice, () => this.#check('read'))
  }

  write(buffers: readonly Uint8Array[], position: number): void {
    const fault = this.#strike('write')
    let left = fault?.code === undefined ? 0 : (fault.partialBytes ?? 0)
    let at = position
    for (const buffer of left > 0 ? buffers : []) {
      const part = buffer.subarray(0, left)
      this.#inner.write([part], at)
      at += part.length
      left -= part.length
    }
    raise(fault, 'write', this.path)
    this.#inner.write(buffers, position)
  }

  truncate(size: number): void {
    this.#check('truncate')
    this.#inner.truncate(size)
  }

  sync(): void {
    this.#check('sync')
    this.#inner.sync()
  }

  async syncAsync(): Promise<void> {
    const fault = this.#strike('sync')
    if (fault?.until !== undefined) await this.#delay(fault.until)
    raise(fault, 'sync', this.path)
    return this.#inner.syncAsync()
  }

  close(): void {
    this.#closed = true
    if (this.#delayed === 0) this.#inner.close()
  }

  /** As on a real disk, a call under way outlives the closing of its file. */
  async #delay(until: Promise<void>): Promise<void> {
    this.#delayed++
    await until
    this.#delayed--
    // The call that waited starts in this turn; the file is closed after it.
    if (this.#closed && this.#delayed === 0) queueMicrotask(() => queueMicrotask(() => this.#inner.close()))
  }
}

/** A slice that is read, each time after `guard`, which may take its time or fail. */
export class GuardedSlice extends FileSlice {
  readonly #inner: FileSlice
  readonly #guard: () => void | Promise<void>

  constructor(inner: FileSlice, guard: () => void | Promise<void>) {
    super()
    this.#inner = inner
    this.#guard = guard
  }

  get length(): number {
    return this.#inner.length
  }

  sendTo(): undefined {}

  async read(target: Buffer): Promise<void> {
    await this.#guard()
    return this.#inner.read(target)
  }

  release(): void {
    this.#inner.release()
  }
}

function raise(fault: Fault | undefined, operation: FileOperation, path: string): void {
  if (fault?.code === undefined) return
  throw Object.assign(new Error(`${fault.code}: injected, ${operation} '${path}'`), {
    code: fault.code,
    path,
  })
}
