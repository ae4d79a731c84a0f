import { array, type Infer, type Input, int16, int32, int64, message, string, uuid } from '../schema.ts'

export const readShareGroupStateSummaryRequest = message(
  { name: 'ReadShareGroupStateSummaryRequest', key: 87, versions: '0-1', flexible: '0+' },
  {
    groupId: string(),
    topics: array({
      topicId: uuid(),
      partitions: array({ partition: int32(), leaderEpoch: int32() }),
    }),
  },
)
export interface ReadShareGroupStateSummaryRequest extends Infer<typeof readShareGroupStateSummaryRequest> {}
export interface ReadShareGroupStateSummaryRequestInput
  extends Input<typeof readShareGroupStateSummaryRequest> {}

export const readShareGroupStateSummaryResponse = message(
  { name: 'ReadShareGroupStateSummaryResponse', key: 87, versions: '0-1', flexible: '0+' },
  {
    results: array({
      topicId: uuid(),
      partitions: array({
        partition: int32(),
        errorCode: int16(),
        errorMessage: string({ nullable: '0+', default: null }),
        stateEpoch: int32(),
        leaderEpoch: int32(),
        startOffset: int64(),
        deliveryCompleteCount: int32({ versions: '1+', default: -1, ignorable: true }),
      }),
    }),
  },
)
export interface ReadShareGroupStateSummaryResponse
  extends Infer<typeof readShareGroupStateSummaryResponse> {}
export interface ReadShareGroupStateSummaryResponseInput
  extends Input<typeof readShareGroupStateSummaryResponse> {}
