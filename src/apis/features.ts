/**
 * The features that this release serves (KIP-584). Clients decide by the finalized levels which protocols to speak, so a
 * level stands here only when all that it promises is served.
 *
 * A row is all that a feature needs: from the next start on it is advertised and finalized at `initialLevel`, in data
 * directories from before too, and UpdateFeatures moves it. Who acts on a level reads `featureLevel` of the image that
 * it decides on. `metadata.version` and `kraft.version` number the records of Kafka's own metadata log, which there is
 * none of, so they have no row; tools show what is finalized and miss nothing else.
 */
import type { MetadataChange } from '../cluster/metadata/changes.ts'
import { featureLevel, type MetadataImage } from '../cluster/metadata/image.ts'
import type { Decision } from '../cluster/metadata/store.ts'

export interface Feature {
  readonly name: string
  readonly minVersion: number
  readonly maxVersion: number
  /** Finalized at the start where nobody has chosen a level yet. */
  readonly initialLevel: number
}

export const SUPPORTED_FEATURES: readonly Feature[] = [
  // Consumer groups of the new protocol (KIP-848).
  { name: 'group.version', minVersion: 0, maxVersion: 1, initialLevel: 1 },
  // Every end of a transaction bumps the epoch (KIP-890).
  { name: 'transaction.version', minVersion: 0, maxVersion: 2, initialLevel: 2 },
]

/** What UpdateFeatures asks for one feature. */
export interface FeatureUpdate {
  readonly feature: string
  readonly level: number
  /** A number of `UpgradeType`, or one that is none. */
  readonly upgradeType: number
}

/** Kafka's `FeatureUpdate.UpgradeType`. */
export const UpgradeType = { UPGRADE: 1, SAFE_DOWNGRADE: 2, UNSAFE_DOWNGRADE: 3 } as const

/** Finalizes what no one has decided on. A level once chosen stays, 0 as well. */
export function finalizeFeatures(
  image: MetadataImage,
  supported: readonly Feature[] = SUPPORTED_FEATURES,
): Decision<void> {
  const changes: MetadataChange[] = supported
    .filter(({ name }) => !image.features.has(name))
    .map(({ name, initialLevel }) => ({ type: 'setFeature', feature: name, level: initialLevel }))
  return { changes, result: undefined }
}

/**
 * Why this release must not run on the metadata: a finalized feature that it does not serve, which only a newer one can
 * have set. Undefined where it may.
 */
export function unservedFeature(
  image: MetadataImage,
  supported: readonly Feature[] = SUPPORTED_FEATURES,
): string | undefined {
  for (const [name, level] of image.features) {
    if (reasonNotSupported(name, level, supported) === undefined) continue
    return `feature ${name} is finalized at level ${level}, which this release does not serve`
  }
  return undefined
}

/** Kafka's `FeatureControlManager.updateFeatures`: all or nothing. The result is why nothing is done, if so. */
export function planFeatureUpdates(
  image: MetadataImage,
  updates: readonly FeatureUpdate[],
  nodeId: number,
  supported: readonly Feature[] = SUPPORTED_FEATURES,
): Decision<string | undefined> {
  // Of a feature that is named twice the last update counts.
  const byFeature = new Map(updates.map((update) => [update.feature, update]))
  const changes: MetadataChange[] = []
  for (const { feature, level, upgradeType } of byFeature.values()) {
    const reason = refusalOf(image, { feature, level, upgradeType }, nodeId, supported)
    if (reason !== undefined) {
      return { changes: [], result: `Invalid update version ${level} for feature ${feature}. ${reason}` }
    }
    if (image.features.get(feature) !== level) changes.push({ type: 'setFeature', feature, level })
  }
  return { changes, result: undefined }
}

function refusalOf(
  image: MetadataImage,
  { feature, level, upgradeType }: FeatureUpdate,
  nodeId: number,
  supported: readonly Feature[],
): string | undefined {
  if (upgradeType < UpgradeType.UPGRADE || upgradeType > UpgradeType.UNSAFE_DOWNGRADE) {
    return 'The controller does not support the given upgrade type.'
  }
  if (level < 0) return 'A feature version cannot be less than 0.'
  const reason = reasonNotSupported(feature, level, supported)
  if (reason !== undefined) return `Local controller ${nodeId} ${reason}`
  const current = featureLevel(image, feature)
  if (level < current && upgradeType === UpgradeType.UPGRADE) {
    return "Can't downgrade the version of this feature without setting the upgrade type to either safe or unsafe downgrade."
  }
  if (level > current && upgradeType !== UpgradeType.UPGRADE) return "Can't downgrade to a newer version."
  if (!supported.some(({ name }) => name === feature)) return `Feature ${feature} not found.`
  return undefined
}

/** As Kafka's `QuorumFeatures` has it: level 0 of anything is supported, being its absence. */
function reasonNotSupported(name: string, level: number, supported: readonly Feature[]): string | undefined {
  if (level === 0) return undefined
  const feature = supported.find((row) => row.name === name)
  if (feature === undefined) return 'does not support this feature.'
  const { minVersion, maxVersion } = feature
  if (level >= minVersion && level <= maxVersion) return undefined
  return `only supports versions ${minVersion}-${maxVersion}`
}
