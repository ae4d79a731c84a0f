/** `group.consumer.migration.policy`: which way groups with members may move between the protocols. */
export type MigrationPolicy = 'disabled' | 'upgrade' | 'downgrade' | 'bidirectional'

const POLICIES: readonly MigrationPolicy[] = ['disabled', 'upgrade', 'downgrade', 'bidirectional']

/** In any case. Throws RangeError for another word. */
export function parseMigrationPolicy(word: string): MigrationPolicy {
  const policy = POLICIES.find((each) => each === word.toLowerCase())
  if (policy === undefined) throw new RangeError(`no migration policy: ${word}`)
  return policy
}

export function allowsUpgrade(policy: MigrationPolicy): boolean {
  return policy === 'upgrade' || policy === 'bidirectional'
}

export function allowsDowngrade(policy: MigrationPolicy): boolean {
  return policy === 'downgrade' || policy === 'bidirectional'
}
