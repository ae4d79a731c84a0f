import {
  closeSync,
  constants,
  existsSync,
  fdatasync,
  fdatasyncSync,
  fstatSync,
  fsync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  read,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statfsSync,
  statSync,
  unlinkSync,
  utimesSync,
  writeSync,
  writevSync,
} from 'node:fs'
import { rm, unlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import type { FileSlice } from '../base/file-slice.ts'
import type { File, FileLock, FileStat, FileSystem, FileSystemSpace } from './file-system.ts'
import { nativeCalls } from './native-calls.ts'
import { type Look, NodeFileSlice, type SlicedFile } from './node-file-slice.ts'

const LIMITS_FILE = '/proc/self/limits'
const SHARE_OF_OPEN_FILES = 0.6
const DEFAULT_MAX_OPEN_FILES = 1000
/** Where there is hardly a limit: what a file costs the kernel is bounded too. */
const MOST_OPEN_FILES = 20_000

/** By what the kernel tells of the limits of a process, in the file at `path`; undefined where there is no such file. */
export function openFilesOf(path: string): number | undefined {
  if (!existsSync(path)) return undefined
  const limit = /^Max open files +(\d+|unlimited) /m.exec(readFileSync(path, 'utf8'))?.[1]
  if (limit === undefined) return undefined
  if (limit === 'unlimited') return MOST_OPEN_FILES
  return Math.min(MOST_OPEN_FILES, Math.floor(Number(limit) * SHARE_OF_OPEN_FILES))
}

/** The disk of the machine, through Node. */
export class NodeFileSystem implements FileSystem {
  /** Six tenths of what the process may have, so that sockets have the rest; known on Linux only. */
  get maxOpenFiles(): number {
    return openFilesOf(LIMITS_FILE) ?? DEFAULT_MAX_OPEN_FILES
  }

  open(path: string, mode: 'read' | 'write' | 'create'): File {
    return new NodeFile(path, openSync(path, OPEN_FLAGS[mode], 0o644), mode !== 'read')
  }

  exists(path: string): boolean {
    return existsSync(path)
  }

  stat(path: string): FileStat {
    const stat = statSync(path)
    return { size: stat.size, isDirectory: stat.isDirectory(), modifiedMs: stat.mtimeMs }
  }

  readDirectory(path: string): string[] {
    return readdirSync(path).sort()
  }

  makeDirectory(path: string): void {
    mkdirSync(path, { recursive: true })
  }

  rename(from: string, to: string): void {
    renameSync(from, to)
  }

  setModified(path: string, modifiedMs: number): void {
    utimesSync(path, modifiedMs / 1000, modifiedMs / 1000)
  }

  removeFile(path: string): void {
    unlinkSync(path)
  }

  removeFileAsync(path: string): Promise<void> {
    return unlink(path)
  }

  removeDirectory(path: string): void {
    rmSync(path, { recursive: true, force: true })
  }

  removeDirectoryAsync(path: string): Promise<void> {
    return rm(path, { recursive: true, force: true })
  }

  syncDirectory(path: string): void {
    // Windows can't open a directory for syncing and needs none: NTFS journals names. Kafka's Utils.flushDir does the same.
    if (process.platform === 'win32') return
    const handle = openSync(path, 'r')
    try {
      fsyncSync(handle)
    } finally {
      closeSync(handle)
    }
  }

  async syncDirectoryAsync(path: string): Promise<void> {
    if (process.platform === 'win32') return
    const handle = openSync(path, 'r')
    return new Promise((resolve, reject) => {
      fsync(handle, (error) => {
        closeSync(handle)
        if (error) reject(named(error, path))
        else resolve()
      })
    })
  }

  space(path: string): FileSystemSpace {
    const { bsize, blocks, bavail } = statfsSync(path)
    return { totalBytes: bsize * blocks, usableBytes: bsize * bavail }
  }

  lock(path: string): FileLock | undefined {
    return lockFile(path)
  }
}

/** It has no state, so that one does for all. */
export const nodeFileSystem: FileSystem = new NodeFileSystem()

const OPEN_FLAGS = {
  read: constants.O_RDONLY,
  write: constants.O_RDWR | constants.O_CREAT,
  create: constants.O_RDWR | constants.O_CREAT | constants.O_TRUNC,
}

/** Linux takes at most 1024 buffers in one writev (IOV_MAX). */
const MAX_BUFFERS = 1024

/** The hop to the thread pool costs ten times as much as so few bytes that the kernel has in memory. */
const AT_ONCE_BYTES = 64 * 1024
/** What is read at once in one turn of the event loop: who reads on and on would let nobody else have one. */
const AT_ONCE_IN_A_TURN_BYTES = 512 * 1024
/** A read of few bytes counts as so many. */
const LEAST_COUNTED_BYTES = 8 * 1024
let readInTurn = 0

/** Of a short read as much as there is without a wait for the disk: it may be nothing. */
function readInMemory(handle: number, target: Uint8Array, position: number): number {
  const { length } = target
  if (length === 0 || length > AT_ONCE_BYTES || readInTurn >= AT_ONCE_IN_A_TURN_BYTES) return 0
  const calls = nativeCalls()
  if (calls === undefined) return 0
  if (readInTurn === 0) setImmediate(startTurn)
  readInTurn += Math.max(length, LEAST_COUNTED_BYTES)
  return calls.readInMemory(handle, target, position)
}

function startTurn(): void {
  readInTurn = 0
}

/** Closing waits for asynchronous calls under way: the number of a closed descriptor is given to the next file opened. */
class NodeFile implements File, SlicedFile {
  readonly path: string
  slicesMissed = 0
  looks: Look[] | undefined
  readonly #handle: number
  readonly #writable: boolean
  #pending = 0
  #closed = false

  constructor(path: string, handle: number, writable: boolean) {
    this.path = path
    this.#handle = handle
    this.#writable = writable
  }

  size(): number {
    try {
      return fstatSync(this.#open()).size
    } catch (error) {
      throw named(error, this.path)
    }
  }

  read(target: Uint8Array, offset: number, length: number, position: number): number {
    const handle = this.#open()
    let done = 0
    try {
      while (done < length) {
        const count = readSync(handle, target, offset + done, length - done, position + done)
        if (count === 0) break
        done += count
      }
    } catch (error) {
      throw named(error, this.path)
    }
    return done
  }

  readAsync(target: Uint8Array, offset: number, length: number, position: number): Promise<number> {
    return new Promise((resolve, reject) => {
      const handle = this.#open()
      let done = readInMemory(handle, target.subarray(offset, offset + length), position)
      if (done === length) {
        resolve(done)
        return
      }
      this.#pending++
      const next = (): void => {
        read(handle, target, offset + done, length - done, position + done, (error, count) => {
          if (error) {
            this.#settle()
            reject(named(error, this.path))
            return
          }
          done += count
          if (count > 0 && done < length) {
            next()
            return
          }
          this.#settle()
          resolve(done)
        })
      }
      next()
    })
  }

  slice(position: number, length: number, next: Buffer): FileSlice | undefined {
    const handle = this.#open()
    const slice = NodeFileSlice.of(this, handle, position, length, next.length)
    if (slice === undefined) return undefined
    this.#pending++
    let isWhole = false
    try {
      isWhole = this.read(next, 0, next.length, position + length) === next.length
    } finally {
      if (!isWhole) slice.release()
    }
    return isWhole ? slice : undefined
  }

  write(buffers: readonly Uint8Array[], position: number): void {
    const handle = this.#open()
    try {
      if (buffers.length === 1) {
        const buffer = buffers[0]!
        let done = 0
        while (done < buffer.length)
          done += writeSync(handle, buffer, done, buffer.length - done, position + done)
        return
      }
      writeMany(handle, buffers, position)
    } catch (error) {
      throw named(error, this.path)
    }
  }

  truncate(size: number): void {
    try {
      ftruncateSync(this.#open(), size)
    } catch (error) {
      throw named(error, this.path)
    }
  }

  sync(): void {
    try {
      fdatasyncSync(this.#open())
    } catch (error) {
      throw named(error, this.path)
    }
  }

  syncAsync(): Promise<void> {
    return new Promise((resolve, reject) => {
      const handle = this.#open()
      this.#pending++
      fdatasync(handle, (error) => {
        this.#settle()
        if (error) reject(named(error, this.path))
        else resolve()
      })
    })
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    if (this.#pending === 0) this.#release()
  }

  #open(): number {
    if (this.#closed) throw failure('EBADF', 'file is closed', this.path)
    return this.#handle
  }

  /** For its slices. */
  releaseSlice(): void {
    try {
      this.#settle()
    } catch {
      // Closing tells of a write that is lost; whoever needed that write has synced the file, and was told then.
    }
  }

  #settle(): void {
    if (--this.#pending === 0 && this.#closed) this.#release()
  }

  #release(): void {
    try {
      closeSync(this.#handle)
    } catch (error) {
      // What close(2) may still report is a lost write; of a file only read, nothing that anyone can act on.
      if (this.#writable) throw named(error, this.path)
    }
  }
}

function writeMany(handle: number, buffers: readonly Uint8Array[], position: number): void {
  let at = position
  for (let index = 0; index < buffers.length; ) {
    const slice = buffers.slice(index, index + MAX_BUFFERS)
    let written = writevSync(handle, slice, at)
    at += written
    index += slice.length
    // A short write (disk nearly full, a signal): finish buffer by buffer, so that the cause shows as an error.
    for (const buffer of slice) {
      const skip = Math.min(written, buffer.length)
      written -= skip
      for (let done = skip; done < buffer.length; ) {
        const count = writeSync(handle, buffer, done, buffer.length - done, at)
        done += count
        at += count
      }
    }
  }
}

function named(error: unknown, path: string): unknown {
  if (error instanceof Error && !('path' in error)) Object.assign(error, { path })
  return error
}

function failure(code: string, what: string, path: string, cause?: unknown): Error {
  return Object.assign(new Error(`${code}: ${what}, '${path}'`, { cause }), { code, path })
}

interface NativeLocks {
  tryLock(fd: number): boolean
  unlock(fd: number): void
}

let nativeLocks: NativeLocks | undefined

/** Loaded on first use: no other module of the process needs a native add-on to start. */
function loadNativeLocks(path: string): NativeLocks {
  try {
    nativeLocks ??= createRequire(import.meta.url)('fs-native-extensions') as NativeLocks
    return nativeLocks
  } catch (error) {
    throw failure('ENOTSUP', 'no file locks on this platform', path, error)
  }
}

/**
 * On Linux these are open-file-description locks (F_OFD_SETLK): they exclude the POSIX locks that Java's
 * `FileChannel.tryLock` takes, so that Kafka and Sluice cannot open one directory at the same time, and unlike those
 * they do not end when any other descriptor of the file is closed. On Windows both use LockFileEx; on macOS ours is a
 * BSD lock, which excludes other Sluice processes only.
 */
function lockFile(path: string): FileLock | undefined {
  const locks = loadNativeLocks(path)
  const handle = openSync(path, OPEN_FLAGS.write, 0o644)
  try {
    if (locks.tryLock(handle)) {
      let held = true
      return {
        release() {
          if (!held) return
          held = false
          locks.unlock(handle)
          closeSync(handle)
        },
      }
    }
  } catch (error) {
    closeSync(handle)
    throw named(error, path)
  }
  closeSync(handle)
  return undefined
}
