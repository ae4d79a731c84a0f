import { afterEach, beforeEach, expect, test } from 'vitest'
import { systemClock } from '../base/clock.ts'
import { silentLogger } from '../base/logger.ts'
import { MemoryFileSystem } from '../logstore/memory-fs.ts'
import { SeededRandom } from '../testing/seeded-random.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import { Controller } from './controller.ts'
import { EmbeddedStore } from './metadata/embedded-store.ts'

let store: EmbeddedStore
let controller: Controller
beforeEach(async () => {
  const fs = new MemoryFileSystem()
  fs.makeDirectory('data')
  const random = new SeededRandom(1)
  store = await EmbeddedStore.open({
    fs,
    directory: 'data',
    clock: systemClock,
    random,
    logger: silentLogger,
  })
  await store.register({ id: 1, incarnationId: 'i', rack: null, listeners: [] })
  const defaults = { numPartitions: 1, replicationFactor: 1 }
  controller = new Controller({ store, random, topicDefaults: () => defaults })
})
afterEach(() => store.close())

async function create(...names: readonly string[]) {
  const topics = names.map((name) => ({
    name,
    numPartitions: 1,
    replicationFactor: 1,
    assignments: [],
    configs: new Map(),
  }))
  const outcomes = await controller.createTopics(topics, { validateOnly: false })
  return outcomes.map((outcome) => ('errorCode' in outcome ? outcome.errorCode : ErrorCode.NONE))
}

test('of topics that requests make at once under names that collide, one is made', async () => {
  const outcomes = await Promise.all([create('d.e_f'), create('d_e.f'), create('d_e_f'), create('d-e-f')])
  expect(outcomes.flat()).toEqual([
    ErrorCode.NONE,
    ErrorCode.INVALID_TOPIC_EXCEPTION,
    ErrorCode.INVALID_TOPIC_EXCEPTION,
    ErrorCode.NONE,
  ])
  expect([...store.image().topics.keys()].sort()).toEqual(['d-e-f', 'd.e_f'])
})

test('topics of one request are not held against each other, as Kafka does it', async () => {
  expect(await create('a.b', 'a_b')).toEqual([ErrorCode.NONE, ErrorCode.NONE])
})

test('the form of a name can be used again once the topic that had it is deleted', async () => {
  await create('a.b')
  await controller.deleteTopics([store.image().topics.get('a.b')!.id])
  expect(await create('a_b')).toEqual([ErrorCode.NONE])
  expect(await create('a.b')).toEqual([ErrorCode.INVALID_TOPIC_EXCEPTION])
})
