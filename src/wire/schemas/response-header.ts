import { type Infer, type Input, int32, message } from '../schema.ts'

export const responseHeader = message(
  { name: 'ResponseHeader', versions: '0-1', flexible: '1+' },
  {
    correlationId: int32(),
  },
)
export interface ResponseHeader extends Infer<typeof responseHeader> {}
export interface ResponseHeaderInput extends Input<typeof responseHeader> {}
