import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { AssignmentError, type MemberSpec, type TopicPartitions } from './assignor.ts'
import { rangeAssignor } from './range.ts'
import { groupOf } from './testdata/groups.ts'
import { uniformAssignor } from './uniform.ts'

/** A line of the fixture: see `AssignorFixtures` in `compat-tests/java/fixtures`. */
interface KafkaAssignment {
  readonly assignor: 'uniform' | 'range'
  readonly homogeneous: boolean
  readonly topics: readonly (readonly [id: string, partitions: number])[]
  readonly members: readonly (readonly [
    memberId: string,
    instanceId: string | null,
    subscribed: readonly number[],
    assigned: ByTopicIndex,
  ])[]
  readonly result: readonly (ByTopicIndex | null)[] | null
}

type ByTopicIndex = Readonly<Record<string, readonly number[]>>

const lines = gunzipSync(readFileSync(new URL('testdata/kafka-assignments.jsonl.gz', import.meta.url)))
  .toString()
  .trimEnd()
  .split('\n')
  .map((line) => JSON.parse(line) as KafkaAssignment)

describe('assignments are those that Kafka comes to', () => {
  test.each([uniformAssignor, rangeAssignor])('$name', (assignor) => {
    const ours = lines.filter((line) => line.assignor === assignor.name)
    expect(ours.length).toBeGreaterThan(400)
    expect(ours.some((line) => line.homogeneous) && ours.some((line) => !line.homogeneous)).toBe(true)
    for (const [number, line] of ours.entries()) {
      const { group, topics } = groupAndTopicsOf(line)
      const assign = () => assignor.assign(group, topics)
      if (line.result === null) {
        expect(assign, `group ${number}`).toThrow(AssignmentError)
        continue
      }
      const assignment = assign()
      const byMember = line.members.map(([memberId]) => toIndexes(line, assignment.get(memberId)))
      expect(byMember, `group ${number}`).toEqual(line.result)
    }
  })
})

function groupAndTopicsOf({ homogeneous, topics, members }: KafkaAssignment) {
  const partitions = new Map(topics)
  const specs = members.map(
    ([memberId, instanceId, subscribed, assigned]): MemberSpec => ({
      memberId,
      instanceId,
      rackId: null,
      subscribedTopicIds: new Set(subscribed.map((index) => topics[index]![0])),
      assignment: new Map(
        Object.entries(assigned).map(([index, ofTopic]) => [topics[Number(index)]![0], ofTopic]),
      ),
    }),
  )
  return {
    group: groupOf(specs, homogeneous ? 'homogeneous' : 'heterogeneous'),
    topics: { partitionCount: (topicId: string) => partitions.get(topicId) ?? -1 },
  }
}

function toIndexes(
  { topics }: KafkaAssignment,
  assignment: TopicPartitions | undefined,
): ByTopicIndex | null {
  if (assignment === undefined) return null
  return Object.fromEntries(
    [...assignment].map(([topicId, partitions]) => [topics.findIndex(([id]) => id === topicId), partitions]),
  )
}
