import { array, type Infer, type Input, int8, int16, int32, message, string } from '../schema.ts'

export const findCoordinatorRequest = message(
  { name: 'FindCoordinatorRequest', key: 10, versions: '0-6', flexible: '3+' },
  {
    key: string({ versions: '0-3' }),
    keyType: int8({ versions: '1+', default: 0 }),
    coordinatorKeys: array(string(), { versions: '4+' }),
  },
)
export interface FindCoordinatorRequest extends Infer<typeof findCoordinatorRequest> {}
export interface FindCoordinatorRequestInput extends Input<typeof findCoordinatorRequest> {}

export const findCoordinatorResponse = message(
  { name: 'FindCoordinatorResponse', key: 10, versions: '0-6', flexible: '3+' },
  {
    throttleTimeMs: int32({ versions: '1+', ignorable: true }),
    errorCode: int16({ versions: '0-3' }),
    errorMessage: string({ versions: '1-3', nullable: '1-3', ignorable: true }),
    nodeId: int32({ versions: '0-3' }),
    host: string({ versions: '0-3' }),
    port: int32({ versions: '0-3' }),
    coordinators: array(
      {
        key: string({ versions: '4+' }),
        nodeId: int32({ versions: '4+' }),
        host: string({ versions: '4+' }),
        port: int32({ versions: '4+' }),
        errorCode: int16({ versions: '4+' }),
        errorMessage: string({ versions: '4+', nullable: '4+', ignorable: true }),
      },
      { versions: '4+' },
    ),
  },
)
export interface FindCoordinatorResponse extends Infer<typeof findCoordinatorResponse> {}
export interface FindCoordinatorResponseInput extends Input<typeof findCoordinatorResponse> {}
