import { array, type Infer, type Input, int16, int32, message, string } from '../schema.ts'

export const leaveGroupRequest = message(
  { name: 'LeaveGroupRequest', key: 13, versions: '0-5', flexible: '4+' },
  {
    groupId: string(),
    memberId: string({ versions: '0-2' }),
    members: array(
      {
        memberId: string({ versions: '3+' }),
        groupInstanceId: string({ versions: '3+', nullable: '3+', default: null }),
        reason: string({ versions: '5+', nullable: '5+', default: null, ignorable: true }),
      },
      { versions: '3+' },
    ),
  },
)
export interface LeaveGroupRequest extends Infer<typeof leaveGroupRequest> {}
export interface LeaveGroupRequestInput extends Input<typeof leaveGroupRequest> {}

export const leaveGroupResponse = message(
  { name: 'LeaveGroupResponse', key: 13, versions: '0-5', flexible: '4+' },
  {
    throttleTimeMs: int32({ versions: '1+', ignorable: true }),
    errorCode: int16(),
    members: array(
      {
        memberId: string({ versions: '3+' }),
        groupInstanceId: string({ versions: '3+', nullable: '3+' }),
        errorCode: int16({ versions: '3+' }),
      },
      { versions: '3+' },
    ),
  },
)
export interface LeaveGroupResponse extends Infer<typeof leaveGroupResponse> {}
export interface LeaveGroupResponseInput extends Input<typeof leaveGroupResponse> {}
