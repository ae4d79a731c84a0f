/**
 * Producer ids that are given out once in the life of a cluster: a broker takes them in blocks from the metadata and
 * hands them on one by one (Kafka's `RPCProducerIdManager`). What is left of a block when the broker stops is lost.
 */
import { invariant } from '../base/invariant.ts'
import { PRODUCER_ID_BLOCK_SIZE } from './metadata/image.ts'
import { type BrokerSession, type MetadataStore, updateMetadata } from './metadata/store.ts'

export class ProducerIds {
  readonly #store: MetadataStore
  /** Set once this broker is registered. */
  session: BrokerSession | undefined
  #next = 0
  #end = 0
  #allocating: Promise<void> | undefined

  constructor(store: MetadataStore) {
    this.#store = store
  }

  /** Rejects where the metadata cannot be written. */
  async next(): Promise<number> {
    while (this.#next === this.#end) {
      this.#allocating ??= this.#allocate().finally(() => {
        this.#allocating = undefined
      })
      await this.#allocating
    }
    return this.#next++
  }

  async #allocate(): Promise<void> {
    const { session } = this
    invariant(session !== undefined, 'producer ids are given out by a registered broker')
    const first = await updateMetadata(this.#store, ({ nextProducerId }) => ({
      changes: [
        {
          type: 'allocateProducerIds',
          brokerId: session.brokerId,
          brokerEpoch: session.epoch,
          nextProducerId: nextProducerId + PRODUCER_ID_BLOCK_SIZE,
        },
      ],
      result: nextProducerId,
    }))
    this.#next = first
    this.#end = first + PRODUCER_ID_BLOCK_SIZE
  }
}
