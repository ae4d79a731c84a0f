import { connect, createServer, type Socket } from 'node:net'
import { describe, expect, it } from 'vitest'
import { loadFfi } from '../base/ffi.ts'
import { echo, startServer } from '../testing/net-server.ts'
import { descriptorOf } from './descriptor.ts'
import { Unpaced } from './unpaced.ts'

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

/** One that was accepted, while `action` looks at it. */
async function withAccepted(action: (socket: Socket) => void): Promise<void> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const accepted = new Promise<Socket>((resolve) => server.once('connection', resolve))
  const client = connect((server.address() as { port: number }).port, '127.0.0.1')
  try {
    action(await accepted)
  } finally {
    client.destroy()
    server.close()
  }
}

describe.runIf(process.platform === 'linux' && loadFfi() !== undefined)('a connection', () => {
  it('has a congestion control that does not pace, where its own does', () =>
    withAccepted((socket) => {
      new Unpaced(congestionControlOf(socket).slice(0, 3)).add(socket)
      expect(congestionControlOf(socket)).toBe('reno')
    }))

  it('keeps one that does not', () =>
    withAccepted((socket) => {
      const before = congestionControlOf(socket)
      new Unpaced('another').add(socket)
      expect(congestionControlOf(socket)).toBe(before)
    }))
})

it.runIf(process.platform === 'linux')('only what stays within the machine is taken for that', async () => {
  const within: (string | undefined)[] = []
  const unpaced = new Unpaced()
  unpaced.add = ({ remoteAddress }) => {
    within.push(remoteAddress)
  }
  const server = await startServer(echo, {}, { unpaced })
  for (const localAddress of ['127.0.0.2', '127.0.0.1']) {
    const client = connect({ port: server.port, host: '127.0.0.1', localAddress })
    client.end(Buffer.from([0, 0, 0, 1, 7]))
    expect(await client.toArray()).toHaveLength(1)
  }
  expect(within).toEqual(['127.0.0.1'])
  await server.close()
})

it('a socket that is none of the kernel stays as it is', () => {
  new Unpaced().add({} as Socket)
})
