/** What a coordinator needs of a partition of its internal topic, which this broker leads. */
export interface CoordinatorLog {
  readonly logStartOffset: number
  readonly logEndOffset: number
  readonly highWatermark: number
  /**
   * Appends the batch and gives the offset of its last record. The high watermark may have passed it on return. Throws
   * KafkaError where it is refused or fails.
   */
  append(batch: Buffer): number
  /** Whole batches from the one that holds `offset` on, at least one, below the log end offset. */
  read(offset: number, maxBytes: number): readonly Buffer[] | Promise<readonly Buffer[]>
  /** Calls back after every advance of the high watermark, also from within `append`; returns what ends that. */
  onHighWatermark(listener: () => void): () => void
}

/** Which partition of the internal topic holds this key: Kafka's `Utils.abs(key.hashCode()) % partitions`. */
export function partitionFor(key: string, partitions: number): number {
  let hash = 0
  for (let i = 0; i < key.length; i++) hash = (Math.imul(31, hash) + key.charCodeAt(i)) | 0
  // Kafka's abs of the smallest int is 0.
  return (hash === -(2 ** 31) ? 0 : Math.abs(hash)) % partitions
}
