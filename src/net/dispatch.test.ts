import { afterEach, describe, expect, it } from 'vitest'
import { systemClock } from '../base/clock.ts'
import { deferred } from '../base/deferred.ts'
import { framed, RawClient, recordingLogger, startServer } from '../testing/net-server.ts'
import { TestClient } from '../testing/test-client.ts'
import { ErrorCode, KafkaError } from '../wire/error-codes.ts'
import { produceRequest, produceResponse } from '../wire/schemas/00-produce.ts'
import { metadataRequest, metadataResponse } from '../wire/schemas/03-metadata.ts'
import { heartbeatRequest, heartbeatResponse } from '../wire/schemas/12-heartbeat.ts'
import {
  type ApiVersionsRequest,
  apiVersionsRequest,
  apiVersionsResponse,
} from '../wire/schemas/18-api-versions.ts'
import { dispatcher } from './dispatch.ts'
import type { ApiHandler, RequestContext } from './handler-table.ts'
import { noNetMetrics, type RequestMeasure } from './metrics.ts'

const cleanups: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

const apiVersions: ApiHandler = {
  request: apiVersionsRequest,
  response: apiVersionsResponse,
  minVersion: 0,
  maxVersion: 4,
  handle(context, request) {
    const { clientSoftwareName, clientSoftwareVersion } = request as ApiVersionsRequest
    context.nameClientSoftware(clientSoftwareName, clientSoftwareVersion)
    return { errorCode: 0, apiKeys: [] }
  },
  refuse: (_request, errorCode) => ({ errorCode, apiKeys: [] }),
}

function heartbeat(handle: (context: RequestContext, request: unknown) => unknown): ApiHandler {
  return {
    request: heartbeatRequest,
    response: heartbeatResponse,
    minVersion: 0,
    maxVersion: 4,
    handle,
    refuse: (_request, errorCode) => ({ errorCode }),
  }
}

const MAX_ENTRIES = 1000
const beat = { groupId: 'g', generationId: 1, memberId: 'm' }
const metadata: ApiHandler = {
  request: metadataRequest,
  response: metadataResponse,
  minVersion: 0,
  maxVersion: 12,
  handle: () => ({ brokers: [], topics: [], controllerId: 1 }),
  refuse: () => ({ brokers: [], topics: [], controllerId: -1 }),
}
const produce: ApiHandler = {
  request: produceRequest,
  response: produceResponse,
  minVersion: 0,
  maxVersion: 13,
  handle: () => null,
  refuse: () => ({ responses: [] }),
}

async function start(...handlers: ApiHandler[]) {
  return startWith({}, ...handlers)
}

async function startWith(
  {
    maxRequestEntries = MAX_ENTRIES,
    nextTurn = () => Promise.resolve(),
  }: { readonly maxRequestEntries?: number; readonly nextTurn?: () => Promise<void> },
  ...handlers: ApiHandler[]
) {
  const handled: RequestMeasure[] = []
  const refused: number[] = []
  const { logger, lines } = recordingLogger()
  const metrics = {
    ...noNetMetrics,
    requestHandled: (measure: RequestMeasure) => handled.push(measure),
    requestRefused: (_listener: string, apiKey: number) => refused.push(apiKey),
  }
  const bounds = new Map<string, number>()
  const serve = dispatcher({
    handlers: [apiVersions, ...handlers],
    clock: systemClock,
    logger,
    metrics: { ...metrics, boundMet: (bound) => bounds.set(bound, (bounds.get(bound) ?? 0) + 1) },
    maxRequestEntries,
    nextTurn,
  })
  const server = await startServer(serve)
  cleanups.push(() => server.close())
  return { ...server, lines, handled, refused, bounds, connectionBounds: server.bounds }
}

async function connect(port: number): Promise<TestClient> {
  const client = await TestClient.connect('127.0.0.1', port)
  cleanups.push(() => client.close())
  return client
}

/** Header version 1 with the client id 'c', then the body. */
function request(apiKey: number, version: number, body: number[] = [], correlationId = 7): Buffer {
  const header = Buffer.alloc(11)
  header.writeInt16BE(apiKey, 0)
  header.writeInt16BE(version, 2)
  header.writeInt32BE(correlationId, 4)
  header.writeInt16BE(1, 8)
  header.write('c', 10)
  return framed(Buffer.concat([header, Buffer.from(body)]))
}

