import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, expect, test } from 'vitest'
import { isDeep } from '../../src/testing/depth.ts'
import { SeededRandom } from '../../src/testing/seeded-random.ts'
import { BrokerProcess } from '../support/broker-process.ts'
import { makeDataDirectory, removeDataDirectory } from '../support/data-directory.ts'
import { LoadCheck } from '../support/load-check.ts'

const KILLS = isDeep ? 30 : 8
const seed = Number(process.env.KILL_SEED ?? Date.now() % 1_000_000)
const dir = makeDataDirectory('kill')
let running: BrokerProcess | undefined
afterAll(async () => {
  await running?.kill()
  removeDataDirectory(dir)
})

// Small segments, so that kills also meet segments being rolled.
const config = { 'offsets.topic.num.partitions': 2, 'log.segment.bytes': 1_048_576 }

test(`every acknowledged record is there once, in order, at its offset after ${KILLS} kills (KILL_SEED=${seed})`, {
  timeout: 120_000,
}, async () => {
  const random = new SeededRandom(seed)
  running = await BrokerProcess.start({ dir, config })
  const load = new LoadCheck(() => running && { host: '127.0.0.1', port: running.port })
  await load.start()
  for (let kills = 0; kills < KILLS && load.faults.length === 0; kills++) {
    await load.progress(random.integer(0, 2000))
    await delay(random.integer(0, 30))
    const killed: BrokerProcess = running
    running = undefined
    await killed.kill()
    if (random.chance(0.2)) {
      // Also while it starts, which is when it recovers.
      const starting = BrokerProcess.spawn({ dir, config })
      await delay(random.integer(50, 500))
      await starting.kill()
      kills++
    }
    running = await BrokerProcess.start({ dir, config })
  }
  await load.progress(100)
  await load.stop()
  expect((await load.inspect()).slice(0, 10)).toEqual([])
  expect(load.acknowledged).toBeGreaterThan(KILLS * 100)
  expect(load.member.commits).toBeGreaterThanOrEqual(KILLS / 2)
  expect(load.member.rejoins).toBe(0)
  await running.stop()
})
