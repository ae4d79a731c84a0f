import { type Infer, type Input, int16, int32, message, string } from '../schema.ts'

export const requestHeader = message(
  { name: 'RequestHeader', versions: '1-2', flexible: '2+' },
  {
    requestApiKey: int16(),
    requestApiVersion: int16(),
    correlationId: int32(),
    clientId: string({ versions: '1+', nullable: '1+', flexible: 'none' }),
  },
)
export interface RequestHeader extends Infer<typeof requestHeader> {}
export interface RequestHeaderInput extends Input<typeof requestHeader> {}
