import { afterEach, describe, expect, it } from 'vitest'
import { deferred } from '../base/deferred.ts'
import { ManualClock } from '../testing/manual-clock.ts'
import {
  answer,
  echo,
  framed,
  RawClient,
  startServer,
  type TestServer,
  until,
} from '../testing/net-server.ts'
import type { Outcome, Serve } from './connection.ts'

const cleanups: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

async function start(...args: Parameters<typeof startServer>): Promise<TestServer> {
  const server = await startServer(...args)
  cleanups.push(() => server.close())
  return server
}

async function client(server: TestServer, options: { reading?: boolean } = {}): Promise<RawClient> {
  const connected = await RawClient.connect(server.port, options)
  cleanups.push(() => connected.close())
  return connected
}

const texts = (frames: readonly Buffer[]) => frames.map((frame) => frame.toString())

describe('the order of a connection', () => {
  it('is the same for answers as for requests, and a request begins when the answer before it is sent', async () => {
    const begun: string[] = []
    const first = deferred<Outcome>()
    const serve: Serve = (request) => {
      begun.push(request.toString())
      return request.toString() === 'slow' ? first.promise : answer(request)
    }
    const server = await start(serve)
    const slow = await client(server)
    const other = await client(server)
    slow.send(Buffer.concat([framed('slow'), framed('b'), framed('c')]))
    await until(() => begun.length === 1)
    other.send(framed('other'))
    expect(texts(await other.received(1))).toEqual(['other'])
    expect(begun).toEqual(['slow', 'other'])
    first.resolve(answer(Buffer.from('slow done')))
    expect(texts(await slow.received(3))).toEqual(['slow done', 'b', 'c'])
  })

  it('survives requests without an answer between those with one', async () => {
    const serve: Serve = (request) =>
      request.toString().startsWith('quiet')
        ? { buffers: [], muteMs: 0, closeReason: undefined }
        : answer(request)
    const server = await start(serve)
    const one = await client(server)
    one.send(framed('quiet'), framed('a'), framed('quiet too'), framed('b'))
    expect(texts(await one.received(2))).toEqual(['a', 'b'])
  })

  it('holds for requests that come byte by byte, and for thousands in one piece', async () => {
    const server = await start(echo)
    const slow = await client(server)
    for (const byte of Buffer.concat([framed('one'), framed(''), framed('three')])) {
      slow.send(Buffer.from([byte]))
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(texts(await slow.received(3))).toEqual(['one', '', 'three'])
    const fast = await client(server)
    const sent = Array.from({ length: 5000 }, (_, index) => `request ${index}`)
    fast.send(Buffer.concat(sent.map(framed)))
    expect(texts(await fast.received(5000))).toEqual(sent)
  })

  it('delays the next request by the time that the answer before it asked for', async () => {
    const clock = new ManualClock()
    const begun: string[] = []
    const serve: Serve = (request) => {
      begun.push(request.toString())
      return { ...answer(request), muteMs: begun.length === 1 ? 500 : 0 }
    }
    const server = await start(serve, {}, { clock })
    const one = await client(server)
    one.send(framed('a'), framed('b'))
    await one.received(1)
    clock.advance(499)
    expect(begun).toEqual(['a'])
    clock.advance(1)
    expect(texts(await one.received(2))).toEqual(['a', 'b'])
  })
})

describe('a slow reader', () => {
  const large = Buffer.alloc(4 << 20, 1)

  it('gets one answer at a time, and costs the others nothing', async () => {
    let begun = 0
    const serve: Serve = (request) => {
      if (request.toString() !== 'large') return answer(request)
      begun++
      return answer(large, large, large, large)
    }
    const server = await start(serve)
    const slow = await client(server, { reading: false })
    slow.send(framed('large'), framed('large'), framed('large'))
    await until(() => begun > 0)
    const other = await client(server)
    for (let turn = 1; turn <= 20; turn++) {
      other.send(framed(`${turn}`))
      await other.received(turn)
    }
    expect(begun).toBe(1)
    expect(server.server.bytesInFlight.answers).toBeLessThanOrEqual(4 * large.length + 4)
    slow.socket.resume()
    const frames = await slow.received(3)
    expect(begun).toBe(3)
    for (const frame of frames) {
      expect(frame.length).toBe(4 * large.length)
      expect(frame.equals(Buffer.alloc(4 * large.length, 1))).toBe(true)
    }
    await until(() => server.server.bytesInFlight.answers === 0)
    expect(server.server.bytesInFlight.requests).toBe(0)
  })

  it('that sends on and on is not read beyond the read-ahead', async () => {
    const blocked = deferred<Outcome>()
    const server = await start(() => blocked.promise)
    const one = await client(server)
    const piece = framed(Buffer.alloc(60_000))
    let written = 0
    const write = () => {
      while (one.socket.write(piece)) written += piece.length
      written += piece.length
      if (written < 64 << 20) one.socket.once('drain', write)
    }
    write()
    await until(() => (server.bounds.get('connection.readahead') ?? 0) > 0)
    for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve))
    expect(server.server.bytesInFlight.requests).toBeLessThan(1 << 20)
    blocked.resolve(answer(Buffer.alloc(1)))
  })
})

