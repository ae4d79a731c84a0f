import { array, bytes, type Infer, type Input, int16, int32, message, string } from '../schema.ts'

export const syncGroupRequest = message(
  { name: 'SyncGroupRequest', key: 14, versions: '0-5', flexible: '4+' },
  {
    groupId: string(),
    generationId: int32(),
    memberId: string(),
    groupInstanceId: string({ versions: '3+', nullable: '3+', default: null }),
    protocolType: string({ versions: '5+', nullable: '5+', default: null, ignorable: true }),
    protocolName: string({ versions: '5+', nullable: '5+', default: null, ignorable: true }),
    assignments: array({ memberId: string(), assignment: bytes() }),
  },
)
export interface SyncGroupRequest extends Infer<typeof syncGroupRequest> {}
export interface SyncGroupRequestInput extends Input<typeof syncGroupRequest> {}

export const syncGroupResponse = message(
  { name: 'SyncGroupResponse', key: 14, versions: '0-5', flexible: '4+' },
  {
    throttleTimeMs: int32({ versions: '1+', ignorable: true }),
    errorCode: int16(),
    protocolType: string({ versions: '5+', nullable: '5+', default: null, ignorable: true }),
    protocolName: string({ versions: '5+', nullable: '5+', default: null, ignorable: true }),
    assignment: bytes(),
  },
)
export interface SyncGroupResponse extends Infer<typeof syncGroupResponse> {}
export interface SyncGroupResponseInput extends Input<typeof syncGroupResponse> {}
