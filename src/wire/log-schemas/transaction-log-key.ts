import { type Infer, type Input, message, string } from '../schema.ts'

export const transactionLogKey = message(
  { name: 'TransactionLogKey', key: 0, versions: '0' },
  {
    transactionalId: string({ versions: '0' }),
  },
)
export interface TransactionLogKey extends Infer<typeof transactionLogKey> {}
export interface TransactionLogKeyInput extends Input<typeof transactionLogKey> {}