describe('memory for requests', () => {
  it('is not taken for the 100 MB that a few bytes announce', async () => {
    const server = await start(echo)
    const prefix = Buffer.alloc(10)
    prefix.writeInt32BE(100 << 20)
    const before = process.memoryUsage()
    const clients = await Promise.all(Array.from({ length: 50 }, () => client(server)))
    for (const each of clients) each.send(prefix)
    await until(() => server.server.bytesInFlight.requests === 50 * prefix.length)
    const after = process.memoryUsage()
    expect(after.arrayBuffers - before.arrayBuffers).toBeLessThan(20 << 20)
    expect(after.rss - before.rss).toBeLessThan(100 << 20)
  })

  it('is bounded over all connections, and every request is answered all the same', async () => {
    const held: (() => void)[] = []
    const serve: Serve = (request) => {
      const { promise, resolve } = deferred<Outcome>()
      held.push(() => resolve(answer(request.subarray(0, 3))))
      return promise
    }
    const server = await start(serve, { maxQueuedRequestBytes: 2 << 20 })
    const clients = await Promise.all(Array.from({ length: 12 }, () => client(server)))
    for (const each of clients) each.send(framed(Buffer.alloc(1 << 20, 7)))
    await until(() => (server.bounds.get('requests.bytes') ?? 0) > 0)
    let answered = 0
    while (answered < clients.length) {
      await until(() => held.length > 0)
      // One frame above the bound by overdraft, and a read of each connection.
      expect(server.server.bytesInFlight.requests).toBeLessThan((3 << 20) + 12 * (128 << 10))
      for (const release of held.splice(0)) {
        release()
        answered++
      }
    }
    for (const each of clients) await each.received(1)
    await until(() => server.server.bytesInFlight.requests === 0)
  })

  it('is an eighth of the bound, until someone has waited for a second or two', async () => {
    const clock = new ManualClock()
    const held = deferred<Outcome>()
    let begun = 0
    const serve: Serve = () => {
      begun++
      return held.promise
    }
    const server = await start(serve, { maxQueuedRequestBytes: 8 << 20 }, { clock })
    const clients = await Promise.all(Array.from({ length: 12 }, () => client(server)))
    for (const each of clients) each.send(framed(Buffer.alloc(512 << 10)))
    await until(() => (server.bounds.get('requests.bytes') ?? 0) > 0)
    for (let turn = 0; turn < 200; turn++) await new Promise((resolve) => setImmediate(resolve))
    expect(begun).toBeLessThan(5)
    clock.advance(3000)
    await until(() => begun === clients.length)
    held.resolve(answer(Buffer.alloc(1)))
    for (const each of clients) await each.received(1)
  })

  it('that a stalled half request holds is taken from it when others wait', async () => {
    const clock = new ManualClock()
    const server = await start(echo, { maxQueuedRequestBytes: 1 << 20 }, { clock })
    const stalled = await client(server)
    stalled.send(framed(Buffer.alloc(3 << 20)).subarray(0, 1 << 20))
    await until(() => server.server.bytesInFlight.requests >= 1 << 20)
    const waiting = await client(server)
    waiting.send(framed(Buffer.alloc(300_000, 'x')))
    await until(() => server.bounds.get('requests.bytes') === 2)
    for (let second = 0; second < 25 && !stalled.ended; second++) {
      clock.advance(1000)
      for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve))
    }
    await stalled.end()
    expect((await waiting.received(1))[0]!.length).toBe(300_000)
    expect(server.bounds.get('connection.stalled')).toBe(1)
  })

  it('that half requests hold keeps nobody with a small one waiting', async () => {
    const server = await start(echo, { maxQueuedRequestBytes: 1 << 20 })
    const half = framed(Buffer.alloc(90 << 20)).subarray(0, 300_000)
    const clients = await Promise.all(Array.from({ length: 4 }, () => client(server)))
    for (const each of clients) each.send(half)
    await until(() => server.server.bytesInFlight.requests >= 1 << 20)
    const other = await client(server)
    for (let turn = 1; turn <= 20; turn++) {
      other.send(framed(`${turn}`))
      await other.received(turn)
    }
    expect(server.server.bytesInFlight.requests).toBeGreaterThanOrEqual(1 << 20)
  })

  it('that very many half requests hold is taken from them as soon as the reserve is going', async () => {
    const clock = new ManualClock()
    const server = await start(echo, { maxQueuedRequestBytes: 1 << 20 }, { clock })
    const half = framed(Buffer.alloc(90 << 20)).subarray(0, 60_000)
    const clients = await Promise.all(Array.from({ length: 40 }, () => client(server)))
    for (const each of clients) each.send(half)
    await until(() => server.server.bytesInFlight.requests >= 1.5 * (1 << 20))
    await until(() => {
      clock.advance(100)
      return clients.some(({ ended }) => ended)
    })
    const gone = server.bounds.get('connection.stalled') ?? 0
    expect([gone > 0, gone < clients.length]).toEqual([true, true])
  })
})

