import { describe, expect, it } from 'vitest'
import { applyChanges } from '../cluster/metadata/changes.ts'
import { emptyImage, featureLevel } from '../cluster/metadata/image.ts'
import {
  type Feature,
  type FeatureUpdate,
  finalizeFeatures,
  planFeatureUpdates,
  SUPPORTED_FEATURES,
  UpgradeType,
  unservedFeature,
} from './features.ts'

const NODE_ID = 7
const served: readonly Feature[] = [
  { name: 'group.version', minVersion: 0, maxVersion: 1, initialLevel: 1 },
  { name: 'transaction.version', minVersion: 0, maxVersion: 2, initialLevel: 2 },
]

function imageWith(levels: Record<string, number>) {
  const changes = Object.entries(levels).map(([feature, level]) => ({
    type: 'setFeature' as const,
    feature,
    level,
  }))
  return applyChanges(emptyImage, changes, 1)
}

describe('at the start', () => {
  it('finalizes what the metadata has no level of', () => {
    const { changes } = finalizeFeatures(imageWith({ 'group.version': 1 }), served)
    expect(changes).toEqual([{ type: 'setFeature', feature: 'transaction.version', level: 2 }])
  })

  it('leaves a level that was chosen, off among them', () => {
    const image = imageWith({ 'group.version': 0, 'transaction.version': 1 })
    expect(finalizeFeatures(image, served).changes).toEqual([])
    expect(featureLevel(image, 'group.version')).toBe(0)
  })

  it.each([
    [{ 'group.version': 2 }, 'feature group.version is finalized at level 2'],
    [{ 'share.version': 1 }, 'feature share.version is finalized at level 1'],
  ])('refuses metadata with %j, which it does not serve', (levels, text) => {
    expect(unservedFeature(imageWith(levels), served)).toContain(text)
  })

  it('goes on with levels that it serves, and with others that are off', () => {
    expect(
      unservedFeature(imageWith({ 'transaction.version': 1, 'share.version': 0 }), served),
    ).toBeUndefined()
  })

  it('has an initial level within the range of every feature, and each feature once', () => {
    for (const { minVersion, maxVersion, initialLevel } of SUPPORTED_FEATURES) {
      expect(initialLevel).toBeGreaterThanOrEqual(minVersion)
      expect(initialLevel).toBeLessThanOrEqual(maxVersion)
    }
    expect(new Set(SUPPORTED_FEATURES.map(({ name }) => name)).size).toBe(SUPPORTED_FEATURES.length)
  })
})

describe('UpdateFeatures', () => {
  const image = imageWith({ 'group.version': 1, 'transaction.version': 1 })
  const update = (
    feature: string,
    level: number,
    upgradeType: number = UpgradeType.UPGRADE,
  ): FeatureUpdate => ({
    feature,
    level,
    upgradeType,
  })
  const plan = (...updates: readonly FeatureUpdate[]) => planFeatureUpdates(image, updates, NODE_ID, served)

  it('moves a level up, and down where a downgrade is asked for', () => {
    expect(
      plan(update('transaction.version', 2), update('group.version', 0, UpgradeType.SAFE_DOWNGRADE)),
    ).toEqual({
      changes: [
        { type: 'setFeature', feature: 'transaction.version', level: 2 },
        { type: 'setFeature', feature: 'group.version', level: 0 },
      ],
      result: undefined,
    })
  })

  it('changes nothing for the level that there is, whatever the upgrade type', () => {
    for (const type of Object.values(UpgradeType)) {
      expect(plan(update('group.version', 1, type))).toEqual({ changes: [], result: undefined })
    }
  })

  it('takes the last of two updates of a feature', () => {
    const { changes } = plan(
      update('transaction.version', 2),
      update('transaction.version', 0, UpgradeType.UNSAFE_DOWNGRADE),
    )
    expect(changes).toEqual([{ type: 'setFeature', feature: 'transaction.version', level: 0 }])
  })

  it.each([
    [update('nope', 1), 'Local controller 7 does not support this feature.'],
    [update('nope', 0), 'Feature nope not found.'],
    [update('group.version', 9), 'Local controller 7 only supports versions 0-1'],
    [update('group.version', -1), 'A feature version cannot be less than 0.'],
    [update('group.version', 1, 0), 'The controller does not support the given upgrade type.'],
    [update('group.version', 1, 4), 'The controller does not support the given upgrade type.'],
    [
      update('group.version', 0),
      "Can't downgrade the version of this feature without setting the upgrade type",
    ],
    [update('transaction.version', 2, UpgradeType.SAFE_DOWNGRADE), "Can't downgrade to a newer version."],
  ])('refuses %j, and what stands beside it', (bad, reason) => {
    const { changes, result } = plan(update('transaction.version', 2), bad)
    expect(changes).toEqual([])
    expect(result).toContain(`Invalid update version ${bad.level} for feature ${bad.feature}. ${reason}`)
  })
})