describe('a request', () => {
  it('reaches its handler decoded, with who asks, and is answered in its version', async () => {
    const seen: unknown[] = []
    const { port, handled } = await start(
      heartbeat((context, body) => {
        const { apiKey, apiVersion, clientId, clientHost, listenerName, localPort } = context
        seen.push({ apiKey, apiVersion, clientId, clientHost, listenerName, localPort }, body)
        return { errorCode: 27, throttleTimeMs: 5 }
      }),
    )
    const client = await connect(port)
    for (const version of [0, 4]) {
      const response = await client.send(heartbeatRequest, heartbeatResponse, version, beat)
      expect(response).toEqual({ errorCode: 27, throttleTimeMs: version === 0 ? 0 : 5 })
    }
    const asker = { apiKey: 12, clientId: 'test-client', clientHost: '127.0.0.1', listenerName: 'PLAINTEXT' }
    expect(seen).toEqual([
      { ...asker, apiVersion: 0, localPort: port },
      { ...beat, groupInstanceId: null },
      { ...asker, apiVersion: 4, localPort: port },
      { ...beat, groupInstanceId: null },
    ])
    expect(handled.map(({ apiKey, apiVersion, answerBytes }) => [apiKey, apiVersion, answerBytes])).toEqual([
      [12, 0, 10],
      [12, 4, 16],
    ])
  })

  it('may be followed by others before its answer', async () => {
    const first = deferred<unknown>()
    let count = 0
    const { port } = await start(heartbeat(() => (count++ === 0 ? first.promise : { errorCode: count })))
    const client = await connect(port)
    const answers = [0, 1, 2].map(() => client.send(heartbeatRequest, heartbeatResponse, 1, beat))
    first.resolve({ errorCode: 1 })
    expect((await Promise.all(answers)).map((response) => response.errorCode)).toEqual([1, 2, 3])
  })

  it('without an answer leaves the connection to the next', async () => {
    const { port } = await start(produce)
    const client = await connect(port)
    client.sendOneWay(produceRequest, 9, { acks: 0, timeoutMs: 1000, topicData: [] })
    const response = await client.send(apiVersionsRequest, apiVersionsResponse, 0, {})
    expect(response.errorCode).toBe(0)
  })

  it('without an answer can end the connection, which is how acks=0 tells of an error', async () => {
    const { port, logged } = await start({
      ...produce,
      handle(context) {
        context.closeConnection('acks=0 and an error')
        return null
      },
    })
    const client = await connect(port)
    client.sendOneWay(produceRequest, 9, { acks: 0, timeoutMs: 1000, topicData: [] })
    await client.closed
    expect(logged[0]?.fields).toMatchObject({ reason: 'acks=0 and an error' })
  })

  it('of ApiVersions gives the connection the name of its software', async () => {
    const names: string[] = []
    const { port } = await start(
      heartbeat(({ connection }) => {
        names.push(`${connection.softwareName} ${connection.softwareVersion}`)
        return { errorCode: 0 }
      }),
    )
    const client = await connect(port)
    const software = { clientSoftwareName: 'test', clientSoftwareVersion: '1.2' }
    await client.send(apiVersionsRequest, apiVersionsResponse, 3, software)
    await client.send(heartbeatRequest, heartbeatResponse, 0, beat)
    expect(names).toEqual(['test 1.2'])
  })
})

describe('a failure', () => {
  for (const [what, handle] of [
    [
      'thrown',
      () => {
        throw new KafkaError(ErrorCode.UNKNOWN_MEMBER_ID)
      },
    ],
    ['rejected', () => Promise.reject(new KafkaError(ErrorCode.UNKNOWN_MEMBER_ID))],
  ] as const) {
    it(`with an error code (${what}) is the answer to that request`, async () => {
      const { port, lines } = await start(heartbeat(handle))
      const client = await connect(port)
      const response = await client.send(heartbeatRequest, heartbeatResponse, 4, beat)
      expect(response.errorCode).toBe(ErrorCode.UNKNOWN_MEMBER_ID)
      expect(lines).toEqual([])
    })
  }

  for (const [what, handle] of [
    [
      'exception',
      () => {
        throw new TypeError('a bug')
      },
    ],
    ['rejection', () => Promise.reject(new TypeError('a bug'))],
    ['answer that does not encode', () => ({ errorCode: 'no number' })],
  ] as const) {
    it(`that nobody expected (${what}) is UNKNOWN_SERVER_ERROR for that request alone, and logged`, async () => {
      const { port, lines } = await start(heartbeat(handle))
      const client = await connect(port)
      const response = await client.send(heartbeatRequest, heartbeatResponse, 4, beat)
      expect(response.errorCode).toBe(ErrorCode.UNKNOWN_SERVER_ERROR)
      expect(lines).toEqual([
        {
          message: 'request failed',
          fields: expect.objectContaining({ api: 'Heartbeat', err: expect.any(Error) }),
        },
      ])
      expect((await client.send(apiVersionsRequest, apiVersionsResponse, 0, {})).errorCode).toBe(0)
    })
  }

  it('to refuse closes the connection and nothing else', async () => {
    const broken = () => {
      throw new TypeError('a bug')
    }
    const { port, lines } = await start({ ...heartbeat(broken), refuse: broken })
    const client = await connect(port)
    await expect(client.send(heartbeatRequest, heartbeatResponse, 4, beat)).rejects.toThrow('closed')
    expect(lines.map((line) => line.message)).toEqual(['request failed', 'request could not be refused'])
    const other = await connect(port)
    expect((await other.send(apiVersionsRequest, apiVersionsResponse, 0, {})).errorCode).toBe(0)
  })
})

