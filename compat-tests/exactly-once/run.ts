/**
 * Transactional copiers and readers of both isolation levels at work while the broker is killed every few seconds, and
 * then the properties of `check.ts`.
 * `node compat-tests/exactly-once/run.ts [COUNT_FILE]`; EXACTLY_ONCE_SECONDS says how long, EXACTLY_ONCE_SEED repeats the
 * choices of a run.
 */
import { writeFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { SeededRandom } from '../../src/testing/seeded-random.ts'
import { BrokerProcess } from '../support/broker-process.ts'
import { makeDataDirectory, removeDataDirectory } from '../support/data-directory.ts'
import { TransactionLoad } from './transaction-load.ts'

const COPIERS = 4
const LONGEST_LIFE_MS = 4000
const SHOWN = 20

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

async function run(): Promise<string[]> {
  broker = await BrokerProcess.start({ dir, config })
  const load = new TransactionLoad({ address, seed, copiers: COPIERS })
  await load.start()
  const kills = await killAndRestart()
  await load.stop()
  const wrong = await load.inspect()
  await broker.stop()
  process.stdout.write(`${kills} kills; ${load.summary}\n`)
  for (const committed of load.committed)
    if (committed < kills) wrong.push(`a copier committed only ${committed}`)
  return wrong
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
