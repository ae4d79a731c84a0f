import type { CreateTopicsRequestInput } from '../wire/schemas/19-create-topics.ts'

/** A topic of one replica, as CreateTopics asks for it. */
export function newTopic(
  name: string,
  numPartitions: number,
  configs: Readonly<Record<string, string>> = {},
): CreateTopicsRequestInput['topics'][number] {
  return {
    name,
    numPartitions,
    replicationFactor: 1,
    assignments: [],
    configs: Object.entries(configs).map(([key, value]) => ({ name: key, value })),
  }
}