describe('ApiVersions', () => {
  const range = '0023000000010012' + '00000004'
  for (const [what, bytes] of [
    ['a version to come', request(18, 5, [0, 2, 97, 2, 98, 0])],
    ['a version far away, with a body that is none', request(18, 99, [0, 255, 255, 255])],
    ['a negative version', request(18, -1)],
  ] as const) {
    it(`in ${what} is answered in v0 with error 35 and its own range, and the connection lives on`, async () => {
      const { port } = await start()
      const client = await RawClient.connect(port)
      cleanups.push(() => client.close())
      client.send(bytes, request(18, 0))
      const [unsupported, next] = await client.received(2)
      expect(unsupported!.toString('hex')).toBe(`00000007${range}`)
      expect(next!.toString('hex')).toBe('00000007000000000000')
    })
  }
})

describe('what Kafka closes the connection for', () => {
  const cases: readonly (readonly [string, Buffer, string, number])[] = [
    ['an API that does not exist', request(999, 0), 'unknown API key 999', -1],
    ['a negative API key', request(-1, 0), 'unknown API key -1', -1],
    ['an API of controllers alone', request(52, 0), 'unknown API key 52', -1],
    ['an API that is not served', request(1, 4), 'Fetch is not served', 1],
    ['a version that is not served', request(3, 13, [0]), 'Metadata v13 is not served', 3],
    ['an empty request', framed(''), 'request header does not decode', -1],
    ['a header cut short', framed(Buffer.from([0, 18, 0, 0])), 'request header does not decode', -1],
    [
      'a client id longer than the request',
      framed(Buffer.from([0, 18, 0, 0, 0, 0, 0, 9, 0, 50, 1])),
      'does not decode',
      -1,
    ],
    ['tagged fields of the header cut short', request(3, 12, [5, 1]), 'request header does not decode', -1],
    [
      'an unknown ApiVersions without the tagged fields of its header',
      request(18, 99),
      'does not decode',
      -1,
    ],
    ['a body cut short', request(3, 0, [0]), 'Metadata v0 does not decode', 3],
    [
      'a count that the body cannot hold',
      request(3, 0, [127, 255, 255, 255]),
      'Metadata v0 does not decode',
      3,
    ],
    ['a tagged field longer than the body', request(3, 12, [0, 1, 1, 0, 1, 0, 100]), 'does not decode', 3],
  ]
  for (const [what, bytes, reason, apiKey] of cases) {
    it(`closes it here, with the reason in the log: ${what}`, async () => {
      const { port, logged, refused } = await start(produce, metadata)
      const client = await RawClient.connect(port)
      cleanups.push(() => client.close())
      client.send(request(18, 0), bytes, request(18, 0))
      await client.end()
      expect(client.frames.length).toBe(1)
      expect(logged.map((line) => line.fields.reason)).toEqual([expect.stringContaining(reason)])
      expect(refused).toEqual([apiKey])
    })
  }
})

describe('what Kafka lets pass', () => {
  for (const [what, bytes] of [
    ['bytes behind the body', request(3, 1, [0, 0, 0, 0, 9, 9, 9])],
    ['unknown tagged fields of the header', request(3, 12, [2, 5, 1, 1, 3, 1, 1, 1, 1, 0, 0])],
    [
      'a client id with a negative length',
      framed(Buffer.from([0, 3, 0, 1, 0, 0, 0, 7, 255, 254, 0, 0, 0, 0])),
    ],
  ] as const) {
    it(`is answered here: ${what}`, async () => {
      const { port } = await start(metadata)
      const client = await RawClient.connect(port)
      cleanups.push(() => client.close())
      client.send(bytes)
      const [frame] = await client.received(1)
      expect(frame!.readInt32BE(0)).toBe(7)
    })
  }
})

