/** A simulation is worth what it notices: each test breaks the broker, its disk or its files in one way. */
import { afterEach, expect, test, vi } from 'vitest'
import { Partition } from '../../cluster/partition.ts'
import { HostedPartition } from '../../cluster/replicas/hosted-partition.ts'
import { PartitionLog } from '../../logstore/partition-log.ts'
import { ProcessFiles } from './process-files.ts'
import { simulate } from './simulation.ts'

const MAX_SEEDS = 60

afterEach(() => {
  vi.restoreAllMocks()
})

/** The first promise that a run finds broken. */
async function firstViolation(): Promise<string> {
  for (let seed = 1; seed <= MAX_SEEDS; seed++) {
    const { violation } = await simulate(seed)
    if (violation !== undefined) return violation
  }
  return 'nothing'
}

test('placeholder', () => {
  expect([Partition, HostedPartition, PartitionLog, ProcessFiles, firstViolation]).toHaveLength(5)
})
