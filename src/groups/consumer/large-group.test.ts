import { beforeAll, describe, expect, test } from 'vitest'
import type { Clock } from '../../base/clock.ts'
import { silentLogger } from '../../base/logger.ts'
import { CoordinatorShard } from '../../cluster/coordinator/coordinator-shard.ts'
import { emptyImage, type MetadataImage, type TopicImage } from '../../cluster/metadata/image.ts'
import { BatchReader } from '../../wire/batch.ts'
import type { GroupCommand, GroupReplies, GroupReply } from '../commands.ts'
import { GroupMachine } from '../group-machine.ts'
import { type GroupRecord, groupSerde } from '../records.ts'
import { DEFAULT_CONSUMER_SETTINGS, DEFAULT_OPTIONS } from '../testdata/harness.ts'
import { topicOf } from '../testdata/scenario-command.ts'

/** CPU time of this thread alone, in milliseconds: what others do on the machine does not count. */
function threadCpuMs(): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1000
}

interface Member {
  readonly memberId: string
  memberEpoch: number
  readonly topics: string[]
  owned: { topicId: string; partitions: number[] }[]
}

/** A group on a coordinator as a broker runs it, with a log that keeps nothing. */
class LargeGroup {
  readonly members: readonly Member[]
  worstMs = 0
  readonly #assignor: string
  /** Turns of the event loop that timers took. */
  turns = 0
  #nowMs = 0
  readonly #due: (() => void)[] = []
  readonly #shard: CoordinatorShard<GroupCommand, GroupReply, GroupRecord>

  /** @param topicsOf what the nth member subscribes to */
  constructor(
    memberCount: number,
    topics: readonly TopicImage[],
    assignor: string,
    topicsOf: (index: number) => string[],
  ) {
    this.#assignor = assignor
    this.members = Array.from({ length: memberCount }, (_, i) => ({
      memberId: `member-${String(i).padStart(15, '0')}`,
      memberEpoch: 0,
      topics: topicsOf(i),
      owned: [],
    }))
    const image: MetadataImage = {
      ...emptyImage,
      topics: new Map(topics.map((topic) => [topic.name, topic])),
      topicsById: new Map(topics.map((topic) => [topic.id, topic])),
    }
    const settings = { ...DEFAULT_CONSUMER_SETTINGS, assignmentIntervalMs: 1000 }
    const consumer = { ...DEFAULT_OPTIONS.consumer, groupSettings: () => settings }
    let logEndOffset = 0
    this.#shard = new CoordinatorShard({
      machine: new GroupMachine({ ...DEFAULT_OPTIONS, consumer }, () => image, silentLogger),
      serde: groupSerde,
      log: {
        logStartOffset: 0,
        get logEndOffset() {
          return logEndOffset
        },
        get highWatermark() {
          return logEndOffset
        },
        append(bytes) {
          for (const batch of new BatchReader(bytes)) logEndOffset += batch.lastOffset - batch.baseOffset + 1
          return logEndOffset - 1
        },
        read: () => [],
        onHighWatermark: () => () => {},
      },
      clock: this.#clock(),
      logger: silentLogger,
      writeTimeoutMs: 5000,
      maxBatchBytes: 1_000_000,
    })
    this.#shard.start()
  }

  async beat(member: Member, saysAll = true): Promise<void> {
    const joins = member.memberEpoch === 0
    const command: GroupCommand = {
      type: 'consumerGroupHeartbeat',
      request: {
        groupId: 'g',
        memberId: member.memberId,
        memberEpoch: member.memberEpoch,
        instanceId: null,
        rackId: null,
        rebalanceTimeoutMs: joins ? 60_000 : -1,
        subscribedTopicNames: joins ? member.topics : null,
        subscribedTopicRegex: null,
        serverAssignor: joins ? this.#assignor : null,
        topicPartitions: saysAll ? member.owned : null,
      },
      context: { version: 1, clientId: 'c', clientHost: '/127.0.0.1' },
      uuid: '',
    }
    const before = threadCpuMs()
    const answered = this.#shard.execute(command)
    this.worstMs = Math.max(this.worstMs, threadCpuMs() - before)
    const answer = (await answered) as GroupReplies['consumerGroupHeartbeat']
    expect(answer.errorCode).toBe(0)
    member.memberEpoch = answer.memberEpoch
    member.owned =
      answer.assignment?.topicPartitions.map((topic) => ({ ...topic, partitions: [...topic.partitions] })) ??
      member.owned
  }

  /** Every member is heard of once, two seconds after the last time. */
  async round(): Promise<void> {
    this.#nowMs += 2000
    for (const member of this.members) {
      await this.beat(member)
      this.#turn()
    }
  }

  /** Timers without a delay run between requests; nothing here lives long enough for others. */
  #clock(): Clock {
    return {
      now: () => this.#nowMs,
      monotonicMs: () => this.#nowMs,
      setTimer: (delayMs, callback) => {
        if (delayMs === 0) this.#due.push(callback)
        return { cancel() {} }
      },
    }
  }

  #turn(): void {
    const callback = this.#due.shift()
    if (callback === undefined) return
    this.turns++
    const before = threadCpuMs()
    callback()
    this.worstMs = Math.max(this.worstMs, threadCpuMs() - before)
  }

  /** A member leaves and comes back; the group moves until all own what they are to own. */
  async rebalance(member: Member): Promise<void> {
    member.memberEpoch = -1
    await this.beat(member)
    member.memberEpoch = 0
    member.owned = []
    for (let i = 0; i < 4; i++) await this.round()
  }

  get owned(): number {
    return this.members.reduce(
      (sum, { owned }) => sum + owned.reduce((all, { partitions }) => all + partitions.length, 0),
      0,
    )
  }
}

