import { api, versionsOf } from '../apis.ts'
import type { Scenario } from '../scenario.ts'
import type { Session } from '../session.ts'

const UPGRADE = 1
const SAFE_DOWNGRADE = 2
const UNSAFE_DOWNGRADE = 3

type Update = readonly [feature: string, maxVersionLevel: number, upgradeType?: number]

/** Steps with the name of a feature in them are for whoever serves it. What is changed is put back. */
export const features: Scenario = {
  name: 'features',
  async run(session) {
    for (const version of versionsOf(api.updateFeatures)) await update(session, version)
    await updateOne(session, 'group.version', 1)
    await updateOne(session, 'transaction.version', 2)
  },
}

async function update(session: Session, version: number): Promise<void> {
  const ask = (step: string, updates: readonly Update[], validateOnly = false) =>
    session.ask(`${step} v${version}`, api.updateFeatures, version, input(updates, validateOnly))
  await ask('none', [])
  await ask('none to validate', [], true)
  await ask('an unknown feature', [['nope', 1]])
  await ask('an unknown feature to validate', [['nope', 1]], true)
  await ask('an unknown feature at 0', [['nope', 0]])
  await ask('an unknown feature at -1', [['nope', -1]])
  await ask('an unknown feature down', [['nope', 0, SAFE_DOWNGRADE]])
  await ask('an empty name', [['', 1]])
  await ask('the same unknown feature twice', [
    ['nope', 1],
    ['nope', 2],
  ])
  for (const upgradeType of [0, 4, -1]) {
    await ask(`upgrade type ${upgradeType}`, [['nope', 1, upgradeType]])
  }
}

async function updateOne(session: Session, feature: string, max: number): Promise<void> {
  for (const version of versionsOf(api.updateFeatures)) {
    const ask = (step: string, updates: readonly Update[], validateOnly = true) =>
      session.ask(
        `${feature}: ${step} v${version}`,
        api.updateFeatures,
        version,
        input(updates, validateOnly),
      )
    await ask('as it is', [[feature, max]])
    await ask('as it is, twice', [
      [feature, max],
      [feature, max],
    ])
    await ask('as it is, by downgrade', [[feature, max, SAFE_DOWNGRADE]])
    await ask('beyond', [[feature, max + 1]])
    await ask('below', [[feature, -1]])
    await ask('down by upgrade', [[feature, max - 1]])
    await ask('unknown upgrade type', [[feature, max, 0]])
    await ask('with an unknown feature', [
      [feature, max],
      ['nope', 1],
    ])
    if (version === 0) continue
    await ask('down', [[feature, 0, SAFE_DOWNGRADE]], false)
    await finalized(session, `${feature}: after down v${version}`, feature, undefined)
    await ask('up by downgrade', [[feature, max, UNSAFE_DOWNGRADE]])
    await ask('up to validate', [[feature, max]])
    await finalized(session, `${feature}: after up to validate v${version}`, feature, undefined)
    await ask('up', [[feature, max, UPGRADE]], false)
    await finalized(session, `${feature}: after up v${version}`, feature, max)
  }
}

/** Kafka's brokers learn of it after the controller has answered. */
async function finalized(
  session: Session,
  step: string,
  feature: string,
  level: number | undefined,
): Promise<void> {
  const request = { clientSoftwareName: 'differential', clientSoftwareVersion: '1' }
  const levelOf = (answer: { finalizedFeatures: readonly { name: string; maxVersionLevel: number }[] }) =>
    answer.finalizedFeatures.find(({ name }) => name === feature)?.maxVersionLevel
  for (let left = 200; left > 0; left--) {
    const answer = await session.quiet(api.apiVersions, 4, request)
    if (levelOf(answer) === level) break
  }
  await session.ask(step, api.apiVersions, 4, request, ({ supportedFeatures, finalizedFeatures }) => ({
    supported: supportedFeatures.filter(({ name }) => name === feature),
    finalized: finalizedFeatures.filter(({ name }) => name === feature),
  }))
}

function input(updates: readonly Update[], validateOnly: boolean) {
  return {
    timeoutMs: 10_000,
    featureUpdates: updates.map(([feature, maxVersionLevel, upgradeType = UPGRADE]) => ({
      feature,
      maxVersionLevel,
      upgradeType,
      allowDowngrade: upgradeType !== UPGRADE,
    })),
    validateOnly,
  }
}
