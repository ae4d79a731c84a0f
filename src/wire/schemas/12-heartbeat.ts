import { type Infer, type Input, int16, int32, message, string } from '../schema.ts'

export const heartbeatRequest = message(
  { name: 'HeartbeatRequest', key: 12, versions: '0-4', flexible: '4+' },
  {
    groupId: string(),
    generationId: int32(),
    memberId: string(),
    groupInstanceId: string({ versions: '3+', nullable: '3+', default: null }),
  },
)
export interface HeartbeatRequest extends Infer<typeof heartbeatRequest> {}
export interface HeartbeatRequestInput extends Input<typeof heartbeatRequest> {}

export const heartbeatResponse = message(
  { name: 'HeartbeatResponse', key: 12, versions: '0-4', flexible: '4+' },
  {
    throttleTimeMs: int32({ versions: '1+', ignorable: true }),
    errorCode: int16(),
  },
)
export interface HeartbeatResponse extends Infer<typeof heartbeatResponse> {}
export interface HeartbeatResponseInput extends Input<typeof heartbeatResponse> {}
