import { type Infer, type Input, int16, int32, message, string, uuid } from '../schema.ts'

export const removeRaftVoterRequest = message(
  { name: 'RemoveRaftVoterRequest', key: 81, versions: '0', flexible: '0+' },
  {
    clusterId: string({ nullable: '0+' }),
    voterId: int32(),
    voterDirectoryId: uuid(),
  },
)
export interface RemoveRaftVoterRequest extends Infer<typeof removeRaftVoterRequest> {}
export interface RemoveRaftVoterRequestInput extends Input<typeof removeRaftVoterRequest> {}

export const removeRaftVoterResponse = message(
  { name: 'RemoveRaftVoterResponse', key: 81, versions: '0', flexible: '0+' },
  {
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: string({ nullable: '0+', ignorable: true }),
  },
)
export interface RemoveRaftVoterResponse extends Infer<typeof removeRaftVoterResponse> {}
export interface RemoveRaftVoterResponseInput extends Input<typeof removeRaftVoterResponse> {}