describe('bytes that are no request', () => {
  for (const [what, size] of [
    ['a negative length', -1],
    ['a length above the maximum', 1025],
    ['a length that no header has', 3],
  ] as const) {
    it(`(${what}) close the connection with a logged reason, after the answers before them`, async () => {
      const server = await start(echo, { maxRequestBytes: 1024, minRequestBytes: 4 })
      const one = await client(server)
      const prefix = Buffer.alloc(4)
      prefix.writeInt32BE(size)
      one.send(Buffer.concat([framed(Buffer.alloc(1024, 97)), prefix, framed('never')]))
      await one.end()
      expect(one.frames.map((frame) => frame.length)).toEqual([1024])
      expect(server.bounds.get('request.size')).toBe(1)
      expect(server.logged).toEqual([
        {
          message: 'closing connection',
          fields: expect.objectContaining({ reason: 'request size out of range', size }),
        },
      ])
      const other = await client(server)
      other.send(framed('still here'))
      expect(texts(await other.received(1))).toEqual(['still here'])
    })
  }

  it('found by the dispatcher end the connection without beginning what is behind', async () => {
    const begun: string[] = []
    const serve: Serve = (request) => {
      begun.push(request.toString())
      if (request.toString() === 'bad') return { buffers: [], muteMs: 0, closeReason: 'bad' }
      return answer(request)
    }
    const server = await start(serve)
    const one = await client(server)
    one.send(Buffer.concat([framed('good'), framed('bad'), framed('behind')]))
    await one.end()
    expect(texts(one.frames)).toEqual(['good'])
    expect(begun).toEqual(['good', 'bad'])
    await until(() => server.server.bytesInFlight.requests === 0)
  })
})

describe('a client that leaves', () => {
  it('half-way (FIN) still has everything served that it sent', async () => {
    const begun: string[] = []
    const serve: Serve = (request) => {
      begun.push(request.toString())
      return answer(request)
    }
    const server = await start(serve)
    const one = await client(server)
    one.send(framed('a'), framed('b'), framed('half').subarray(0, 6))
    one.socket.end()
    await one.end()
    expect(texts(one.frames)).toEqual(['a', 'b'])
    expect(begun).toEqual(['a', 'b'])
    await until(() => server.server.connectionCount === 0)
  })

  it('during a long poll ends the poll, and nothing of it stays in memory', async () => {
    const gone = deferred<void>()
    const begun = deferred<void>()
    const serve: Serve = (request, connection) => {
      const { promise, resolve } = deferred<Outcome>()
      connection.onClosing(() => {
        gone.resolve()
        resolve(answer(request))
      })
      begun.resolve()
      return promise
    }
    const server = await start(serve)
    const one = await client(server)
    one.send(framed('poll'))
    await begun.promise
    one.socket.resetAndDestroy()
    await gone.promise
    await until(() => server.server.connectionCount === 0)
    expect(server.server.bytesInFlight).toEqual({ requests: 0, answers: 0 })
  })

  it('while a large answer is on its way leaves nothing behind', async () => {
    const server = await start(() => answer(Buffer.alloc(32 << 20)))
    const one = await client(server, { reading: false })
    one.send(framed('x'), framed('y'))
    await until(() => server.server.bytesInFlight.answers > 0)
    one.socket.resetAndDestroy()
    await until(() => server.server.connectionCount === 0)
    expect(server.server.bytesInFlight).toEqual({ requests: 0, answers: 0 })
  })
})

it.each([
  ['at once', false],
  ['by promises', true],
])(
  'thousands of requests in one piece, answered %s, are served in turns with those of others',
  async (_how, promised) => {
    const order: string[] = []
    const server = await start((request) => {
      order.push(request.toString())
      return promised ? Promise.resolve(answer(request)) : answer(request)
    })
    const many = await client(server)
    const other = await client(server)
    many.send(Buffer.concat(Array.from({ length: 5000 }, () => framed('many'))))
    await until(() => order.length > 0)
    other.send(framed('other'))
    await other.received(1)
    expect(order.indexOf('other')).toBeLessThan(5000)
    await many.received(5000)
  },
)
