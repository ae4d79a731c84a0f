import type { Logger } from '../base/logger.ts'
import {
  CorruptCheckpointError,
  formatOffsetCheckpoint,
  offsetCheckpointFiles,
  readOffsetCheckpoint,
  replaceSmallFile,
} from './checkpoints.ts'
import type { FileSystem } from './file-system.ts'

export interface CheckpointedOffsets {
  readonly recoveryPoint: number
  readonly logStartOffset: number
  readonly highWatermark: number
}

export type CheckpointKind = keyof CheckpointedOffsets

/**
 * The offset checkpoints of one log directory, by `topic-partition`. What they say of partitions that are not open is
 * kept. Each file is replaced as one step.
 */
export class DirectoryCheckpoints {
  readonly #fs: FileSystem
  readonly #path: string
  readonly #offsets: Readonly<Record<CheckpointKind, Map<string, number>>>
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
    for (const kind of KINDS) this.#offsets[kind].set(name, offsets[kind])
  }

  forget(name: string): void {
    for (const kind of KINDS) this.#offsets[kind].delete(name)
  }

  /** Writes the file anew with what `logs` say now. */
  write(
    kind: CheckpointKind,
    logs: Iterable<CheckpointedOffsets & { readonly topicPartition: string }>,
  ): void {
    const offsets = this.#offsets[kind]
    for (const log of logs) offsets.set(log.topicPartition, log[kind])
    const rows: [string, number, number][] = []
    for (const [name, offset] of offsets) {
      const dash = name.lastIndexOf('-')
      rows.push([name.slice(0, dash), Number(name.slice(dash + 1)), offset])
    }
    const bytes = formatOffsetCheckpoint(rows)
    // A broker that nobody uses leaves its disk alone.
    if (this.#written.get(kind)?.equals(bytes) === true) return
    this.#written.delete(kind)
    replaceSmallFile(this.#fs, this.#path, offsetCheckpointFiles[kind], bytes)
    this.#written.set(kind, bytes)
  }
}

const KINDS: readonly CheckpointKind[] = ['recoveryPoint', 'logStartOffset', 'highWatermark']
