import type { TestClient } from '../../src/testing/test-client.ts'
import { BatchReader } from '../../src/wire/batch.ts'
import { ErrorCode, errorName, isRetriable } from '../../src/wire/error-codes.ts'
import { fetchRequest, fetchResponse } from '../../src/wire/schemas/01-fetch.ts'
import { type Address, commitOffset, fetchCommitted, Load, TryAgain } from '../support/load.ts'

const FETCH_VERSION = 12
const MAX_WAIT_MS = 50
const MAX_BYTES = 32 * 1024

/** Reads a partition and commits how far it is: what was acknowledged is there again, and never beyond the log. */
export class Consumer extends Load {
  readonly #groupId: string
  readonly #topic: string
  #asked = -1
  #acknowledged = -1
  commits = 0

  constructor(address: Address, groupId: string, topic: string) {
    super(address)
    this.#groupId = groupId
    this.#topic = topic
  }

  protected async work(client: TestClient): Promise<void> {
    const committed = await fetchCommitted(client, this.#groupId, this.#topic)
    if (committed < this.#acknowledged || committed > this.#asked) {
      this.fault(`committed ${committed}, acknowledged ${this.#acknowledged}, asked for ${this.#asked}`)
      return
    }
    let position = Math.max(0, committed)
    while (!this.stopping) {
      const next = await this.#read(client, position)
      if (next === undefined) return
      if (next === position) continue
      position = next
      this.#asked = position
      const errorCode = await commitOffset(client, this.#groupId, this.#topic, position)
      if (errorCode !== ErrorCode.NONE) {
        if (isRetriable(errorCode)) throw new TryAgain(errorName(errorCode))
        this.fault(`commit of ${position}: ${errorName(errorCode)}`)
        return
      }
      this.#acknowledged = position
      this.commits++
    }
  }

  /** The position after what was read; undefined after a fault. */
  async #read(client: TestClient, position: number): Promise<number | undefined> {
    const { responses } = await client.send(fetchRequest, fetchResponse, FETCH_VERSION, {
      maxWaitMs: MAX_WAIT_MS,
      minBytes: 1,
      topics: [
        {
          topic: this.#topic,
          partitions: [{ partition: 0, fetchOffset: position, partitionMaxBytes: MAX_BYTES }],
        },
      ],
    })
    const { errorCode, highWatermark, records } = responses[0]!.partitions[0]!
    if (errorCode !== ErrorCode.NONE) {
      if (isRetriable(errorCode)) throw new TryAgain(errorName(errorCode))
      this.fault(`committed ${position} is not in the log: ${errorName(errorCode)}`)
      return undefined
    }
    if (position > highWatermark) {
      this.fault(`committed ${position}, and the log ends at ${highWatermark}`)
      return undefined
    }
    let next = position
    for (const batch of new BatchReader(records ?? Buffer.alloc(0))) {
      if (!batch.crcIsRight()) this.fault(`wrong CRC at ${batch.baseOffset}`)
      if (batch.baseOffset > next) this.fault(`${batch.baseOffset} where ${next} was due`)
      next = batch.nextOffset
    }
    return next
  }
}
