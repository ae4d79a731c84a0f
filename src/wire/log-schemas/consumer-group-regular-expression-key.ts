import { type Infer, type Input, message, string } from '../schema.ts'

export const consumerGroupRegularExpressionKey = message(
  { name: 'ConsumerGroupRegularExpressionKey', key: 16, versions: '0' },
  {
    groupId: string({ versions: '0' }),
    regularExpression: string({ versions: '0' }),
  },
)
export interface ConsumerGroupRegularExpressionKey extends Infer<typeof consumerGroupRegularExpressionKey> {}
export interface ConsumerGroupRegularExpressionKeyInput
  extends Input<typeof consumerGroupRegularExpressionKey> {}
