import { describe, expect, test } from 'vitest'
import { ErrorCode } from '../wire/error-codes.ts'
import { type PartitionImage, withIsr, withLeader } from './metadata/image.ts'
import { type FollowerFetch, Partition } from './partition.ts'

const LAG_MS = 30_000
const EMPTY_LOG = { logEndOffset: 0, highWatermark: 0 }

function image(replicas: readonly number[], fields: Partial<PartitionImage> = {}): PartitionImage {
  return {
    partition: 0,
    replicas,
    isr: replicas,
    leader: replicas[0]!,
    leaderEpoch: 0,
    partitionEpoch: 0,
    ...fields,
  }
}

function makePartition(
  options: {
    brokerId?: number
    minInsyncReplicas?: number
    mayJoinIsr?: (id: number, epoch: number) => boolean
  } = {},
): Partition {
  return new Partition({
    partition: 0,
    brokerId: options.brokerId ?? 1,
    replicaLagTimeMaxMs: () => LAG_MS,
    minInsyncReplicas: () => options.minInsyncReplicas ?? 1,
    mayJoinIsr: options.mayJoinIsr ?? (() => true),
  })
}

function leading(of: PartitionImage, options: Parameters<typeof makePartition>[0] = {}): Partition {
  const partition = makePartition(options)
  expect(partition.apply(of, EMPTY_LOG, 0)).toBe('became-leader')
  return partition
}

function fetchOf(replicaId: number, fetchOffset: number, fields: Partial<FollowerFetch> = {}): FollowerFetch {
  return { replicaId, replicaEpoch: -1, currentLeaderEpoch: 0, fetchOffset, logStartOffset: 0, ...fields }
}

describe('one replica', () => {
  test('an append advances the high watermark at once', () => {
    const partition = leading(image([1]))
    expect(partition.appended(5, 0)).toBe(true)
    expect(partition.highWatermark).toBe(5)
    expect(partition.checkReplicated(5)).toBe(ErrorCode.NONE)
    expect(partition.checkReplicated(6)).toBeUndefined()
  })

  test('what its log holds is readable when it becomes leader, whatever the checkpoint said', () => {
    const partition = makePartition()
    partition.apply(image([1]), { logEndOffset: 10, highWatermark: 3 }, 0)
    expect(partition.highWatermark).toBe(10)
    expect(partition.leaderEpochStartOffset).toBe(10)
  })

  test('a checkpoint beyond the end of the log counts as far as the log goes', () => {
    const partition = makePartition()
    partition.apply(image([1, 2]), { logEndOffset: 10, highWatermark: 12 }, 0)
    expect(partition.highWatermark).toBe(10)
  })

  test('min.insync.replicas asks for no more than there are replicas', () => {
    const partition = leading(image([1]), { minInsyncReplicas: 2 })
    expect(partition.checkAppend(-1)).toBe(ErrorCode.NONE)
    partition.appended(1, 0)
    expect(partition.checkReplicated(1)).toBe(ErrorCode.NONE)
  })
})

describe('several replicas', () => {
  test('the high watermark is the smallest log end of the in-sync replicas', () => {
    const partition = leading(image([1, 2, 3]))
    expect(partition.appended(10, 0)).toBe(false)
    expect(partition.followerFetched(fetchOf(2, 10), 1).highWatermarkAdvanced).toBe(false)
    expect(partition.followerFetched(fetchOf(3, 4), 1).highWatermarkAdvanced).toBe(true)
    expect(partition.highWatermark).toBe(4)
    expect(partition.checkReplicated(10)).toBeUndefined()
    partition.followerFetched(fetchOf(3, 10), 2)
    expect(partition.checkReplicated(10)).toBe(ErrorCode.NONE)
  })

  test('a replica outside the ISR holds nothing back, unless it has just caught up', () => {
    const partition = leading(image([1, 2, 3], { isr: [1, 2] }))
    partition.appended(10, 0)
    partition.followerFetched(fetchOf(2, 10), 1)
    expect(partition.highWatermark).toBe(10)
    partition.followerFetched(fetchOf(3, 10), 2)
    partition.appended(20, 3)
    partition.followerFetched(fetchOf(2, 20), 4)
    expect(partition.highWatermark).toBe(10)
    partition.followerFetched(fetchOf(3, 20), 5)
    expect(partition.highWatermark).toBe(20)
  })

  test('too few in sync: acks=all is refused before the append, and after it when the ISR shrank meanwhile', () => {
    const three = image([1, 2, 3])
    const partition = leading(three, { minInsyncReplicas: 2 })
    expect(partition.checkAppend(-1)).toBe(ErrorCode.NONE)
    partition.appended(10, 0)
    partition.followerFetched(fetchOf(2, 10), 1)
    partition.followerFetched(fetchOf(3, 10), 1)
    partition.apply(withIsr(three, [1]), { logEndOffset: 10, highWatermark: 10 }, 2)
    expect(partition.checkAppend(-1)).toBe(ErrorCode.NOT_ENOUGH_REPLICAS)
    expect(partition.checkAppend(1)).toBe(ErrorCode.NONE)
    expect(partition.checkReplicated(10)).toBe(ErrorCode.NOT_ENOUGH_REPLICAS_AFTER_APPEND)
  })

  test('under the minimum ISR the high watermark stands still', () => {
    const two = image([1, 2])
    const partition = leading(two, { minInsyncReplicas: 2 })
    partition.apply(withIsr(two, [1]), EMPTY_LOG, 1)
    // Long after the other replica could still have counted as caught up.
    expect(partition.appended(5, LAG_MS * 3)).toBe(false)
    expect(partition.highWatermark).toBe(0)
  })

  test('a shrunk ISR lets the high watermark go on in the same step', () => {
    const two = image([1, 2])
    const partition = leading(two)
    partition.appended(5, 1)
    // Its fetches have stopped; beyond the lag time it does not count as caught up either.
    expect(partition.apply(withIsr(two, [1]), { logEndOffset: 5, highWatermark: 0 }, LAG_MS + 1)).toBe(
      'updated',
    )
    expect(partition.highWatermark).toBe(5)
  })
})

