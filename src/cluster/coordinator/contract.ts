/**
 * The contract between a coordinator (groups, transactions, share groups) and the runtime beside it, after Kafka's
 * `CoordinatorShard`, `CoordinatorResult` and `CoordinatorTimer`.
 *
 * A coordinator is one pure machine per partition of its internal topic. The runtime gives it commands with the time,
 * and gets Effects: records to append in one atomic batch, replies, timers. It appends the records, hands each to
 * `apply`, and sends the replies once the high watermark has passed them (at once where there are no records). After
 * a restart it hands the log's records to `apply` in order, then calls `loaded`.
 *
 * Durable state moves only in `apply`, so that live and replayed state cannot differ. State that is not in the log
 * (who waits for a join to complete, say) moves while a command is handled.
 */
export interface CoordinatorMachine<Command, Reply, CoordinatorRecord, Task = never> {
  /** `token` names whoever waits for the reply; a machine may keep it and answer it in the effects of a later command. */
  handle(command: Command, token: ReplyToken, nowMs: number): Effects<Reply, CoordinatorRecord, Task>
  /** A timer that this machine set has expired. */
  expire(timerKey: string, nowMs: number): Effects<Reply, CoordinatorRecord, Task>
  /**
   * One record of the log, live or replayed. `offset` is its place. With a `producerId` it is part of that producer's
   * transaction, and counts when `endTransaction` comes with 'commit'; -1 else.
   */
  apply(record: CoordinatorRecord, offset: number, producerId: number): void
  /** A producer's transaction has its marker in the log, live or replayed. For machines that take such records. */
  endTransaction?(producerId: number, result: 'commit' | 'abort'): void
  /** Replay has ended and this broker coordinates from now on: set timers, give members their session time anew. */
  loaded(nowMs: number): Effects<Reply, CoordinatorRecord, Task>
  /** This broker no longer coordinates: answer everyone who waits (with NOT_COORDINATOR). No records. */
  unloaded(): Effects<Reply, CoordinatorRecord, Task>
  /** The answer to `command` when it could not be served, in the form that its client understands. */
  refusal(command: Command, errorCode: number): Reply
}

/** Opaque to the machine; compared by identity. */
export interface ReplyToken {
  readonly replyToken: unique symbol
}

export interface Effects<Reply, CoordinatorRecord, Task = never> {
  /** Appended as one atomic batch, in order; empty for none. */
  readonly records: readonly CoordinatorRecord[]
  /** The records are written as part of this producer's transaction. */
  readonly producer?: { readonly producerId: number; readonly producerEpoch: number }
  /**
   * False: the records may be spread over several batches where one would be too large, as those of an expiry run of
   * thousands. When a batch in the middle is refused, those before it are in the log and applied.
   */
  readonly atomic?: boolean
  readonly replies: readonly { readonly to: ReplyToken; readonly reply: Reply }[]
  /**
   * What is to be done elsewhere, once the high watermark has passed the records and all before them. Its result comes
   * back as a command. Lost with the machine: `loaded` has to ask again for what was not done.
   */
  readonly tasks?: readonly Task[]
  /** Take effect at once, whatever becomes of the records. Setting a key again replaces its timer. */
  readonly timers: readonly TimerChange[]
  /**
   * Called when the records are in the log and applied (errorCode 0), or could not be written (the append's error
   * code, nothing applied). In the latter case the replies above are NOT sent: this has to answer their tokens too.
   * Without it, a failed write answers each token above with `refusal`.
   */
  readonly written?: (errorCode: number, nowMs: number) => Effects<Reply, CoordinatorRecord, Task>
}

export type TimerChange =
  | { readonly key: string; readonly set: { readonly delayMs: number } }
  | { readonly key: string; readonly set: null }

/** A record of an internal topic as bytes; a null value is a tombstone. */
export interface SerializedRecord {
  readonly key: Buffer
  readonly value: Buffer | null
}

/** Turns a machine's records into those of the log and back. */
export interface CoordinatorSerde<CoordinatorRecord> {
  serialize(record: CoordinatorRecord): SerializedRecord
  /** Undefined for a record of a kind that this release doesn't know; it is skipped (and counted), never an error. */
  deserialize(record: SerializedRecord): CoordinatorRecord | undefined
}
