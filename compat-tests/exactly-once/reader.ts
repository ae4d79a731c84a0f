import { BatchReader } from '../../src/wire/batch.ts'
import { readEndTxnMarker } from '../../src/wire/control-records.ts'
import { ErrorCode, errorName, isRetriable } from '../../src/wire/error-codes.ts'
import { readRecords } from '../../src/wire/record-reader.ts'
import { type FetchResponse, fetchRequest, fetchResponse } from '../../src/wire/schemas/01-fetch.ts'
import type { SeenRecord } from './check.ts'
import { type Address, Connection } from './connection.ts'
import { TARGET_PARTITIONS, TARGETS } from './copier.ts'

export type Isolation = 'uncommitted' | 'committed'

const ISOLATION_LEVELS = { uncommitted: 0, committed: 1 } as const
const FETCH_VERSION = 12
const MAX_WAIT_MS = 100
const MAX_PARTITION_BYTES = 64 * 1024
const MAX_BATCH_BYTES = 1 << 20

type FetchedPartition = FetchResponse['responses'][number]['partitions'][number]

interface Fetched {
  /** There was nothing more in any partition. */
  readonly atEnd: boolean
  /** Partitions in which a transaction is open. */
  readonly undecided: readonly string[]
}

/** Reads all partitions of the targets from their beginnings on, and leaves out what a client at its level leaves out. */
export class TargetReader {
  readonly #connection: Connection
  readonly #isolation: Isolation
  readonly #positions = new Map<string, number>()
  #running: Promise<void> | undefined
  #stopping = false
  readonly reading = new Map<string, SeenRecord[]>()
  readonly faults: string[] = []

  constructor(address: Address, isolation: Isolation) {
    this.#isolation = isolation
    this.#connection = new Connection(address, `reader-${isolation}`)
  }

  /** Reads until it is stopped. */
  start(): void {
    this.#running = this.#run()
  }

  async stop(): Promise<void> {
    this.#stopping = true
    await this.#running
  }

  /** Reads everything there is; a transaction that is still undecided is a fault. */
  async readToEnd(): Promise<void> {
    let last: Fetched
    do last = await this.#fetch()
    while (!last.atEnd && this.faults.length === 0)
    for (const partition of last.undecided) this.#fault(`${partition} has a transaction that never ends`)
    await this.#connection.close()
  }

  async #run(): Promise<void> {
    try {
      while (!this.#stopping && this.faults.length === 0) await this.#fetch()
    } catch (error) {
      this.#fault(error instanceof Error ? error.stack! : String(error))
    } finally {
      await this.#connection.close()
    }
  }

  #fault(what: string): void {
    this.faults.push(`reader of ${this.#isolation}: ${what}`)
  }

  /** One request for all partitions. */
  async #fetch(): Promise<Fetched> {
    const { responses } = await this.#connection.use((client) =>
      client.send(fetchRequest, fetchResponse, FETCH_VERSION, {
        maxWaitMs: MAX_WAIT_MS,
        minBytes: 1,
        isolationLevel: ISOLATION_LEVELS[this.#isolation],
        topics: TARGETS.map((topic) => ({
          topic,
          partitions: Array.from({ length: TARGET_PARTITIONS }, (_, partition) => ({
            partition,
            fetchOffset: this.#positions.get(`${topic}-${partition}`) ?? 0,
            partitionMaxBytes: MAX_PARTITION_BYTES,
          })),
        })),
      }),
    )
    let atEnd = true
    const undecided: string[] = []
    for (const { topic, partitions } of responses) {
      for (const fetched of partitions) {
        const partition = `${topic}-${fetched.partitionIndex}`
        if (fetched.errorCode !== ErrorCode.NONE) {
          if (!isRetriable(fetched.errorCode)) this.#fault(`${partition}: ${errorName(fetched.errorCode)}`)
          atEnd = false
          continue
        }
        this.#read(partition, fetched)
        const { lastStableOffset, highWatermark } = fetched
        const end = this.#isolation === 'committed' ? lastStableOffset : highWatermark
        if ((this.#positions.get(partition) ?? 0) < end) atEnd = false
        if (lastStableOffset < highWatermark) undecided.push(partition)
        if (lastStableOffset > highWatermark)
          this.#fault(`${partition}: LSO ${lastStableOffset} above ${highWatermark}`)
      }
    }
    return { atEnd, undecided }
  }

  #read(partition: string, fetched: FetchedPartition): void {
    const position = this.#positions.get(partition) ?? 0
    const aborted = (fetched.abortedTransactions ?? []).toSorted((a, b) => a.firstOffset - b.firstOffset)
    const abortedProducers = new Set<number>()
    const records = this.reading.get(partition) ?? []
    this.reading.set(partition, records)
    for (const batch of new BatchReader(fetched.records ?? Buffer.alloc(0))) {
      if (!batch.crcIsRight()) this.#fault(`${partition}: wrong CRC at ${batch.baseOffset}`)
      if (this.#isolation === 'committed' && batch.lastOffset >= fetched.lastStableOffset)
        this.#fault(`${partition}: ${batch.lastOffset} is not below the LSO ${fetched.lastStableOffset}`)
      while (aborted.length > 0 && aborted[0]!.firstOffset <= batch.lastOffset)
        abortedProducers.add(aborted.shift()!.producerId)
      if (batch.isControl) {
        if (readEndTxnMarker(batch)?.type === 'ABORT') abortedProducers.delete(batch.producerId)
      } else if (!(batch.isTransactional && abortedProducers.has(batch.producerId))) {
        for (const { offset, value } of readRecords(batch, MAX_BATCH_BYTES))
          if (offset >= position) records.push({ offset, value: value?.toString() ?? '' })
      }
      this.#positions.set(partition, batch.nextOffset)
    }
  }
}
