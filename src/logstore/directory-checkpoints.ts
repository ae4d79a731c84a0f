import type { Logger } from '../base/logger.ts'
import {
  CorruptCheckpointError,
  formatOffsetCheckpoint,
  offsetCheckpointFiles,
  readOffsetCheckpoint,
  replaceSmallFile,
  writeTemporary,
} from './checkpoints.ts'
import type { FileSystem } from './file-system.ts'

export interface CheckpointedOffsets {
  readonly recoveryPoint: number
  readonly logStartOffset: number
  readonly highWatermark: number
}

export type CheckpointKind = keyof CheckpointedOffsets

type CheckpointedLog = CheckpointedOffsets & { readonly topicPartition: string }

/**
 * The offset checkpoints of one log directory, by `topic-partition`. What they say of partitions that are not open is
 * kept. Each file is replaced as one step.
 */
export class DirectoryCheckpoints {
  readonly #fs: FileSystem
  readonly #path: string
  readonly #offsets: Readonly<Record<CheckpointKind, Map<string, number>>>
  /** Names that were forgotten, and that the file of the recovery points may still have. */
  readonly #stale = new Set<string>()
  /** The `writeMeanwhile` under way, unless something else has been written since. */
  readonly #replacing = new Map<CheckpointKind, object>()
  /** Those that say something else since their bytes were made last. */
  readonly #changed = new Set<CheckpointKind>()
  /** What was written to each file last. */
  readonly #written = new Map<CheckpointKind, Buffer>()

  constructor(fs: FileSystem, path: string, logger: Logger) {
    this.#fs = fs
    this.#path = path
    const read = (kind: CheckpointKind): Map<string, number> => {
      try {
        return readOffsetCheckpoint(fs, path, offsetCheckpointFiles[kind])
      } catch (error) {
        if (!(error instanceof CorruptCheckpointError)) throw error
        // Without it everything is read and checked.
        logger.warn('ignoring a corrupt checkpoint', { directory: path, err: error })
        return new Map()
      }
    }
    this.#offsets = {
      recoveryPoint: read('recoveryPoint'),
      logStartOffset: read('logStartOffset'),
      highWatermark: read('highWatermark'),
    }
  }

  /** 0 for what is not known. */
  get(name: string): CheckpointedOffsets {
    const { recoveryPoint, logStartOffset, highWatermark } = this.#offsets
    return {
      recoveryPoint: recoveryPoint.get(name) ?? 0,
      logStartOffset: logStartOffset.get(name) ?? 0,
      highWatermark: highWatermark.get(name) ?? 0,
    }
  }

  /** In memory, until the next `write`. */
  set(name: string, offsets: CheckpointedOffsets): void {
    for (const kind of KINDS) this.#note(kind, name, offsets[kind])
  }

  /** In memory, until the next `write`. */
  forget(name: string): void {
    if ((this.#offsets.recoveryPoint.get(name) ?? 0) > 0) this.#stale.add(name)
    for (const kind of KINDS) if (this.#offsets[kind].delete(name)) this.#changed.add(kind)
  }

  /** Whether the file of the recovery points may still speak of what was forgotten under this name. */
  isStale(name: string): boolean {
    return this.#stale.has(name)
  }

  /** Writes the file anew with what `logs` say now, and waits for the device. */
  write(kind: CheckpointKind, logs: Iterable<CheckpointedLog>): void {
    const bytes = this.#unwritten(kind, logs)
    if (bytes === undefined) return
    this.#replacing.delete(kind)
    replaceSmallFile(this.#fs, this.#path, offsetCheckpointFiles[kind], bytes)
    this.#hasWritten(kind, bytes, [...this.#stale])
  }

  /** As `write`, but others have their turn while the device is at it; a `write` meanwhile takes its place. */
  async writeMeanwhile(kind: CheckpointKind, logs: Iterable<CheckpointedLog>): Promise<void> {
    const bytes = this.#unwritten(kind, logs)
    if (bytes === undefined) return
    const stale = [...this.#stale]
    const replacing = {}
    this.#replacing.set(kind, replacing)
    const isLatest = () => this.#replacing.get(kind) === replacing
    try {
      const { file, path } = writeTemporary(this.#fs, this.#path, offsetCheckpointFiles[kind], bytes)
      try {
        await file.syncAsync()
      } finally {
        file.close()
      }
      if (!isLatest()) return
      this.#fs.rename(file.path, path)
      await this.#fs.syncDirectoryAsync(this.#path)
      if (isLatest()) this.#hasWritten(kind, bytes, stale)
    } finally {
      if (isLatest()) this.#replacing.delete(kind)
    }
  }

  /** Whether a `writeMeanwhile` is under way. */
  isWriting(kind: CheckpointKind): boolean {
    return this.#replacing.has(kind)
  }

  /** What is under way comes to nothing. */
  cancel(): void {
    this.#replacing.clear()
  }

  /** Undefined where the file says it: a broker that nobody uses leaves its disk alone. */
  #unwritten(kind: CheckpointKind, logs: Iterable<CheckpointedLog>): Buffer | undefined {
    const offsets = this.#offsets[kind]
    for (const log of logs) this.#note(kind, log.topicPartition, log[kind])
    // Making the bytes is most of what ten thousand idle partitions cost.
    if (!this.#changed.delete(kind) && this.#written.has(kind)) return undefined
    const rows: [string, number, number][] = []
    for (const [name, offset] of offsets) {
      const dash = name.lastIndexOf('-')
      rows.push([name.slice(0, dash), Number(name.slice(dash + 1)), offset])
    }
    const bytes = formatOffsetCheckpoint(rows)
    if (this.#written.get(kind)?.equals(bytes) === true) return undefined
    this.#written.delete(kind)
    return bytes
  }

  #note(kind: CheckpointKind, name: string, offset: number): void {
    const offsets = this.#offsets[kind]
    if (offsets.get(name) === offset) return
    offsets.set(name, offset)
    this.#changed.add(kind)
  }

  #hasWritten(kind: CheckpointKind, bytes: Buffer, stale: readonly string[]): void {
    this.#written.set(kind, bytes)
    if (kind === 'recoveryPoint') for (const name of stale) this.#stale.delete(name)
  }
}

const KINDS: readonly CheckpointKind[] = ['recoveryPoint', 'logStartOffset', 'highWatermark']
