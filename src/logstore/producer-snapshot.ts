import { NO_PRODUCER_EPOCH, readInt64, writeInt64 } from '../wire/batch.ts'
import { crc32c } from '../wire/crc32c.ts'
import { ProducerEntry } from './producer-entry.ts'

/** A `.snapshot` that is torn or is none. */
export class CorruptSnapshotError extends Error {
  override name = 'CorruptSnapshotError'
}

const VERSION = 1
const HEADER_BYTES = 10
/** The CRC covers what follows it. */
const CRC_AT = 2
const CRC_COVERS_FROM = 6
const ENTRY_BYTES = 46

/** The bytes of a `.snapshot` (Kafka's `ProducerSnapshot`, version 1): of each producer its last batch. */
export function encodeProducerSnapshot(entries: readonly ProducerEntry[]): Buffer {
  const bytes = Buffer.allocUnsafe(HEADER_BYTES + entries.length * ENTRY_BYTES)
  bytes.writeInt16BE(VERSION, 0)
  bytes.writeInt32BE(entries.length, 6)
  let at = HEADER_BYTES
  for (const entry of entries) {
    writeInt64(bytes, entry.producerId, at)
    bytes.writeInt16BE(entry.producerEpoch, at + 8)
    bytes.writeInt32BE(entry.lastSequence, at + 10)
    writeInt64(bytes, entry.lastDataOffset, at + 14)
    bytes.writeInt32BE(entry.lastOffsetDelta, at + 22)
    writeInt64(bytes, entry.lastTimestamp, at + 26)
    bytes.writeInt32BE(entry.coordinatorEpoch, at + 34)
    writeInt64(bytes, entry.currentTxnFirstOffset ?? -1, at + 38)
    at += ENTRY_BYTES
  }
  bytes.writeUInt32BE(crc32c(bytes.subarray(CRC_COVERS_FROM)), CRC_AT)
  return bytes
}

/** Throws CorruptSnapshotError. */
export function decodeProducerSnapshot(path: string, bytes: Buffer): ProducerEntry[] {
  if (bytes.length < HEADER_BYTES) throw new CorruptSnapshotError(`${path}: ${bytes.length} bytes`)
  const version = bytes.readInt16BE(0)
  if (version !== VERSION)
    throw new CorruptSnapshotError(`${path}: format version ${version}, expected ${VERSION}`)
  const stored = bytes.readUInt32BE(CRC_AT)
  const computed = crc32c(bytes.subarray(CRC_COVERS_FROM))
  if (stored !== computed)
    throw new CorruptSnapshotError(`${path}: has CRC ${stored}, its bytes have ${computed}`)
  const count = bytes.readInt32BE(6)
  if (count < 0 || bytes.length !== HEADER_BYTES + count * ENTRY_BYTES)
    throw new CorruptSnapshotError(`${path}: ${bytes.length} bytes for ${count} producers`)
  const entries: ProducerEntry[] = []
  for (let at = HEADER_BYTES; at < bytes.length; at += ENTRY_BYTES) {
    const entry = new ProducerEntry(readInt64(bytes, at))
    entry.producerEpoch = bytes.readInt16BE(at + 8)
    const lastOffset = readInt64(bytes, at + 14)
    entry.lastTimestamp = readInt64(bytes, at + 26)
    if (lastOffset >= 0 && entry.producerEpoch !== NO_PRODUCER_EPOCH) {
      entry.batches = [
        {
          lastSequence: bytes.readInt32BE(at + 10),
          lastOffset,
          offsetDelta: bytes.readInt32BE(at + 22),
          timestamp: entry.lastTimestamp,
        },
      ]
    }
    entry.coordinatorEpoch = bytes.readInt32BE(at + 34)
    const currentTxnFirstOffset = readInt64(bytes, at + 38)
    if (currentTxnFirstOffset >= 0) entry.currentTxnFirstOffset = currentTxnFirstOffset
    entries.push(entry)
  }
  return entries
}
