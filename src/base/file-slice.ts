import { invariant } from './invariant.ts'

/**
 * Bytes that stay in their file until they are sent: what a fetch finds on the disk, as Kafka's `FileRecords`. They
 * are taken from the front, in order. The file is kept open until `release`; a slice that is forgotten gives it up when
 * it is collected.
 */
export abstract class FileSlice {
  /** Bytes that are left. */
  abstract get length(): number

  /**
   * Hands bytes to the socket of that descriptor without copying them, those of `head` before its own and in one packet
   * with them, and returns how many of both. 0 where the socket takes none now or has failed, where the file ends before
   * them, and for a head that is large; undefined where they would have to come from the disk first.
   */
  abstract sendTo(socketDescriptor: number, head?: Buffer): number | undefined

  /** Fills `target`, which is no longer than what is left, waiting for the disk. Rejects with what is wrong with the file. */
  abstract read(target: Buffer): Promise<void>

  /** Nobody asks for anything of it any more. Idempotent. */
  abstract release(): void
}

/** A part of an answer. */
export type Bytes = Buffer | FileSlice

export function isBytes(value: unknown): value is Bytes {
  return Buffer.isBuffer(value) || value instanceof FileSlice
}

/** Parts of which none was asked for as a slice of a file. */
export function inMemory(parts: readonly Bytes[]): readonly Buffer[] {
  invariant(
    parts.every((part): part is Buffer => Buffer.isBuffer(part)),
    'what is read to be looked at is in memory',
  )
  return parts
}
