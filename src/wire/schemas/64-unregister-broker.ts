import { type Infer, type Input, int16, int32, message, string } from '../schema.ts'

export const unregisterBrokerRequest = message(
  { name: 'UnregisterBrokerRequest', key: 64, versions: '0', flexible: '0+' },
  {
    brokerId: int32(),
  },
)
export interface UnregisterBrokerRequest extends Infer<typeof unregisterBrokerRequest> {}
export interface UnregisterBrokerRequestInput extends Input<typeof unregisterBrokerRequest> {}

export const unregisterBrokerResponse = message(
  { name: 'UnregisterBrokerResponse', key: 64, versions: '0', flexible: '0+' },
  {
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: string({ nullable: '0+' }),
  },
)
export interface UnregisterBrokerResponse extends Infer<typeof unregisterBrokerResponse> {}
export interface UnregisterBrokerResponseInput extends Input<typeof unregisterBrokerResponse> {}
