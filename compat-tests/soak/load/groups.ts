/** Groups of both protocols, whose members join, leave and die. */
import { setTimeout as delay } from 'node:timers/promises'
import type { SeededRandom } from '../../../src/testing/seeded-random.ts'
import { TestClient } from '../../../src/testing/test-client.ts'
import {
  type ConsumerGroupHeartbeatRequestInput,
  type ConsumerGroupHeartbeatResponse,
  consumerGroupHeartbeatRequest,
  consumerGroupHeartbeatResponse,
} from '../../../src/wire/schemas/68-consumer-group-heartbeat.ts'
import type { CompatClient } from '../../support/client.ts'
import { startDyingMember } from '../../support/dying-member.ts'
import { eventually } from '../../support/eventually.ts'
import { expectNone } from '../../support/expect-none.ts'
import { Activity } from '../activity.ts'
import type { Place } from '../place.ts'

const ASSIGNED_WITHIN_MS = 60_000
const DIE_CHANCE = 0.3
/** A group gives way to the next, and its offsets are forgotten some time. */
const ROUNDS_OF_A_GROUP = 4

/**
 * One member of a client library stays for a while and reads; others come, take their share, and leave or die. What a
 * library makes of a rebalance is its own matter: it has to get partitions, and records.
 */
export function libraryGroups(
  client: CompatClient,
  place: Place,
  topic: string,
  random: SeededRandom,
  restMs: number,
): Activity {
  const bootstrapServers = `${place.host}:${place.port}`
  let groups = 0
  const step = async (isStopping: () => boolean) => {
    const groupId = `${client.name}-${groups++}`
    let read = 0
    let rebalances = 0
    const options = { bootstrapServers, groupId, topic, sessionTimeoutMs: 6000 }
    const staying = await client.member({
      ...options,
      onMessage: () => read++,
      onAssignment: () => rebalances++,
    })
    for (let round = 0; round < ROUNDS_OF_A_GROUP && !isStopping(); round++) {
      let isAssigned = false
      const onAssignment = () => {
        isAssigned = true
      }
      const before = read
      if (random.chance(DIE_CHANCE)) {
        const dying = startDyingMember(client.name, options, onAssignment)
        await eventually(`${groupId}: a member is assigned`, () => isAssigned, ASSIGNED_WITHIN_MS)
        await dying.die()
      } else {
        const leaving = await client.member({ ...options, onAssignment })
        await eventually(`${groupId}: a member is assigned`, () => isAssigned, ASSIGNED_WITHIN_MS)
        await leaving.leave()
      }
      await eventually(
        `${groupId}: the member that stays reads on`,
        () => read > before && rebalances > 0,
        ASSIGNED_WITHIN_MS,
      )
      await delay(restMs)
    }
    await staying.leave()
  }
  return new Activity(`groups of ${client.name}`, restMs, step)
}

const HEARTBEATS = 8
const HEARTBEAT_MS = 400
const LEAVE_EPOCH = -1

/** A member of a group of the new protocol: joins, takes what it is given, and leaves or is heard of no more. */
export function consumerMember(
  name: string,
  place: Place,
  topic: string,
  random: SeededRandom,
  restMs: number,
): Activity {
  let members = 0
  const step = async (isStopping: () => boolean) => {
    const memberId = `${name}-${members++}`
    const groupId = `consumers-${Math.floor(members / 10)}`
    const client = await TestClient.connect(place.host, place.port, name)
    try {
      const beat = async (input: Partial<ConsumerGroupHeartbeatRequestInput>) => {
        const answer = await client.send(consumerGroupHeartbeatRequest, consumerGroupHeartbeatResponse, 0, {
          groupId,
          memberId,
          memberEpoch: 0,
          ...input,
        })
        expectNone(`heartbeat of ${memberId}`, answer.errorCode)
        return answer
      }
      let owned: NonNullable<ConsumerGroupHeartbeatResponse['assignment']>['topicPartitions'] = []
      let { memberEpoch } = await beat({
        rebalanceTimeoutMs: 10_000,
        subscribedTopicNames: [topic],
        topicPartitions: [],
      })
      for (let left = HEARTBEATS; left > 0 && !isStopping(); left--) {
        await delay(HEARTBEAT_MS)
        const answer = await beat({ memberEpoch, topicPartitions: owned })
        memberEpoch = answer.memberEpoch
        owned = answer.assignment?.topicPartitions ?? owned
      }
      if (!random.chance(DIE_CHANCE)) await beat({ memberEpoch: LEAVE_EPOCH })
    } finally {
      await client.close()
    }
  }
  return new Activity(`consumer group member ${name}`, restMs, step)
}
