import type { File, FileSystem } from './file-system.ts'
import { hasCode } from './log-errors.ts'

/** A checkpoint file that does not hold what its kind holds. */
export class CorruptCheckpointError extends Error {
  override name = 'CorruptCheckpointError'
}

/**
 * Reads a whole small file, or undefined where there is none.
 */
export function readSmallFile(fs: FileSystem, path: string): Buffer | undefined {
  try {
    const file = fs.open(path, 'read')
    try {
      const bytes = Buffer.alloc(file.size())
      return bytes.subarray(0, file.read(bytes, 0, bytes.length, 0))
    } finally {
      file.close()
    }
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined
    throw error
  }
}

/**
 * Replaces a small file as one step: after a crash at any point it holds the old bytes or the new ones. Once it
 * returns, the new ones (Kafka's `CheckpointFile.write`: temporary file, sync, rename, sync of the directory).
 */
export function replaceSmallFile(fs: FileSystem, directory: string, name: string, bytes: Buffer): void {
  const { file, path } = writeTemporary(fs, directory, name, bytes)
  try {
    file.sync()
  } finally {
    file.close()
  }
  fs.rename(file.path, path)
  fs.syncDirectory(directory)
}

/** The first step of that: a file beside the one at `path`, open and not synced. */
export function writeTemporary(
  fs: FileSystem,
  directory: string,
  name: string,
  bytes: Buffer,
): { readonly file: File; readonly path: string } {
  const path = `${directory}/${name}`
  const file = fs.open(`${path}.tmp`, 'create')
  try {
    file.write([bytes], 0)
    return { file, path }
  } catch (error) {
    file.close()
    throw error
  }
}

/** The text of a checkpoint: format version, number of lines, the lines. */
export function formatCheckpoint(version: number, lines: readonly string[]): Buffer {
  return Buffer.from([String(version), String(lines.length), ...lines, ''].join('\n'))
}

/** The lines of a checkpoint; throws CorruptCheckpointError. */
export function parseCheckpoint(path: string, bytes: Buffer, version: number): string[] {
  const [versionLine, countLine, ...lines] = bytes.toString('utf8').split('\n')
  if (versionLine !== String(version))
    throw new CorruptCheckpointError(
      `${path}: format version ${JSON.stringify(versionLine)}, expected ${version}`,
    )
  if (lines.at(-1) === '') lines.pop()
  if (countLine !== String(lines.length))
    throw new CorruptCheckpointError(
      `${path}: ${lines.length} entries where ${JSON.stringify(countLine)} were declared`,
    )
  return lines
}

/** The checkpoints of a log directory (`OffsetCheckpointFile`), by their file names. */
export const offsetCheckpointFiles = {
  /** Everything below is synced. */
  recoveryPoint: 'recovery-point-offset-checkpoint',
  logStartOffset: 'log-start-offset-checkpoint',
  highWatermark: 'replication-offset-checkpoint',
  /** Compacted up to here. */
  cleaner: 'cleaner-offset-checkpoint',
} as const

const OFFSET_CHECKPOINT_VERSION = 0

/** Keys are `topic-partition`. An empty map where there is no such file; throws CorruptCheckpointError. */
export function readOffsetCheckpoint(fs: FileSystem, directory: string, name: string): Map<string, number> {
  const path = `${directory}/${name}`
  const offsets = new Map<string, number>()
  const bytes = readSmallFile(fs, path)
  // Kafka makes the files empty before it has anything to say.
  if (bytes === undefined || bytes.length === 0) return offsets
  for (const line of parseCheckpoint(path, bytes, OFFSET_CHECKPOINT_VERSION)) {
    const match = /^(\S+) (\d+) (\d+)$/.exec(line)
    if (match === null) throw new CorruptCheckpointError(`${path}: malformed line ${JSON.stringify(line)}`)
    offsets.set(`${match[1]}-${match[2]}`, Number(match[3]))
  }
  return offsets
}

/** The bytes of an offset checkpoint, for `replaceSmallFile`. */
export function formatOffsetCheckpoint(
  offsets: Iterable<readonly [topic: string, partition: number, offset: number]>,
): Buffer {
  const lines: string[] = []
  for (const [topic, partition, offset] of offsets) lines.push(`${topic} ${partition} ${offset}`)
  return formatCheckpoint(OFFSET_CHECKPOINT_VERSION, lines)
}
