import type { FileSlice } from '../base/file-slice.ts'

/**
 * What the log store needs of a disk, and all it may use of one. Paths are absolute or relative to the process;
 * `/` separates. Every failure is a FileSystemError with the `code` that the operating system gives.
 *
 * Reads and writes are synchronous: to the page cache they cost less than the hop to the thread pool
 * (see docs/architecture.md). What may wait for the device — sync, cold reads — has a promise form.
 *
 * What survives a crash: bytes written before the last `sync` of their file, and names made, renamed or removed
 * before the last `syncDirectory` of their directory. After a kill of the process alone, everything does.
 */
export interface FileSystem {
  /** How many files a log store may have open at once; undefined where nobody says. */
  readonly maxOpenFiles?: number
  /** `read` fails with ENOENT where there is no such file; `write` makes it; `create` also empties it. */
  open(path: string, mode: 'read' | 'write' | 'create'): File
  exists(path: string): boolean
  stat(path: string): FileStat
  /** Names in a directory, sorted. */
  readDirectory(path: string): string[]
  /** Makes the directory and its parents; no error where it exists. */
  makeDirectory(path: string): void
  rename(from: string, to: string): void
  /** Makes `stat` say that the file was changed then. */
  setModified(path: string, modifiedMs: number): void
  removeFile(path: string): void
  /** To free a large file takes as long as it is large. */
  removeFileAsync(path: string): Promise<void>
  /** Removes a directory with all that is in it; no error where it is missing. */
  removeDirectory(path: string): void
  removeDirectoryAsync(path: string): Promise<void>
  syncDirectory(path: string): void
  syncDirectoryAsync(path: string): Promise<void>
  /** Of the volume that the path lies on. */
  space(path: string): FileSystemSpace
  /**
   * Takes the operating system's exclusive lock on the file (made where missing), or returns undefined where another
   * process holds it. The lock ends with the process, however it ends.
   */
  lock(path: string): FileLock | undefined
}

export interface FileSystemSpace {
  readonly totalBytes: number
  /** What this process may still write. */
  readonly usableBytes: number
}

export interface FileLock {
  release(): void
}

export interface FileStat {
  readonly size: number
  readonly isDirectory: boolean
  readonly modifiedMs: number
}

/** An open file. The size is the file's own, not a cache: another handle may have changed it. */
export interface File {
  readonly path: string
  size(): number
  /** Fills `target[offset, offset+length)` from `position`; returns the bytes read, fewer than `length` only at the end. */
  read(target: Uint8Array, offset: number, length: number, position: number): number
  readAsync(target: Uint8Array, offset: number, length: number, position: number): Promise<number>
  /**
   * So many bytes from `position` for an answer, and `next` filled with those behind them. Undefined where files cannot
   * be sent as they lie there, where the disk would have to be waited for, and for so few that to read them costs less.
   */
  slice(position: number, length: number, next: Buffer): FileSlice | undefined
  /** Writes all of the buffers, one after the other, from `position`. */
  write(buffers: readonly Uint8Array[], position: number): void
  truncate(size: number): void
  /** Returns when the bytes are on the device (fdatasync). */
  sync(): void
  syncAsync(): Promise<void>
  /** Idempotent. */
  close(): void
}

/** Fails as Node does: `code` is ENOSPC, EACCES, EIO, ENOENT … */
export interface FileSystemError extends Error {
  readonly code: string
  readonly path?: string
}
