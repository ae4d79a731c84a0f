import { createServer } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { deferred } from '../base/deferred.ts'
import { ManualClock } from '../testing/manual-clock.ts'
import {
  answer,
  echo,
  framed,
  listenerOptions,
  RawClient,
  startServer,
  type TestServer,
  until,
} from '../testing/net-server.ts'
import type { Outcome, Serve } from './connection.ts'
import { BindError } from './listener.ts'

const cleanups: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

async function start(...args: Parameters<typeof startServer>): Promise<TestServer> {
  const server = await startServer(...args)
  cleanups.push(() => server.close())
  return server
}

async function client(port: number): Promise<RawClient> {
  const connected = await RawClient.connect(port)
  cleanups.push(() => connected.close())
  return connected
}

describe('listeners', () => {
  it('each have a port of their own and tell their connections by name', async () => {
    const serve: Serve = (_request, connection) => answer(Buffer.from(connection.listenerName))
    const server = await start(serve, {
      listeners: [listenerOptions({ name: 'INNER' }), listenerOptions({ name: 'OUTER' })],
    })
    const names: string[] = []
    for (const { port } of server.server.listeners) {
      const one = await client(port)
      one.send(framed('?'))
      names.push((await one.received(1))[0]!.toString())
    }
    expect(names).toEqual(['INNER', 'OUTER'])
  })

  it('are bound all or none, and one that cannot be is named with its address in one line', async () => {
    const taken = createServer()
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve))
    cleanups.push(() => new Promise((resolve) => taken.close(() => resolve())))
    const address = taken.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    const listeners = [listenerOptions({ name: 'FREE' }), listenerOptions({ name: 'TAKEN', port })]
    const error = await startServer(echo, { listeners }).catch((cause: unknown) => cause)
    expect(error).toBeInstanceOf(BindError)
    expect((error as BindError).code).toBe('EADDRINUSE')
    expect((error as BindError).message).toBe(
      `cannot listen on TAKEN://127.0.0.1:${port}: the port is in use (EADDRINUSE)`,
    )
  })

  it('name an address that is not of this machine', async () => {
    const listeners = [listenerOptions({ name: 'FAR', host: '192.0.2.1' })]
    await expect(startServer(echo, { listeners })).rejects.toThrow(
      'cannot listen on FAR://192.0.2.1:0: the address is not one of this machine (EADDRNOTAVAIL)',
    )
  })
})

describe('connection limits', () => {
  it('close what comes beyond them at once, count it, and let in again when one has left', async () => {
    const server = await start(echo, { maxConnections: 2 })
    const first = await client(server.port)
    const second = await client(server.port)
    second.send(framed('x'))
    await second.received(1)
    await (await client(server.port)).end()
    expect(server.bounds.get('connections')).toBe(1)
    await first.close()
    await until(() => server.server.connectionCount === 1)
    const third = await client(server.port)
    third.send(framed('x'))
    await third.received(1)
  })

  it('count by address, with overrides', async () => {
    const server = await start(echo, {
      maxConnectionsPerIp: 5,
      maxConnectionsPerIpOverrides: new Map([['127.0.0.1', 1]]),
    })
    const first = await client(server.port)
    first.send(framed('x'))
    await first.received(1)
    await (await client(server.port)).end()
    expect(server.bounds.get('connections.per.ip')).toBe(1)
  })
})

