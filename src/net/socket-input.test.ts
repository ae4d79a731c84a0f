import { createServer, Socket } from 'node:net'
import { describe, expect, it } from 'vitest'
import { until } from '../testing/net-server.ts'
import { openInput } from './socket-input.ts'

/** As a TLS socket is one: more than a handle to it. */
class OtherSocket extends Socket {}

describe('openInput', () => {
  it('leaves a socket of another class as it is, and reads it all the same', async () => {
    const server = createServer((peer) => peer.end('hello'))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    const socket = new OtherSocket()
    socket.pause()
    const received: Buffer[] = []
    const input = openInput(socket, Buffer.alloc(16), {
      target: () => undefined,
      filled() {},
      received: (chunk) => received.push(Buffer.from(chunk)),
    })
    expect(input).toBe(socket)
    socket.connect(typeof address === 'object' && address !== null ? address.port : 0, '127.0.0.1')
    await until(() => Buffer.concat(received).toString() === 'hello')
    socket.destroy()
    await new Promise((resolve) => server.close(resolve))
  })

  it('moves the handle of an accepted socket, whose server then may close without it', async () => {
    const scratch = Buffer.alloc(4)
    const received: Buffer[] = []
    const inputs: Socket[] = []
    const server = createServer({ pauseOnConnect: true }, (accepted) => {
      const sink = {
        target: () => undefined,
        filled() {},
        received: (chunk: Buffer) => {
          expect(chunk.buffer).toBe(scratch.buffer)
          received.push(Buffer.from(chunk))
        },
      }
      inputs.push(openInput(accepted, scratch, sink))
      expect(inputs[0]).not.toBe(accepted)
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    const client = new Socket()
    client.connect(typeof address === 'object' && address !== null ? address.port : 0, '127.0.0.1')
    client.write('hello world')
    await until(() => Buffer.concat(received).toString() === 'hello world')
    await new Promise((resolve) => server.close(resolve))
    inputs[0]?.write('back')
    const back = await new Promise((resolve) => client.once('data', (chunk) => resolve(chunk.toString())))
    expect(back).toBe('back')
    client.destroy()
    inputs[0]?.destroy()
  })
})
