import { PbfWriter } from 'pbf'
import { afterEach, expect, it } from 'vitest'
import { MemoryFileSystem } from './logstore/memory-fs.ts'
import { startTestBroker } from './testing/test-broker.ts'
import { TestClient } from './testing/test-client.ts'
import { ErrorCode } from './wire/error-codes.ts'
import { ZERO_UUID } from './wire/schema.ts'
import { apiVersionsRequest, apiVersionsResponse } from './wire/schemas/18-api-versions.ts'
import {
  incrementalAlterConfigsRequest,
  incrementalAlterConfigsResponse,
} from './wire/schemas/44-incremental-alter-configs.ts'
import {
  getTelemetrySubscriptionsRequest,
  getTelemetrySubscriptionsResponse,
} from './wire/schemas/71-get-telemetry-subscriptions.ts'
import { pushTelemetryRequest, pushTelemetryResponse } from './wire/schemas/72-push-telemetry.ts'

const CLIENT_METRICS = 16
const SET = 0
const DELETE = 1
const running: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const closeable of running.splice(0).reverse()) await closeable.close()
})

async function start() {
  const broker = await startTestBroker(new MemoryFileSystem(), {
    overrides: { 'sluice.http.listener': '127.0.0.1:0', 'telemetry.max.bytes': '1000' },
  })
  running.push(broker)
  const { host, port } = broker.listeners[0]!
  const client = await TestClient.connect(host, port, 'app')
  running.push({ close: () => client.close() })
  await client.send(apiVersionsRequest, apiVersionsResponse, 3, {
    clientSoftwareName: 'tests',
    clientSoftwareVersion: '1.2',
  })
  const metrics = async () => (await fetch(`http://127.0.0.1:${broker.httpPort}/metrics`)).text()
  return { client, metrics }
}

async function configure(client: TestClient, configs: Readonly<Record<string, string | null>>) {
  const { responses } = await client.send(
    incrementalAlterConfigsRequest,
    incrementalAlterConfigsResponse,
    1,
    {
      resources: [
        {
          resourceType: CLIENT_METRICS,
          resourceName: 'tests',
          configs: Object.entries(configs).map(([name, value]) => ({
            name,
            configOperation: value === null ? DELETE : SET,
            value,
          })),
        },
      ],
      validateOnly: false,
    },
  )
  expect(responses[0]).toMatchObject({ errorCode: ErrorCode.NONE })
}

const ask = (client: TestClient, clientInstanceId: string) =>
  client.send(getTelemetrySubscriptionsRequest, getTelemetrySubscriptionsResponse, 0, { clientInstanceId })

function gauge(name: string, value: number): Buffer {
  const writer = new PbfWriter()
  const message = (tag: number, write: () => void) => writer.writeMessage(tag, write, null)
  message(1, () =>
    message(2, () =>
      message(2, () => {
        writer.writeStringField(1, name)
        message(5, () => message(1, () => writer.writeDoubleField(4, value)))
      }),
    ),
  )
  return Buffer.from(writer.finish())
}

it('a client is asked for what the subscriptions say, and what it pushes is on the metrics page', async () => {
  const { client, metrics } = await start()
  expect(await ask(client, ZERO_UUID)).toMatchObject({
    errorCode: ErrorCode.NONE,
    pushIntervalMs: 300_000,
    requestedMetrics: [],
  })
  await configure(client, { metrics: 'a.,b.', 'interval.ms': '100', match: 'client_software_name=te.*s' })
  const { clientInstanceId, subscriptionId, ...asked } = await ask(client, ZERO_UUID)
  expect(asked).toEqual({
    throttleTimeMs: 0,
    errorCode: ErrorCode.NONE,
    acceptedCompressionTypes: [4, 3, 1, 2],
    pushIntervalMs: 100,
    telemetryMaxBytes: 1000,
    deltaTemporality: true,
    requestedMetrics: ['a.', 'b.'],
  })
  const push = (bytes: Buffer, terminating = false) =>
    client.send(pushTelemetryRequest, pushTelemetryResponse, 0, {
      clientInstanceId,
      subscriptionId,
      terminating,
      compressionType: 0,
      metrics: bytes,
    })
  expect(await push(gauge('a.depth', 2.5))).toMatchObject({ errorCode: ErrorCode.NONE })
  expect(await metrics()).toContain(
    `client_a_depth{client_instance_id="${clientInstanceId}",client_id="app",client_software_name="tests",client_software_version="1.2"} 2.5\n`,
  )
  expect(await push(gauge('a.depth', 3))).toMatchObject({ errorCode: ErrorCode.THROTTLING_QUOTA_EXCEEDED })
  expect(await push(Buffer.alloc(1001), true)).toMatchObject({ errorCode: ErrorCode.TELEMETRY_TOO_LARGE })
})

it('a subscription that is gone asks for nothing more', async () => {
  const { client } = await start()
  await configure(client, { metrics: '*', 'interval.ms': '100' })
  const { clientInstanceId, subscriptionId } = await ask(client, ZERO_UUID)
  await configure(client, { metrics: null, 'interval.ms': null })
  const old = {
    clientInstanceId,
    subscriptionId,
    terminating: false,
    compressionType: 0,
    metrics: gauge('a', 1),
  }
  expect(await client.send(pushTelemetryRequest, pushTelemetryResponse, 0, old)).toMatchObject({
    errorCode: ErrorCode.UNKNOWN_SUBSCRIPTION_ID,
  })
  expect(await ask(client, clientInstanceId)).toMatchObject({
    errorCode: ErrorCode.NONE,
    requestedMetrics: [],
  })
})

it('a push without an id, or with bytes that are no metrics, is refused', async () => {
  const { client } = await start()
  const { clientInstanceId, subscriptionId } = await ask(client, ZERO_UUID)
  const push = (overrides: { clientInstanceId?: string; metrics?: Buffer }) =>
    client.send(pushTelemetryRequest, pushTelemetryResponse, 0, {
      clientInstanceId,
      subscriptionId,
      terminating: false,
      compressionType: 0,
      metrics: Buffer.alloc(0),
      ...overrides,
    })
  expect(await push({ clientInstanceId: ZERO_UUID })).toMatchObject({ errorCode: ErrorCode.INVALID_REQUEST })
  expect(await push({ metrics: Buffer.from([0x0a, 0x7f]) })).toMatchObject({
    errorCode: ErrorCode.INVALID_RECORD,
  })
})