async function settled(memberCount: number, partitionCount: number, assignor: string): Promise<LargeGroup> {
  const group = new LargeGroup(memberCount, [topicOf(`t:${partitionCount}`)], assignor, () => ['t'])
  for (let i = 0; i < 4; i++) await group.round()
  expect(group.owned).toBe(partitionCount)
  return group
}

describe('a large group', () => {
  // The code is compiled as it runs: what is measured is not the first time.
  beforeAll(async () => {
    await settled(100, 1000, 'uniform')
    await settled(100, 1000, 'range')
  })

  test.each(['uniform', 'range'])(
    'of 1,000 members with 1,000 partitions, %s, is rebalanced in steps of less than 50 ms of CPU time',
    async (assignor) => {
      const group = await settled(1000, 1000, assignor)
      for (const member of group.members.slice(3, 4)) await group.rebalance(member)
      expect(group.owned).toBe(1000)
      expect(group.worstMs).toBeLessThan(50)
    },
  )

  test('of 1,000 members, each with topics of its own choice, is rebalanced in such steps too', async () => {
    const topics = Array.from({ length: 1000 }, (_, i) => topicOf(`t${i}:1`))
    // Every member wants some hundred of them.
    const topicsOf = (index: number) =>
      topics.map(({ name }) => name).filter((_, i) => (i * 7 + index * 13) % (index % 5 === 0 ? 20 : 9) === 0)
    const group = new LargeGroup(1000, topics, 'uniform', topicsOf)
    for (let i = 0; i < 4; i++) await group.round()
    group.worstMs = 0
    await group.rebalance(group.members[3]!)
    // One assignment more than where each is there at once.
    for (let i = 0; i < 3; i++) await group.round()
    expect(group.owned).toBe(1000)
    expect(group.turns).toBeGreaterThan(5)
    expect(group.worstMs).toBeLessThan(50)
  })

  test('costs no more for a heartbeat than a small one', async () => {
    const heartbeatMs = async (group: LargeGroup) => {
      const before = threadCpuMs()
      for (let i = 0; i < 2000; i++) await group.beat(group.members[i % group.members.length]!, false)
      return (threadCpuMs() - before) / 2000
    }
    const small = await settled(10, 1000, 'uniform')
    const large = await settled(1000, 1000, 'uniform')
    const times = { small: Number.POSITIVE_INFINITY, large: Number.POSITIVE_INFINITY }
    for (let i = 0; i < 4; i++) {
      times.small = Math.min(times.small, await heartbeatMs(small))
      times.large = Math.min(times.large, await heartbeatMs(large))
    }
    // A hundred times the members; twice the time leaves room for a colder cache.
    expect(times.large).toBeLessThan(2 * times.small)
  })
})