it('a request of more entries than allowed ends its connection, and the bound is counted', async () => {
  const { port, bounds, refused } = await start(produce, metadata)
  const client = await RawClient.connect(port)
  cleanups.push(() => client.close())
  const empty = Array.from({ length: MAX_ENTRIES }, () => [0, 0])
  client.send(request(3, 1, [0, 0, MAX_ENTRIES >> 8, MAX_ENTRIES & 0xff, ...empty.flat()]))
  await client.received(1)
  client.send(request(3, 1, [0, 0, MAX_ENTRIES >> 8, (MAX_ENTRIES & 0xff) + 1, ...empty.flat(), 0, 0]))
  await client.end()
  expect(refused).toEqual([3])
  expect(bounds.get('request.entries')).toBe(1)
})

it('reading a broad request, handling it and writing its answer are turns of their own', async () => {
  const happened: string[] = []
  const asked = (handle: () => unknown): ApiHandler => ({
    ...metadata,
    handle: () => {
      happened.push('handled')
      return handle()
    },
  })
  const answer = {
    get brokers() {
      happened.push('written')
      return []
    },
    topics: [],
    controllerId: 1,
  }
  const broad = [0, 0, 0x13, 0x88, ...Array.from({ length: 5000 }, () => [0, 0]).flat()]
  for (const handle of [() => answer, () => Promise.resolve(answer)]) {
    const { port } = await startWith(
      {
        maxRequestEntries: 5000,
        nextTurn: async () => void happened.push('turn'),
      },
      asked(handle),
    )
    const client = await RawClient.connect(port)
    cleanups.push(() => client.close())
    client.send(request(3, 1, broad))
    await client.received(1)
    expect(happened.splice(0)).toEqual(['turn', 'handled', 'turn', 'written'])
    client.send(request(3, 1, [0, 0, 0, 0]))
    await client.received(2)
    expect(happened.splice(0)).toEqual(['handled', 'written'])
  }
})

it('what a handler throws for a broad request becomes its refusal', async () => {
  const failing = (handle: () => unknown): ApiHandler => ({ ...metadata, handle })
  const broad = [0, 0, 0x13, 0x88, ...Array.from({ length: 5000 }, () => [0, 0]).flat()]
  for (const handle of [
    () => {
      throw new KafkaError(ErrorCode.INVALID_REQUEST)
    },
    () => Promise.reject(new KafkaError(ErrorCode.INVALID_REQUEST)),
  ]) {
    const { port } = await startWith({ maxRequestEntries: 5000 }, failing(handle))
    const client = await RawClient.connect(port)
    cleanups.push(() => client.close())
    client.send(request(3, 1, broad))
    const [frame] = await client.received(1)
    // The controller's id of the refusal.
    expect(frame!.readInt32BE(frame!.length - 8)).toBe(-1)
  }
})

it('an error code that tells of a bound counts it, and the log names the peer, once', async () => {
  const { port, connectionBounds, logged } = await start(
    heartbeat((context, body) => {
      const { generationId } = body as { generationId: number }
      if (generationId === 1) return { errorCode: ErrorCode.GROUP_MAX_SIZE_REACHED }
      context.refusedWith(ErrorCode.OFFSET_METADATA_TOO_LARGE)
      context.refusedWith(ErrorCode.NOT_COORDINATOR)
      return { errorCode: ErrorCode.UNKNOWN_MEMBER_ID }
    }),
  )
  const client = await connect(port)
  for (const generationId of [1, 1, 2])
    await client.send(heartbeatRequest, heartbeatResponse, 4, { ...beat, generationId })
  expect([...connectionBounds]).toEqual([
    ['group.size', 2],
    ['offset.metadata', 1],
  ])
  const told = logged.filter(({ message }) => message === 'bound met')
  expect(told.map(({ fields }) => [fields.bound, fields.client])).toEqual([
    ['group.size', '127.0.0.1'],
    ['offset.metadata', '127.0.0.1'],
  ])
})

it('a throttled request counts its quota as a bound', async () => {
  const { port, connectionBounds } = await start(
    heartbeat((context) => {
      context.throttle('request', 1)
      return { errorCode: 0 }
    }),
  )
  const client = await connect(port)
  await client.send(heartbeatRequest, heartbeatResponse, 4, beat)
  expect(connectionBounds.get('quota.request')).toBe(1)
})
