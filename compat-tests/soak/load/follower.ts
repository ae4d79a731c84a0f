import { TestClient } from '../../../src/testing/test-client.ts'
import { BatchReader } from '../../../src/wire/batch.ts'
import { ErrorCode } from '../../../src/wire/error-codes.ts'
import { readRecords } from '../../../src/wire/record-reader.ts'
import { type FetchResponse, fetchRequest, fetchResponse } from '../../../src/wire/schemas/01-fetch.ts'
import { contentOf } from '../../crash/history.ts'
import { expectNone } from '../../support/expect-none.ts'
import { earliestOffset } from '../../support/read-partition.ts'
import { Activity } from '../activity.ts'
import type { Ledger } from '../ledger.ts'
import type { Place } from '../place.ts'

const FETCH_VERSION = 12
const MAX_WAIT_MS = 500
const MAX_BYTES = 1 << 20

type FetchedPartition = FetchResponse['responses'][number]['partitions'][number]

/** Reads partition 0 from its beginning on and follows it: no offset is left out but by retention, and no record is wrong. */
export class Follower {
  readonly #client: TestClient
  readonly #topic: string
  readonly #isCommitted: boolean
  readonly #ledger: Ledger | undefined
  readonly #latest = new Map<string, number>()
  readonly #abortedProducers = new Set<number>()
  #position = 0
  #end = 0
  readonly activity: Activity

  private constructor(
    client: TestClient,
    topic: string,
    isolation: 'committed' | 'uncommitted',
    ledger?: Ledger,
  ) {
    this.#client = client
    this.#topic = topic
    this.#isCommitted = isolation === 'committed'
    this.#ledger = ledger
    this.activity = new Activity(
      `reader of ${topic}`,
      0,
      () => this.#fetch(),
      () => client.close(),
    )
  }

  static async connect(
    place: Place,
    topic: string,
    isolation: 'committed' | 'uncommitted',
    ledger?: Ledger,
  ): Promise<Follower> {
    return new Follower(
      await TestClient.connect(place.host, place.port, 'follower'),
      topic,
      isolation,
      ledger,
    )
  }

  /** How much is there that it has not read, as of its last answer. */
  get lag(): number {
    return this.#end - this.#position
  }

  async #fetch(): Promise<void> {
    const { responses } = await this.#client.send(fetchRequest, fetchResponse, FETCH_VERSION, {
      maxWaitMs: MAX_WAIT_MS,
      minBytes: 1,
      isolationLevel: this.#isCommitted ? 1 : 0,
      topics: [
        {
          topic: this.#topic,
          partitions: [{ partition: 0, fetchOffset: this.#position, partitionMaxBytes: MAX_BYTES }],
        },
      ],
    })
    const fetched = responses[0]!.partitions[0]!
    if (fetched.errorCode === ErrorCode.OFFSET_OUT_OF_RANGE) {
      await this.#skip()
      return
    }
    expectNone(this.#topic, fetched.errorCode)
    this.#read(fetched)
    // What is behind an open transaction comes when that has ended.
    this.#end = fetched.highWatermark
  }

  /** Retention was faster. */
  async #skip(): Promise<void> {
    const earliest = await earliestOffset(this.#client, this.#topic, 0)
    if (earliest <= this.#position) throw new Error(`${this.#topic}: ${this.#position} is not out of range`)
    this.#position = earliest
    this.#ledger?.beginsAt(earliest)
  }

  #read(fetched: FetchedPartition): void {
    const aborted = (fetched.abortedTransactions ?? []).toSorted((a, b) => a.firstOffset - b.firstOffset)
    for (const batch of new BatchReader(fetched.records ?? Buffer.alloc(0))) {
      const place = `${this.#topic} at ${batch.baseOffset}`
      if (!batch.crcIsRight()) throw new Error(`${place}: wrong CRC`)
      if (batch.baseOffset > this.#position) throw new Error(`${place} where ${this.#position} was due`)
      while (aborted.length > 0 && aborted[0]!.firstOffset <= batch.lastOffset)
        this.#abortedProducers.add(aborted.shift()!.producerId)
      if (batch.isControl) this.#abortedProducers.delete(batch.producerId)
      else if (!(batch.isTransactional && this.#abortedProducers.has(batch.producerId)))
        for (const { offset, value } of readRecords(batch, MAX_BYTES))
          if (offset >= this.#position) this.#see(offset, value?.toString() ?? '')
      this.#position = batch.nextOffset
    }
  }

  #see(offset: number, value: string): void {
    const [producer = '', text] = value.split(':', 2)
    const sequence = Number(text)
    const place = `${this.#topic} at ${offset}`
    if (value !== contentOf(producer, sequence))
      throw new Error(`${place}: wrong content ${value.slice(0, 40)}`)
    const latest = this.#latest.get(producer) ?? -1
    if (sequence <= latest) throw new Error(`${place}: ${producer}:${sequence} after ${latest}`)
    this.#latest.set(producer, sequence)
    this.#ledger?.seen(`${producer}:${sequence}`, offset)
  }
}
