/**
 * Transactional copiers and readers of both isolation levels at work while the broker is killed every few seconds, and
 * then the properties of `check.ts`.
 * `node compat-tests/exactly-once/run.ts [COUNT_FILE]`; EXACTLY_ONCE_SECONDS says how long, EXACTLY_ONCE_SEED repeats the
 * choices of a run.
 */
import { writeFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { SeededRandom } from '../../src/testing/seeded-random.ts'
import { ErrorCode, errorName } from '../../src/wire/error-codes.ts'
import {
  findCoordinatorRequest,
  findCoordinatorResponse,
} from '../../src/wire/schemas/10-find-coordinator.ts'
import { createTopicsRequest, createTopicsResponse } from '../../src/wire/schemas/19-create-topics.ts'
import { BrokerProcess } from '../support/broker-process.ts'
import { makeDataDirectory, removeDataDirectory } from '../support/data-directory.ts'
import { type CopyingTransaction, check } from './check.ts'
import { Connection } from './connection.ts'
import { Copier, committedOffset, GROUP, SOURCE, TARGET_PARTITIONS, TARGETS } from './copier.ts'
import { TargetReader } from './reader.ts'

const COPIERS = 4
const SOURCES_EACH = 2
const LONGEST_LIFE_MS = 4000
const SHOWN = 20
const GROUP_KEY = 0
const TRANSACTION_KEY = 1

const seconds = Number(process.env.EXACTLY_ONCE_SECONDS ?? 40)
const seed = Number(process.env.EXACTLY_ONCE_SEED ?? Date.now() % 1_000_000)
const random = new SeededRandom(seed)
const dir = makeDataDirectory('exactly-once')
const config = {
  'offsets.topic.num.partitions': 2,
  'transaction.state.log.num.partitions': 3,
  'transaction.abort.timed.out.transaction.cleanup.interval.ms': 300,
  // Small segments, so that transactions and their indexes span several.
  'log.segment.bytes': 1_048_576,
}
let broker: BrokerProcess | undefined
const address = () => broker && { host: '127.0.0.1', port: broker.port }

async function createTopics(): Promise<void> {
  const connection = new Connection(address, 'checker')
  const topic = (name: string, numPartitions: number) => ({
    name,
    numPartitions,
    replicationFactor: 1,
    assignments: [],
    configs: [],
  })
  const { topics } = await connection.use((client) =>
    client.send(createTopicsRequest, createTopicsResponse, 5, {
      topics: [
        topic(SOURCE, COPIERS * SOURCES_EACH),
        ...TARGETS.map((name) => topic(name, TARGET_PARTITIONS)),
      ],
      timeoutMs: 10_000,
    }),
  )
  for (const { name, errorCode } of topics)
    if (errorCode !== ErrorCode.NONE) throw new Error(`${name}: ${errorName(errorCode)}`)
  await connection.close()
}

/** As every client does before its first request to a coordinator: it makes the internal topics. */
async function findCoordinators(copiers: readonly string[]): Promise<void> {
  const connection = new Connection(address, 'checker')
  const find = (keyType: number, coordinatorKeys: readonly string[]) =>
    connection.use((client) =>
      client.send(findCoordinatorRequest, findCoordinatorResponse, 4, {
        keyType,
        coordinatorKeys: [...coordinatorKeys],
      }),
    )
  for (;;) {
    const found = [await find(GROUP_KEY, [GROUP]), await find(TRANSACTION_KEY, copiers)]
    if (
      found.every(({ coordinators }) => coordinators.every(({ errorCode }) => errorCode === ErrorCode.NONE))
    )
      break
    await delay(50)
  }
  await connection.close()
}

async function killAndRestart(): Promise<number> {
  let kills = 0
  for (const end = Date.now() + seconds * 1000; Date.now() < end; ) {
    await delay(random.integer(200, LONGEST_LIFE_MS))
    const killed: BrokerProcess = broker!
    broker = undefined
    await killed.kill()
    kills++
    if (random.chance(0.2)) {
      // Also while it recovers.
      const starting = BrokerProcess.spawn({ dir, config })
      await delay(random.integer(50, 500))
      await starting.kill()
      kills++
    }
    broker = await BrokerProcess.start({ dir, config })
  }
  return kills
}

async function readAll(isolation: 'committed' | 'uncommitted'): Promise<TargetReader> {
  const reader = new TargetReader(address, isolation)
  await reader.readToEnd()
  return reader
}

async function run(): Promise<string[]> {
  broker = await BrokerProcess.start({ dir, config })
  await createTopics()
  const names = Array.from({ length: COPIERS }, (_, index) => `copier-${index}`)
  await findCoordinators(names)
  const readers = (['committed', 'uncommitted'] as const).map((level) => new TargetReader(address, level))
  for (const reader of readers) reader.start()
  const copiers = names.map(
    (name, index) =>
      new Copier({
        address,
        name,
        protocol: index % 2 === 0 ? 'bumping' : 'classic',
        sources: Array.from({ length: SOURCES_EACH }, (__, source) => index * SOURCES_EACH + source),
        random: new SeededRandom(seed + 1 + index),
      }),
  )
  const kills = await killAndRestart()
  await Promise.all(copiers.map((copier) => copier.stop()))
  await Promise.all(readers.map((reader) => reader.stop()))
  const finals = await Promise.all([readAll('committed'), readAll('uncommitted')])
  const committedOffsets = new Map<number, number>()
  const connection = new Connection(address, 'checker')
  for (let source = 0; source < COPIERS * SOURCES_EACH; source++)
    committedOffsets.set(source, await committedOffset(connection, source))
  await connection.close()
  await broker.stop()

  const transactions = new Map<string, CopyingTransaction>(copiers.flatMap((c) => [...c.transactions]))
  const count = (outcome: CopyingTransaction['outcome']) =>
    [...transactions.values()].filter((transaction) => transaction.outcome === outcome).length
  const refusals = new Map<string, number>()
  for (const copier of copiers)
    for (const [text, times] of copier.refusals) refusals.set(text, (refusals.get(text) ?? 0) + times)
  process.stdout.write(
    `${kills} kills; transactions: ${count('committed')} committed, ${count('aborted')} aborted, ` +
      `${count('unknown')} unknown; refusals: ${JSON.stringify(Object.fromEntries(refusals))}\n`,
  )
  const faults = [...copiers, ...readers, ...finals].flatMap((part) => part.faults)
  for (const copier of copiers)
    if (copier.count('committed') < kills) faults.push(`a copier committed only ${copier.count('committed')}`)
  return [
    ...faults,
    ...check({
      transactions,
      finalCommitted: finals[0].reading,
      finalUncommitted: finals[1].reading,
      liveCommitted: [readers[0]!.reading],
      liveUncommitted: [readers[1]!.reading],
      committedOffsets,
    }),
  ]
}

process.stdout.write(`EXACTLY_ONCE_SEED=${seed}\n`)
let wrong: string[]
try {
  wrong = await run()
} catch (error) {
  wrong = [error instanceof Error ? error.stack! : String(error)]
} finally {
  await broker?.kill()
  removeDataDirectory(dir)
}
for (const line of wrong.slice(0, SHOWN)) process.stdout.write(`FAIL ${line}\n`)
process.stdout.write(`${wrong.length === 0 ? 'nothing' : wrong.length} wrong\n`)
const [countFile] = process.argv.slice(2)
if (countFile !== undefined) writeFileSync(countFile, wrong.length === 0 ? '1 0\n' : '0 1\n')
process.exitCode = wrong.length === 0 ? 0 : 1
