/** Requests with many entries are handled in slices: others are served in between. */
import { afterEach, expect, it } from 'vitest'
import { MemoryFileSystem } from './logstore/memory-fs.ts'
import { broadRequests } from './testing/broad-requests.ts'
import { slowClock } from './testing/slow-clock.ts'
import { startTestBroker } from './testing/test-broker.ts'
import { TestClient } from './testing/test-client.ts'
import { apis } from './wire/apis.ts'
import { apiVersionsRequest, apiVersionsResponse } from './wire/schemas/18-api-versions.ts'

const ENTRIES = 400

const running: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const closeable of running.splice(0).reverse()) await closeable.close()
})

const sliced: readonly (readonly [api: string, version: number, path: string])[] = [
  ['Produce', 13, 'topicData.partitionData'],
  ['ListOffsets', 10, 'topics.partitions'],
  ['Metadata', 12, 'topics'],
  ['DescribeConfigs', 4, 'resources'],
  ['AlterConfigs', 2, 'resources'],
  ['IncrementalAlterConfigs', 1, 'resources'],
  ['DescribeTopicPartitions', 0, 'topics'],
]

for (const [name, version, path] of sliced) {
  it(`${name} with many ${path} lets another connection be answered first`, async () => {
    const broker = await startTestBroker(new MemoryFileSystem(), {
      clock: slowClock(),
      overrides: { 'auto.create.topics.enable': 'false' },
    })
    running.push(broker)
    const { host, port } = broker.listeners[0]!
    const broad = await TestClient.connect(host, port)
    running.push({ close: () => broad.close() })
    const other = await TestClient.connect(host, port)
    running.push({ close: () => other.close() })
    const api = apis.find((each) => each.name === name)!
    const { bytes } = broadRequests(api, version, ENTRIES).find((each) => each.path === path)!
    const answered: string[] = []
    broad.sendRaw(bytes)
    await Promise.all([
      broad.answer(1).then(() => answered.push('broad')),
      other
        .send(apiVersionsRequest, apiVersionsResponse, 3, {
          clientSoftwareName: 'test',
          clientSoftwareVersion: '1',
        })
        .then(() => answered.push('other')),
    ])
    expect(answered).toEqual(['other', 'broad'])
  })
}