describe('the ISR', () => {
  test('a follower joins when it has reached the high watermark and the start of the leader epoch', () => {
    const partition = makePartition()
    partition.apply(image([1, 2], { isr: [1] }), { logEndOffset: 10, highWatermark: 0 }, 0)
    expect(partition.highWatermark).toBe(10)
    partition.followerFetched(fetchOf(2, 9), 1)
    expect(partition.proposeExpansion(2)).toBeUndefined()
    partition.followerFetched(fetchOf(2, 10), 2)
    expect(partition.proposeExpansion(2)?.partition).toMatchObject({
      isr: [1, 2],
      partitionEpoch: 1,
      leaderEpoch: 0,
    })
  })

  test('one proposal at a time; until it is answered the larger ISR counts for the high watermark', () => {
    const before = image([1, 2], { isr: [1] })
    const partition = leading(before)
    partition.followerFetched(fetchOf(2, 0), LAG_MS * 2)
    const proposal = partition.proposeExpansion(2)!
    expect(partition.proposeExpansion(2)).toBeUndefined()
    expect(partition.appended(5, LAG_MS * 4)).toBe(false)
    partition.apply(proposal.partition, { logEndOffset: 5, highWatermark: 0 }, LAG_MS * 4)
    expect(partition.isr).toEqual([1, 2])
    expect(partition.proposal).toBeUndefined()
    expect(partition.highWatermark).toBe(0)
  })

  test('a proposal that lost can be made again', () => {
    const partition = leading(image([1, 2], { isr: [1] }))
    partition.followerFetched(fetchOf(2, 0), 1)
    const first = partition.proposeExpansion(2)
    partition.proposalEnded()
    expect(partition.proposeExpansion(2)).toEqual(first)
  })

  test('a broker that is fenced, or was started anew, does not join', () => {
    const partition = leading(image([1, 2], { isr: [1] }), {
      mayJoinIsr: (id, epoch) => id === 2 && epoch === 7,
    })
    partition.followerFetched(fetchOf(2, 0, { replicaEpoch: 6 }), 1)
    expect(partition.proposeExpansion(2)).toBeUndefined()
    partition.followerFetched(fetchOf(2, 0, { replicaEpoch: 7 }), 1)
    expect(partition.proposeExpansion(2)).toBeDefined()
    expect(partition.followerFetched(fetchOf(2, 0, { replicaEpoch: 6 }), 1).errorCode).toBe(
      ErrorCode.NOT_LEADER_OR_FOLLOWER,
    )
  })

  test('a member that has not caught up for the lag time is taken out, one that has is not', () => {
    const partition = leading(image([1, 2, 3]))
    partition.appended(10, 0)
    expect(partition.proposeShrink(LAG_MS)).toBeUndefined()
    partition.followerFetched(fetchOf(2, 10), LAG_MS)
    partition.appended(20, LAG_MS)
    expect(partition.proposeShrink(LAG_MS + 1)?.partition.isr).toEqual([1, 2])
  })

  test('a member at the end of a quiet log stays, however long it said nothing', () => {
    const partition = leading(image([1, 2]))
    partition.appended(10, 0)
    partition.followerFetched(fetchOf(2, 10), 1)
    expect(partition.proposeShrink(LAG_MS * 10)).toBeUndefined()
  })

  test('a member that reaches at each fetch where the log ended at the one before stays', () => {
    const partition = leading(image([1, 2]))
    let end = 0
    for (let now = 0; now <= LAG_MS * 5; now += 1000) {
      const reached = end
      end += 100
      partition.appended(end, now)
      partition.followerFetched(fetchOf(2, reached), now)
    }
    expect(partition.proposeShrink(LAG_MS * 5)).toBeUndefined()
  })
})

