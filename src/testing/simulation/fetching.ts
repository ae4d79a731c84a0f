import { BatchReader, batchCrcIsRight, type RecordBatch } from '../../wire/batch.ts'
import { readEndTxnMarker } from '../../wire/control-records.ts'
import { ErrorCode } from '../../wire/error-codes.ts'
import { readRecords } from '../../wire/record-reader.ts'
import { fetchRequest, fetchResponse } from '../../wire/schemas/01-fetch.ts'
import { listOffsetsRequest, listOffsetsResponse } from '../../wire/schemas/02-list-offsets.ts'
import { TOMBSTONE_HEADER } from './keyed-values.ts'
import type { Link } from './link.ts'
import { MARKER } from './partition-history.ts'
import type { Scene, SimulatedPartition } from './scene.ts'

export interface FetchOptions {
  readonly readCommitted: boolean
  readonly maxWaitMs: number
  readonly maxBytes: number
}

export interface Fetched {
  readonly errorCode: number
  /** Where to go on. */
  readonly nextOffset: number
  readonly highWatermark: number
  readonly lastStableOffset: number
  readonly logStartOffset: number
  /** Values and markers at their offsets; of a reader of committed records, without those of aborted transactions. */
  readonly entries: readonly (readonly [offset: number, value: string])[]
  readonly sizeInBytes: number
}

const UNKNOWN = -1
/** A timestamp of ListOffsets. */
const EARLIEST = -2
const MAX_RECORD_BYTES = 1024 * 1024

/** Where the log starts; undefined where that is not known now. Rejects with LinkBroken. */
export async function askForStart(
  link: Link,
  { topic, index }: SimulatedPartition,
): Promise<number | undefined> {
  const { topics } = await link.ask(listOffsetsRequest, listOffsetsResponse, 7, {
    replicaId: -1,
    topics: [{ name: topic, partitions: [{ partitionIndex: index, timestamp: EARLIEST }] }],
  })
  const { errorCode, offset } = topics[0]!.partitions[0]!
  return errorCode === ErrorCode.NONE ? offset : undefined
}

/** One fetch of one partition, and all that has to be true of its answer whatever it brings. */
export async function fetchOnce(
  scene: Scene,
  link: Link,
  partition: SimulatedPartition,
  fetchOffset: number,
  options: FetchOptions,
): Promise<Fetched> {
  const { history } = partition
  const floor = history.floor()
  const answer = await link.ask(fetchRequest, fetchResponse, link.random.pick([12, 16, 18]), {
    maxWaitMs: options.maxWaitMs,
    minBytes: options.maxWaitMs > 0 ? 1 : 0,
    maxBytes: options.maxBytes,
    isolationLevel: options.readCommitted ? 1 : 0,
    topics: [
      {
        topic: partition.topic,
        topicId: partition.topicId,
        partitions: [{ partition: partition.index, fetchOffset, partitionMaxBytes: options.maxBytes }],
      },
    ],
  })
  const found = answer.responses[0]?.partitions[0]
  const errorCode = answer.errorCode !== 0 ? answer.errorCode : (found?.errorCode ?? 0)
  if (found === undefined || errorCode !== ErrorCode.NONE) {
    return {
      errorCode,
      nextOffset: fetchOffset,
      highWatermark: -1,
      lastStableOffset: -1,
      logStartOffset: -1,
      entries: [],
      sizeInBytes: 0,
    }
  }
  const { highWatermark, lastStableOffset, logStartOffset } = found
  // Of a process that has died meanwhile, it may have gone back.
  const startsAt = link.isCurrent ? logStartOffset : UNKNOWN
  history.marks(floor, { highWatermark, lastStableOffset, logStartOffset: startsAt })
  const batches = [...whole(scene, partition, found.records ?? Buffer.alloc(0))]
  checkOrder(scene, partition, fetchOffset, batches)
  const end = options.readCommitted ? lastStableOffset : highWatermark
  const entries: [number, string][] = []
  const isAborted = abortedProducers(found.abortedTransactions ?? [])
  for (const batch of batches) {
    scene.world.check(
      batch.lastOffset < end,
      () => `${history.name}: ${batch.lastOffset} is read, beyond the end at ${end}`,
    )
    const values = valuesOf(batch)
    for (const [offset, value] of values) history.seen(offset, value)
    if (!(options.readCommitted && isAborted(batch))) {
      for (const entry of values) if (entry[0] >= fetchOffset) entries.push(entry)
      if (options.readCommitted) for (const [, value] of values) scene.transactions.seen(value, history)
    }
  }
  return {
    errorCode,
    nextOffset: batches.at(-1)?.nextOffset ?? fetchOffset,
    highWatermark,
    lastStableOffset,
    logStartOffset,
    entries,
    sizeInBytes: batches.reduce((sum, batch) => sum + batch.sizeInBytes, 0),
  }
}

function* whole(scene: Scene, { history }: SimulatedPartition, records: Buffer): Generator<RecordBatch> {
  const reader = new BatchReader(records)
  for (const batch of reader) {
    scene.world.check(
      batchCrcIsRight(batch.buffer, batch.position),
      () => `${history.name}: the batch at ${batch.baseOffset} has a wrong CRC`,
    )
    yield batch
  }
}

/** Every offset is there: the first batch holds what was asked for, and each begins where the one before it ends. */
function checkOrder(
  scene: Scene,
  { history, isCompacted }: SimulatedPartition,
  fetchOffset: number,
  batches: readonly RecordBatch[],
): void {
  let next = fetchOffset
  for (const [index, batch] of batches.entries()) {
    const { baseOffset, lastOffset } = batch
    const follows =
      index === 0
        ? lastOffset >= next && (isCompacted || baseOffset <= next)
        : isCompacted
          ? baseOffset >= next
          : baseOffset === next
    scene.world.check(
      follows,
      () => `${history.name}: a batch ${baseOffset}-${lastOffset} comes where ${next} is due`,
    )
    next = batch.nextOffset
  }
}

function valuesOf(batch: RecordBatch): [number, string][] {
  const values: [number, string][] = []
  for (const { offset, value, headers } of readRecords(batch, MAX_RECORD_BYTES)) {
    const text = value ?? headers.find(({ key }) => key === TOMBSTONE_HEADER)?.value
    values.push([offset, batch.isControl ? MARKER : String(text)])
  }
  return values
}

/** As consumers do it: a producer's batches are dropped from where an aborted transaction begins until its marker. */
function abortedProducers(
  transactions: readonly { readonly producerId: number; readonly firstOffset: number }[],
): (batch: RecordBatch) => boolean {
  const due = [...transactions].sort((a, b) => a.firstOffset - b.firstOffset)
  const aborting = new Set<number>()
  return (batch) => {
    while (due.length > 0 && due[0]!.firstOffset <= batch.lastOffset) aborting.add(due.shift()!.producerId)
    if (!aborting.has(batch.producerId)) return false
    if (batch.isControl) {
      if (readEndTxnMarker(batch)?.type === 'ABORT') aborting.delete(batch.producerId)
      return false
    }
    return batch.isTransactional
  }
}
