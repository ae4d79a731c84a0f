import {
  array,
  bool,
  type Infer,
  type Input,
  int16,
  int32,
  message,
  string,
  uint16,
  uuid,
} from '../schema.ts'

export const addRaftVoterRequest = message(
  { name: 'AddRaftVoterRequest', key: 80, versions: '0-1', flexible: '0+' },
  {
    clusterId: string({ nullable: '0+' }),
    timeoutMs: int32(),
    voterId: int32(),
    voterDirectoryId: uuid(),
    listeners: array({ name: string(), host: string(), port: uint16() }),
    ackWhenCommitted: bool({ versions: '1+', default: true }),
  },
)
export interface AddRaftVoterRequest extends Infer<typeof addRaftVoterRequest> {}
export interface AddRaftVoterRequestInput extends Input<typeof addRaftVoterRequest> {}

export const addRaftVoterResponse = message(
  { name: 'AddRaftVoterResponse', key: 80, versions: '0-1', flexible: '0+' },
  {
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: string({ nullable: '0+', ignorable: true }),
  },
)
export interface AddRaftVoterResponse extends Infer<typeof addRaftVoterResponse> {}
export interface AddRaftVoterResponseInput extends Input<typeof addRaftVoterResponse> {}
