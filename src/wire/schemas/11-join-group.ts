import { array, bool, bytes, type Infer, type Input, int16, int32, message, string } from '../schema.ts'

export const joinGroupRequest = message(
  { name: 'JoinGroupRequest', key: 11, versions: '0-9', flexible: '6+' },
  {
    groupId: string(),
    sessionTimeoutMs: int32(),
    rebalanceTimeoutMs: int32({ versions: '1+', default: -1, ignorable: true }),
    memberId: string(),
    groupInstanceId: string({ versions: '5+', nullable: '5+', default: null }),
    protocolType: string(),
    protocols: array({ name: string(), metadata: bytes() }),
    reason: string({ versions: '8+', nullable: '8+', default: null, ignorable: true }),
  },
)
export interface JoinGroupRequest extends Infer<typeof joinGroupRequest> {}
export interface JoinGroupRequestInput extends Input<typeof joinGroupRequest> {}

export const joinGroupResponse = message(
  { name: 'JoinGroupResponse', key: 11, versions: '0-9', flexible: '6+' },
  {
    throttleTimeMs: int32({ versions: '2+', ignorable: true }),
    errorCode: int16(),
    generationId: int32({ default: -1 }),
    protocolType: string({ versions: '7+', nullable: '7+', default: null, ignorable: true }),
    protocolName: string({ nullable: '7+' }),
    leader: string(),
    skipAssignment: bool({ versions: '9+', default: false }),
    memberId: string(),
    members: array({
      memberId: string(),
      groupInstanceId: string({ versions: '5+', nullable: '5+', default: null, ignorable: true }),
      metadata: bytes(),
    }),
  },
)
export interface JoinGroupResponse extends Infer<typeof joinGroupResponse> {}
export interface JoinGroupResponseInput extends Input<typeof joinGroupResponse> {}
