import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { apiByKey } from '../src/wire/apis.ts'
import { suites } from './registry.ts'
import { BrokerProcess } from './support/broker-process.ts'
import { clients } from './support/clients.ts'
import { RecordingProxy } from './support/recording-proxy.ts'
import { tour } from './support/tour.ts'

const dir = mkdtempSync(join(tmpdir(), 'sluice-versions-'))
let broker: BrokerProcess | undefined
afterAll(async () => {
  await broker?.kill()
  rmSync(dir, { recursive: true })
})

const HEARTBEAT = 12

test.each(clients)('the registry says which versions $name speaks', async (client) => {
  const suite = suites.find((candidate) => candidate.client === client.name)!
  const manifest = new URL(`../node_modules/${client.name}/package.json`, import.meta.url)
  expect(suite.version).toBe(JSON.parse(readFileSync(manifest, 'utf8')).version)

  const proxy = await RecordingProxy.open()
  broker = await BrokerProcess.start({
    dir: join(dir, client.name.replace('/', '-')),
    config: {
      'offsets.topic.num.partitions': 1,
      'advertised.listeners': `PLAINTEXT://127.0.0.1:${proxy.port}`,
    },
  })
  proxy.target = broker.boundPort
  await tour(client, `127.0.0.1:${proxy.port}`, () => proxy.versions.has(HEARTBEAT))
  const spoken = [...proxy.versions].map(([key, versions]) => [apiByKey(key)!.name, versions])
  expect(Object.fromEntries(spoken)).toEqual(suite.speaks)
  await broker.stop()
  await proxy.close()
})
