import type { Clock } from '../../base/clock.ts'
import type { FileSlice } from '../../base/file-slice.ts'
import { GuardedSlice } from '../../logstore/faulty-fs.ts'
import type { File, FileLock, FileStat, FileSystem, FileSystemSpace } from '../../logstore/file-system.ts'
import type { SeededRandom } from '../seeded-random.ts'

export interface ProcessFilesOptions {
  readonly fs: FileSystem
  readonly clock: Clock
  readonly random: SeededRandom
  /** What to do in the middle of the operation that `dieAt` chose. */
  readonly die: () => void
}

/** How long the device takes, where it is waited for. */
const MAX_DEVICE_MS = 4

/**
 * A disk as one process sees it: reads and syncs in the background take their time, and after the death of the process
 * it changes nothing any more. The death may come before any operation that changes something.
 */
export class ProcessFiles implements FileSystem {
  readonly #options: ProcessFilesOptions
  readonly #fs: FileSystem
  #isAlive = true
  #changesLeft = Number.POSITIVE_INFINITY
  /** Handles that are not closed. */
  openFiles = 0

  constructor(options: ProcessFilesOptions) {
    this.#options = options
    this.#fs = options.fs
  }

  /** The process dies at the operation after so many that change something. */
  dieAt(changes: number): void {
    this.#changesLeft = changes
  }

  kill(): void {
    this.#isAlive = false
  }

  open(path: string, mode: 'read' | 'write' | 'create'): File {
    this.check()
    if (mode !== 'read') this.changing()
    const file = this.#fs.open(path, mode)
    this.openFiles++
    return new ProcessFile(file, this)
  }

  exists(path: string): boolean {
    this.check()
    return this.#fs.exists(path)
  }

  stat(path: string): FileStat {
    this.check()
    return this.#fs.stat(path)
  }

  readDirectory(path: string): string[] {
    this.check()
    return this.#fs.readDirectory(path)
  }

  makeDirectory(path: string): void {
    this.changing()
    this.#fs.makeDirectory(path)
  }

  rename(from: string, to: string): void {
    this.changing()
    this.#fs.rename(from, to)
  }

  setModified(path: string, modifiedMs: number): void {
    this.changing()
    this.#fs.setModified(path, modifiedMs)
  }

  removeFile(path: string): void {
    this.changing()
    this.#fs.removeFile(path)
  }

  removeDirectory(path: string): void {
    this.changing()
    this.#fs.removeDirectory(path)
  }

  async removeFileAsync(path: string): Promise<void> {
    this.changing()
    return this.#fs.removeFileAsync(path)
  }

  async removeDirectoryAsync(path: string): Promise<void> {
    this.changing()
    return this.#fs.removeDirectoryAsync(path)
  }

  syncDirectory(path: string): void {
    this.changing()
    this.#fs.syncDirectory(path)
  }

  async syncDirectoryAsync(path: string): Promise<void> {
    this.changing()
    await this.device()
    return this.#fs.syncDirectoryAsync(path)
  }

  space(path: string): FileSystemSpace {
    this.check()
    return this.#fs.space(path)
  }

  lock(path: string): FileLock | undefined {
    this.check()
    return this.#fs.lock(path)
  }

  check(): void {
    if (!this.#isAlive) throw dead()
  }

  changing(): void {
    this.check()
    if (this.#changesLeft-- > 0) return
    this.#options.die()
    throw dead()
  }

  /** Until the device has done it; for ever where the process dies meanwhile. */
  async device(): Promise<void> {
    const { clock, random } = this.#options
    const { promise, resolve } = Promise.withResolvers<void>()
    clock.setTimer(random.float() * MAX_DEVICE_MS, resolve)
    await promise
  }
}

class ProcessFile implements File {
  readonly #file: File
  readonly #files: ProcessFiles
  #isClosed = false
  #underWay = 0

  constructor(file: File, files: ProcessFiles) {
    this.#file = file
    this.#files = files
  }

  get path(): string {
    return this.#file.path
  }

  size(): number {
    this.#files.check()
    return this.#file.size()
  }

  read(target: Uint8Array, offset: number, length: number, position: number): number {
    this.#files.check()
    return this.#file.read(target, offset, length, position)
  }

  readAsync(target: Uint8Array, offset: number, length: number, position: number): Promise<number> {
    return this.#meanwhile(() => this.#file.readAsync(target, offset, length, position))
  }

  slice(position: number, length: number, next: Buffer): FileSlice | undefined {
    this.#files.check()
    const slice = this.#file.slice(position, length, next)
    return (
      slice &&
      new GuardedSlice(slice, () => {
        this.#files.check()
        return this.#files.device()
      })
    )
  }

  write(buffers: readonly Uint8Array[], position: number): void {
    this.#files.changing()
    this.#file.write(buffers, position)
  }

  truncate(size: number): void {
    this.#files.changing()
    this.#file.truncate(size)
  }

  sync(): void {
    this.#files.changing()
    this.#file.sync()
  }

  syncAsync(): Promise<void> {
    this.#files.changing()
    return this.#meanwhile(() => this.#file.syncAsync())
  }

  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#files.openFiles--
    if (this.#underWay === 0) this.#file.close()
  }

  /** As on a real disk, what is under way outlives the closing of its file. */
  async #meanwhile<T>(operation: () => Promise<T>): Promise<T> {
    this.#files.check()
    this.#underWay++
    await this.#files.device()
    try {
      return await operation()
    } finally {
      this.#underWay--
      if (this.#isClosed && this.#underWay === 0) this.#file.close()
    }
  }
}

function dead(): Error {
  return Object.assign(new Error('EIO: the process is dead'), { code: 'EIO' })
}
