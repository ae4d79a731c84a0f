/**
 * The feature levels that this release serves (KIP-584). Clients decide by them which protocols to speak, so a feature
 * stands here only when all that its level promises is served.
 */
export interface FeatureRange {
  readonly name: string
  readonly minVersion: number
  readonly maxVersion: number
}

export const SUPPORTED_FEATURES: readonly FeatureRange[] = []
