import { connect, createServer, type Socket } from 'node:net'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import { loadFfi } from '../base/ffi.ts'
import { echo, startServer } from '../testing/net-server.ts'
import { descriptorOf } from './descriptor.ts'
import { type CongestionControl, Unpaced } from './unpaced.ts'

/** `getsockopt` of TCP_CONGESTION. */
function congestionControlOf(socket: Socket): string {
  const ffi = loadFfi()!
  const { functions } = ffi.dlopen(null, {
    getsockopt: { arguments: ['i32', 'i32', 'i32', 'pointer', 'pointer'], return: 'i32' },
  })
  const name = new Uint8Array(16)
  const length = new Uint32Array([name.length])
  const status = functions.getsockopt(
    descriptorOf(socket)!,
    6,
    13,
    ffi.getRawPointer(name.buffer),
    ffi.getRawPointer(length.buffer),
  )
  expect(status).toBe(0)
  return Buffer.from(name).toString('latin1').replace(/\0.*/s, '')
}

/** Two that were accepted, of a listening socket that `unpaced` was told of. */
async function withAccepted(
  unpaced: Unpaced,
  action: (sockets: Socket[]) => void | Promise<void>,
): Promise<void> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  unpaced.listens({ descriptor: descriptorOf(server) })
  const { port } = server.address() as { port: number }
  const sockets: Socket[] = []
  server.on('connection', (socket) => sockets.push(socket))
  const clients = [1, 2].map(() => connect(port, '127.0.0.1'))
  try {
    await vi.waitFor(() => expect(sockets).toHaveLength(clients.length))
    await action(sockets)
  } finally {
    for (const socket of [...clients, ...sockets]) socket.destroy()
    server.close()
  }
}

describe.runIf(process.platform === 'linux' && loadFfi() !== undefined)('where the usual one paces', () => {
  let usual: string
  beforeAll(() =>
    withAccepted(new Unpaced('none'), ([socket]) => {
      usual = congestionControlOf(socket!)
    }),
  )

  it('connections begin without, and those that leave the machine get it back', () => {
    const unpaced = new Unpaced(usual.slice(0, 3))
    return withAccepted(unpaced, ([within, without]) => {
      expect([within!, without!].map(congestionControlOf)).toEqual(['reno', 'reno'])
      unpaced.accepted(within!, true)
      unpaced.accepted(without!, false)
      expect([within!, without!].map(congestionControlOf)).toEqual(['reno', usual])
    })
  })

  it('a connection that came too early loses it', () => {
    const unpaced = new Unpaced(usual.slice(0, 3))
    return withAccepted(new Unpaced('none'), async ([early]) => {
      await withAccepted(unpaced, () => {
        expect(congestionControlOf(early!)).toBe(usual)
        unpaced.accepted(early!, true)
        expect(congestionControlOf(early!)).toBe('reno')
      })
    })
  })

  it('nothing changes with another', () => {
    const unpaced = new Unpaced('another')
    return withAccepted(unpaced, (sockets) => {
      unpaced.accepted(sockets[0]!, true)
      unpaced.accepted(sockets[1]!, false)
      expect(sockets.map(congestionControlOf)).toEqual([usual, usual])
    })
  })
})

it.runIf(process.platform === 'linux')(
  'a listener, and what stays within the machine, are told of',
  async () => {
    const listening: unknown[] = []
    const stays: [string | undefined, boolean][] = []
    const unpaced = new Unpaced()
    unpaced.listens = ({ descriptor }) => {
      listening.push(descriptor)
    }
    unpaced.accepted = ({ remoteAddress }, staysWithin) => {
      stays.push([remoteAddress, staysWithin])
    }
    const server = await startServer(echo, {}, { unpaced })
    for (const localAddress of ['127.0.0.2', '127.0.0.1']) {
      const client = connect({ port: server.port, host: '127.0.0.1', localAddress })
      client.end(Buffer.from([0, 0, 0, 1, 7]))
      expect(await client.toArray()).toHaveLength(1)
    }
    expect(listening).toEqual([expect.any(Number)])
    expect(stays).toEqual([
      ['127.0.0.2', false],
      ['127.0.0.1', true],
    ])
    await server.close()
  },
)

it('where the kernel would not give the usual one back, nothing changes', () => {
  const refusing: CongestionControl = {
    get: () => 'bbr',
    set: () => expect.unreachable('a socket is changed'),
    takes: (first, second) => {
      expect([first, second]).toEqual(['reno', 'bbr'])
      return false
    },
  }
  const unpaced = new Unpaced('bbr', refusing)
  unpaced.listens({ descriptor: 3 })
  for (const [fd, staysWithin] of [[4, false] as const, [5, true] as const])
    unpaced.accepted({ _handle: { fd } } as unknown as Socket, staysWithin)
})

it('what a route has of its own stays', () => {
  const controls = new Map([
    [3, 'bbr'],
    [4, 'dctcp'],
  ])
  const control: CongestionControl = {
    get: (descriptor) => controls.get(descriptor),
    set: (descriptor, name) => controls.set(descriptor, name),
    takes: () => true,
  }
  const unpaced = new Unpaced('bbr', control)
  unpaced.listens({ descriptor: 3 })
  unpaced.accepted({ _handle: { fd: 4 } } as unknown as Socket, false)
  expect([...controls.values()]).toEqual(['reno', 'dctcp'])
})

it('a socket that is none of the kernel stays as it is', () => {
  const unpaced = new Unpaced()
  unpaced.listens({})
  unpaced.accepted({} as Socket, true)
})
