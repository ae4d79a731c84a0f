/** DescribeTransactions, version 0. */
import type { DescribedTransaction } from '../transactions/commands.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import {
  describeTransactionsRequest,
  describeTransactionsResponse,
} from '../wire/schemas/65-describe-transactions.ts'
import { handler } from './handler.ts'

export const describeTransactions = handler({
  request: describeTransactionsRequest,
  response: describeTransactionsResponse,
  minVersion: 0,
  maxVersion: 0,

  async handle(_context, { transactionalIds }, { transactions }) {
    const named = transactionalIds.filter((transactionalId) => transactionalId !== '')
    const described = new Map<string, DescribedTransaction | number>()
    for (const { ids, reply } of await transactions.describe(named)) {
      for (const id of ids) described.set(id, reply.errorCode)
      for (const transaction of reply.transactions) described.set(transaction.transactionalId, transaction)
    }
    return {
      transactionStates: transactionalIds.map((transactionalId) => {
        const found = described.get(transactionalId) ?? ErrorCode.INVALID_REQUEST
        return typeof found === 'number' ? refused(transactionalId, found) : shown(found)
      }),
    }
  },

  refuse: ({ transactionalIds }, errorCode) => ({
    transactionStates: transactionalIds.map((transactionalId) => refused(transactionalId, errorCode)),
  }),
})

function shown(transaction: DescribedTransaction) {
  return {
    errorCode: transaction.errorCode,
    transactionalId: transaction.transactionalId,
    transactionState: transaction.state,
    transactionTimeoutMs: transaction.timeoutMs,
    transactionStartTimeMs: transaction.startTimeMs,
    producerId: transaction.producerId,
    producerEpoch: transaction.producerEpoch,
    topics: Array.from(transaction.partitions, ([topic, partitions]) => ({
      topic,
      partitions: [...partitions],
    })),
  }
}

function refused(transactionalId: string, errorCode: number) {
  return {
    errorCode,
    transactionalId,
    transactionState: '',
    transactionTimeoutMs: 0,
    transactionStartTimeMs: 0,
    producerId: 0,
    producerEpoch: 0,
    topics: [],
  }
}
