import { array, bool, type Infer, type Input, int8, int16, int32, message, string } from '../schema.ts'

export const updateFeaturesRequest = message(
  { name: 'UpdateFeaturesRequest', key: 57, versions: '0-2', flexible: '0+' },
  {
    timeoutMs: int32({ default: 60000 }),
    featureUpdates: array({
      feature: string(),
      maxVersionLevel: int16(),
      allowDowngrade: bool({ versions: '0' }),
      upgradeType: int8({ versions: '1+', default: 1 }),
    }),
    validateOnly: bool({ versions: '1+', default: false }),
  },
)
export interface UpdateFeaturesRequest extends Infer<typeof updateFeaturesRequest> {}
export interface UpdateFeaturesRequestInput extends Input<typeof updateFeaturesRequest> {}

export const updateFeaturesResponse = message(
  { name: 'UpdateFeaturesResponse', key: 57, versions: '0-2', flexible: '0+' },
  {
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: string({ nullable: '0+' }),
    results: array(
      {
        feature: string(),
        errorCode: int16(),
        errorMessage: string({ nullable: '0+' }),
      },
      { versions: '0-1', ignorable: true },
    ),
  },
)
export interface UpdateFeaturesResponse extends Infer<typeof updateFeaturesResponse> {}
export interface UpdateFeaturesResponseInput extends Input<typeof updateFeaturesResponse> {}
