import type { ClassicGroup } from './classic/classic-group.ts'
import type { ConsumerGroup } from './consumer/consumer-group.ts'

/** A group of any protocol. Its `type` is what ListGroups shows. */
export type Group = ClassicGroup | ConsumerGroup

/** By group id. A group changes its type by being another object. */
export type Groups = Map<string, Group>

export function classicGroup(groups: ReadonlyMap<string, Group>, groupId: string): ClassicGroup | undefined {
  const group = groups.get(groupId)
  return group?.type === 'classic' ? group : undefined
}