describe('idle connections', () => {
  it('are closed after connections.max.idle.ms, but not while a request is being handled', async () => {
    const clock = new ManualClock()
    const held = deferred<Outcome>()
    const serve: Serve = (request) => (request.toString() === 'hold' ? held.promise : answer(request))
    const server = await start(serve, { maxIdleMs: 10_000 }, { clock })
    const idle = await client(server.port)
    const busy = await client(server.port)
    idle.send(framed('x'))
    await idle.received(1)
    busy.send(framed('hold'))
    await until(() => server.server.connectionCount === 2 && server.server.bytesInFlight.requests > 0)
    clock.advance(9000)
    expect(idle.ended).toBe(false)
    clock.advance(2000)
    await idle.end()
    expect(server.bounds.get('connection.idle')).toBe(1)
    held.resolve(answer(Buffer.from('done')))
    expect((await busy.received(1))[0]!.toString()).toBe('done')
  })

  it('cost one timer in all, and none when nobody is connected', async () => {
    const clock = new ManualClock()
    const server = await start(echo, {}, { clock })
    expect(clock.pendingTimers).toBe(0)
    const clients = await Promise.all(Array.from({ length: 20 }, () => client(server.port)))
    await until(() => server.server.connectionCount === 20)
    expect(clock.pendingTimers).toBe(1)
    for (const each of clients) await each.close()
    await until(() => server.server.connectionCount === 0)
    expect(clock.pendingTimers).toBe(0)
  })

  it('by the thousand stay small and leave the rest working', async () => {
    const server = await start(echo, { backlog: 511 })
    const before = process.memoryUsage().rss
    const clients: RawClient[] = []
    // One after the other: a system that drops what exceeds the backlog makes the client wait a second.
    while (clients.length < 5000) clients.push(await RawClient.connect(server.port))
    cleanups.push(async () => {
      await Promise.all(clients.map((each) => each.close()))
    })
    await until(() => server.server.connectionCount === 5000)
    // Both ends of all of them.
    expect(process.memoryUsage().rss - before).toBeLessThan(5000 * 40 * 1024)
    const last = clients.at(-1)!
    last.send(framed('x'))
    await last.received(1)
  })
})

describe('closing the server', () => {
  it('answers what was received, tells long polls to end, and refuses new connections', async () => {
    const begun: string[] = []
    const serve: Serve = (request, connection) => {
      begun.push(request.toString())
      if (request.toString() !== 'poll') return answer(request)
      const { promise, resolve } = deferred<Outcome>()
      connection.onClosing(() => resolve(answer(Buffer.from('nothing new'))))
      return promise
    }
    const server = await start(serve)
    const one = await client(server.port)
    one.send(Buffer.concat([framed('poll'), framed('behind')]))
    await until(() => begun.length === 1 && server.server.bytesInFlight.requests > 300)
    one.socket.on('end', () => one.socket.end())
    await server.close()
    await one.closed
    expect(one.frames.map((frame) => frame.toString())).toEqual(['nothing new', 'behind'])
    await expect(RawClient.connect(server.port)).rejects.toThrow('ECONNREFUSED')
  })

  it('cuts what does not end within the grace, counts it and says so once', async () => {
    const clock = new ManualClock()
    const server = await start(() => new Promise<Outcome>(() => {}), {}, { clock })
    const clients = [await client(server.port), await client(server.port)]
    for (const each of clients) each.send(framed('for ever'))
    await until(() => server.server.bytesInFlight.requests > 400)
    const closing = server.close()
    clock.advance(1000)
    await closing
    for (const each of clients) await each.end()
    expect(server.bounds.get('close.timeout')).toBe(2)
    expect(server.logged).toEqual([
      {
        message: 'closing connections that did not end in time',
        fields: { connections: 2, client: '127.0.0.1', bound: 'close.timeout' },
      },
    ])
    expect(clock.pendingTimers).toBe(0)
  })

  it('leaves no socket, server or timer behind', async () => {
    const resources = () =>
      process.getActiveResourcesInfo().filter((name) => /TCP|Timeout|Server/.test(name)).length
    const before = resources()
    const server = await startServer(echo)
    const clients = await Promise.all(Array.from({ length: 10 }, () => RawClient.connect(server.port)))
    for (const each of clients) {
      each.send(framed('x'))
      await each.received(1)
      each.socket.on('end', () => each.socket.end())
    }
    await server.close()
    await Promise.all(clients.map((each) => each.closed))
    await until(() => resources() <= before)
    expect(server.server.connectionCount).toBe(0)
    expect(server.server.bytesInFlight).toEqual({ requests: 0, answers: 0 })
  })
})
