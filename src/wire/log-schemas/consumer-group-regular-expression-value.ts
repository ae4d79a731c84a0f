import { array, type Infer, type Input, int64, message, string } from '../schema.ts'

export const consumerGroupRegularExpressionValue = message(
  { name: 'ConsumerGroupRegularExpressionValue', key: 16, versions: '0', flexible: '0+' },
  {
    topics: array(string()),
    version: int64(),
    timestamp: int64(),
  },
)
export interface ConsumerGroupRegularExpressionValue
  extends Infer<typeof consumerGroupRegularExpressionValue> {}
export interface ConsumerGroupRegularExpressionValueInput
  extends Input<typeof consumerGroupRegularExpressionValue> {}
