import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { rmdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { makeDataDirectory } from './data-directory.ts'

const MOUNT = 'mount -t tmpfs -o "size=$1" tmpfs "$2" && echo mounted && exec cat'

/** Whether this machine lets the test mount file systems that nobody else sees. */
export function canMount(): boolean {
  const script = 'mount -t tmpfs -o size=1m tmpfs "$1"'
  const dir = makeDataDirectory('mount')
  const { status } = spawnSync('unshare', ['-m', 'sh', '-c', script, 'sh', dir], { stdio: 'ignore' })
  rmdirSync(dir)
  return status === 0
}

/** A file system of a few megabytes, in a mount namespace that lives as long as this. */
export class SmallDisk {
  readonly #directory: string
  readonly #holder: ChildProcess

  private constructor(directory: string, holder: ChildProcess) {
    this.#directory = directory
    this.#holder = holder
  }

  static async mount(bytes: number): Promise<SmallDisk> {
    const directory = makeDataDirectory('small')
    const args = ['-m', 'sh', '-c', MOUNT, 'sh', String(bytes), directory]
    // It ends with its standard input.
    const holder = spawn('unshare', args, { stdio: ['pipe', 'pipe', 'inherit'] })
    await once(holder.stdout!, 'data')
    return new SmallDisk(directory, holder)
  }

  /** As processes see it that are started with `within`. */
  get dataDirectory(): string {
    return join(this.#directory, 'data')
  }

  /** What enters the namespace. */
  get within(): readonly string[] {
    return ['nsenter', '-t', String(this.#holder.pid), '-m']
  }

  /** Takes all the room that there is. */
  fill(): void {
    const chunk = Buffer.alloc(64 * 1024)
    for (;;) {
      try {
        writeFileSync(this.#filler, chunk, { flag: 'a' })
      } catch (error) {
        if (error instanceof Error && 'code' in error && error.code === 'ENOSPC') return
        throw error
      }
    }
  }

  free(): void {
    rmSync(this.#filler)
  }

  get #filler(): string {
    return join(`/proc/${this.#holder.pid}/root`, this.#directory, 'filler')
  }

  async unmount(): Promise<void> {
    const closed = once(this.#holder, 'close')
    this.#holder.stdin!.end()
    await closed
    // What was in it has gone with the namespace.
    rmdirSync(this.#directory)
  }
}
