import { expect, it } from 'vitest'
import { systemClock } from '../base/clock.ts'
import { silentLogger } from '../base/logger.ts'
import { Slices } from '../base/slices.ts'
import { Controller } from '../cluster/controller.ts'
import { EmbeddedStore } from '../cluster/metadata/embedded-store.ts'
import { configsOf } from '../cluster/metadata/image.ts'
import { loadConfig } from '../config/load.ts'
import { MemoryFileSystem } from '../logstore/memory-fs.ts'
import { SeededRandom } from '../testing/seeded-random.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import { alterConfigs } from './alter-configs.ts'
import { ConfigOperation, ResourceType } from './config-resources.ts'
import { ConfigService } from './config-service.ts'
import type { Services } from './services.ts'

it('leaves no configs behind for a topic that is deleted at the same time', async () => {
  const fs = new MemoryFileSystem()
  fs.makeDirectory('data')
  const random = new SeededRandom(1)
  const store = await EmbeddedStore.open({
    fs,
    directory: 'data',
    clock: systemClock,
    random,
    logger: silentLogger,
  })
  await store.register({ id: 1, incarnationId: 'i', rack: null, listeners: [] })
  const defaults = { numPartitions: 1, replicationFactor: 1 }
  const controller = new Controller({ store, random, topicDefaults: () => defaults })
  const configs = new ConfigService(loadConfig({}), 1, store)
  // All that is asked of the services here.
  const slices = new Slices(systemClock)
  const services = { nodeId: 1, controller, configs, metadata: store, slices } as unknown as Services
  const topic = { name: 't', numPartitions: 1, replicationFactor: 1, assignments: [], configs: new Map() }
  await controller.createTopics([topic], { validateOnly: false })
  const alteration = {
    resourceType: ResourceType.TOPIC,
    resourceName: 't',
    change: {
      type: 'edit' as const,
      configs: [{ name: 'retention.ms', operation: ConfigOperation.SET, value: '1' }],
    },
  }
  const [, [altered]] = await Promise.all([
    controller.deleteTopics([store.image().topics.get('t')!.id]),
    alterConfigs([alteration], false, services),
  ])
  expect(altered!.errorCode).toBe(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
  expect(configsOf(store.image(), 'topic', 't').size).toBe(0)
  await store.close()
})