describe('epochs and roles', () => {
  test('a request is checked against the leader epoch first, then against the role', () => {
    const partition = makePartition({ brokerId: 2 })
    expect(partition.checkEpoch(-1, false)).toBe(ErrorCode.NOT_LEADER_OR_FOLLOWER)
    partition.apply(image([1, 2], { leaderEpoch: 5 }), EMPTY_LOG, 0)
    expect(partition.checkEpoch(4, true)).toBe(ErrorCode.FENCED_LEADER_EPOCH)
    expect(partition.checkEpoch(6, true)).toBe(ErrorCode.UNKNOWN_LEADER_EPOCH)
    expect(partition.checkEpoch(5, true)).toBe(ErrorCode.NOT_LEADER_OR_FOLLOWER)
    expect(partition.checkEpoch(-1, true)).toBe(ErrorCode.NOT_LEADER_OR_FOLLOWER)
    expect(partition.checkEpoch(5, false)).toBe(ErrorCode.NONE)
    expect(partition.checkAppend(1)).toBe(ErrorCode.NOT_LEADER_OR_FOLLOWER)
    expect(partition.checkReplicated(0)).toBe(ErrorCode.NOT_LEADER_OR_FOLLOWER)
  })

  test('a fetch from a broker that is no replica is refused as its epoch deserves', () => {
    const partition = leading(image([1, 2]))
    expect(partition.followerFetched(fetchOf(9, 0), 0).errorCode).toBe(ErrorCode.UNKNOWN_LEADER_EPOCH)
    expect(partition.followerFetched(fetchOf(9, 0, { currentLeaderEpoch: -1 }), 0).errorCode).toBe(
      ErrorCode.NOT_LEADER_OR_FOLLOWER,
    )
    expect(partition.followerFetched(fetchOf(2, 0, { currentLeaderEpoch: 1 }), 0).errorCode).toBe(
      ErrorCode.UNKNOWN_LEADER_EPOCH,
    )
  })

  test('an image that is not newer changes nothing', () => {
    const first = image([1, 2], { partitionEpoch: 3 })
    const partition = leading(first)
    expect(partition.apply({ ...first, leader: 2 }, EMPTY_LOG, 0)).toBe('stale')
    expect(partition.apply({ ...first, leader: 2, partitionEpoch: 2 }, EMPTY_LOG, 0)).toBe('stale')
    expect(partition.isLeader).toBe(true)
  })

  test('a leader that is elected again forgets what the followers had', () => {
    const first = image([1, 2])
    const partition = leading(first)
    partition.appended(10, 0)
    partition.followerFetched(fetchOf(2, 10), 0)
    expect(partition.followerLag(2)).toBe(0)
    expect(partition.apply(withLeader(first, 1), { logEndOffset: 10, highWatermark: 10 }, 1)).toBe(
      'became-leader',
    )
    expect(partition.followerLag(2)).toBeUndefined()
    expect(partition.highWatermark).toBe(10)
    partition.appended(12, 1)
    expect(partition.highWatermark).toBe(10)
  })

  test('leader, follower, removed, and back', () => {
    const first = image([1, 2])
    const partition = leading(first)
    const second = withLeader(first, 2)
    expect(partition.apply(second, { logEndOffset: 10, highWatermark: 4 }, 1)).toBe('became-follower')
    expect(partition.leaderEpochStartOffset).toBe(-1)
    expect(partition.followed(10, 20)).toBe(true)
    expect(partition.highWatermark).toBe(10)
    expect(partition.followed(10, 20)).toBe(false)
    const third = withIsr({ ...second, replicas: [2, 3] }, [2])
    expect(partition.apply(third, { logEndOffset: 10, highWatermark: 10 }, 2)).toBe('removed')
    const fourth = withIsr({ ...third, replicas: [2, 1] }, [2])
    expect(partition.apply(fourth, EMPTY_LOG, 3)).toBe('became-follower')
    expect(partition.highWatermark).toBe(0)
  })

  test('no leader: a follower that refuses whatever needs one', () => {
    const partition = makePartition()
    expect(partition.apply(image([1, 2], { leader: -1 }), EMPTY_LOG, 0)).toBe('became-follower')
    expect(partition.leader).toBe(-1)
    expect(partition.checkEpoch(0, true)).toBe(ErrorCode.NOT_LEADER_OR_FOLLOWER)
  })
})
