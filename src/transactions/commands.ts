import type { TransactionPartitions, TransactionResult, TransactionState } from './transaction.ts'

interface ProducerCommand {
  readonly transactionalId: string
  readonly producerId: number
  readonly producerEpoch: number
}

/** What a transaction coordinator is asked. */
export type TransactionCommand =
  | {
      readonly type: 'initProducerId'
      readonly transactionalId: string
      readonly timeoutMs: number
      /** What the producer had, in versions that tell; both -1 for a producer that begins. */
      readonly producerId: number
      readonly producerEpoch: number
      /** An id that nobody has yet. Without it, a command that needs one is answered with `needsProducerId`. */
      readonly newProducerId?: number
    }
  | (ProducerCommand & {
      readonly type: 'addPartitions'
      readonly partitions: TransactionPartitions
      readonly clientVersion: number
    })
  | (ProducerCommand & { readonly type: 'verifyPartitions'; readonly partitions: TransactionPartitions })
  | (ProducerCommand & {
      readonly type: 'endTransaction'
      readonly result: TransactionResult
      readonly clientVersion: number
      readonly newProducerId?: number
    })
  /** The coordinator's own: a transaction whose time is over. */
  | (ProducerCommand & { readonly type: 'abortTimedOut'; readonly newProducerId: number })
  /** The coordinator's own: the task of a `writeMarkers` is done. */
  | (ProducerCommand & { readonly type: 'markersWritten' })
  | { readonly type: 'describeTransactions'; readonly transactionalIds: readonly string[] }
  | { readonly type: 'listTransactions'; readonly filter: TransactionFilter }

/** Each undefined part lets everything pass. */
export interface TransactionFilter {
  readonly states?: ReadonlySet<string>
  readonly producerIds?: ReadonlySet<number>
  /** Only transactions that began longer ago than this. */
  readonly durationMs?: number
  readonly transactionalId?: (transactionalId: string) => boolean
}

export interface ProducerReply {
  readonly errorCode: number
  readonly producerId: number
  readonly producerEpoch: number
  /** Nothing was done: the same command is to come again with a `newProducerId`. */
  readonly needsProducerId?: true
}

export interface DescribedTransaction {
  readonly errorCode: number
  readonly transactionalId: string
  readonly state: TransactionState | ''
  readonly timeoutMs: number
  readonly startTimeMs: number
  readonly producerId: number
  readonly producerEpoch: number
  readonly partitions: TransactionPartitions
}

/** The reply to each command. */
export interface TransactionReplies {
  initProducerId: ProducerReply
  addPartitions: { readonly errorCode: number }
  /** With error code 0: those of the partitions that are not in the transaction. */
  verifyPartitions: { readonly errorCode: number; readonly missing: TransactionPartitions }
  endTransaction: ProducerReply
  abortTimedOut: { readonly errorCode: number }
  markersWritten: { readonly errorCode: number }
  describeTransactions: { readonly errorCode: number; readonly transactions: readonly DescribedTransaction[] }
  listTransactions: {
    readonly errorCode: number
    readonly transactions: readonly {
      readonly transactionalId: string
      readonly producerId: number
      readonly state: TransactionState
    }[]
  }
}

export type TransactionReply = TransactionReplies[keyof TransactionReplies]
export type TransactionReplyTo<C extends TransactionCommand> = TransactionReplies[C['type']]

/** What a transaction coordinator wants done elsewhere. */
export type TransactionTask =
  /** Ends with the command `markersWritten`. To be repeated until then, on whoever leads the partitions. */
  | {
      readonly type: 'writeMarkers'
      readonly transactionalId: string
      readonly producerId: number
      readonly producerEpoch: number
      readonly result: TransactionResult
      readonly partitions: TransactionPartitions
      readonly clientVersion: number
    }
  /** Ends with the command `abortTimedOut`. */
  | ({ readonly type: 'abortWithNewProducerId' } & ProducerCommand)
