import { connect } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { silentLogger } from '../base/logger.ts'
import { metricTable } from '../base/metrics.ts'
import { HttpBindError, HttpServer } from './http-server.ts'
import { prometheusMetrics } from './prometheus.ts'
import { networkMetrics, sampleProcess } from './sources.ts'

const running: HttpServer[] = []
afterEach(async () => {
  await Promise.all(running.splice(0).map((server) => server.close()))
})

async function start(notReady: () => string | undefined = () => undefined, port = 0) {
  const metrics = await prometheusMetrics()
  const server = await HttpServer.start({ host: '127.0.0.1', port, metrics, notReady, logger: silentLogger })
  running.push(server)
  const get = (path: string, init?: RequestInit) => fetch(`http://127.0.0.1:${server.port}${path}`, init)
  return { server, metrics, get }
}

describe('health', () => {
  test('a broker that runs is live, whether or not it is ready', async () => {
    const { get } = await start(() => 'logs are being recovered')
    expect((await get('/health/live')).status).toBe(200)
    const ready = await get('/health/ready')
    expect([ready.status, await ready.text()]).toEqual([503, 'logs are being recovered\n'])
  })

  test('readiness is asked for each time', async () => {
    let reason: string | undefined = 'starting'
    const { get } = await start(() => reason)
    expect((await get('/health/ready')).status).toBe(503)
    reason = undefined
    expect((await get('/health/ready')).status).toBe(200)
  })
})

describe('metrics', () => {
  test('every metric of the table is exposed under its name, kind and help', async () => {
    const { get } = await start()
    const body = await (await get('/metrics')).text()
    for (const [name, { kind, help }] of Object.entries(metricTable)) {
      expect(body).toContain(`# HELP ${name} ${help}\n`)
      expect(body).toContain(`# TYPE ${name} ${kind}\n`)
    }
  })

  test('what the network counts arrives, and a connection that was closed is gone', async () => {
    const { metrics, get } = await start()
    const network = networkMetrics(metrics, (key) => (key === 0 ? 'Produce' : 'other'))
    network.boundMet('requests.bytes', 'PLAINTEXT')
    network.boundMet('requests.bytes', 'PLAINTEXT')
    network.connectionOpened('PLAINTEXT')
    network.connectionOpened('PLAINTEXT')
    network.connectionClosed('PLAINTEXT')
    network.requestHandled({ apiKey: 0, requestBytes: 100, answerBytes: 0, durationMs: 3 })
    network.requestRefused('PLAINTEXT', 999)
    const lines = (await (await get('/metrics')).text()).split('\n')
    expect(lines).toEqual(
      expect.arrayContaining([
        'sluice_bounds_met_total{bound="requests.bytes",at="PLAINTEXT"} 2',
        'sluice_connections_opened_total{listener="PLAINTEXT"} 2',
        'sluice_connections{listener="PLAINTEXT"} 1',
        'sluice_requests_total{api="Produce"} 1',
        'sluice_request_bytes_total{api="Produce"} 100',
        'sluice_request_duration_seconds_bucket{le="0.0025",api="Produce"} 0',
        'sluice_request_duration_seconds_bucket{le="0.005",api="Produce"} 1',
        'sluice_requests_refused_total{api="other"} 1',
      ]),
    )
  })

  test('a sampled metric shows the values of the moment only', async () => {
    const { metrics, get } = await start()
    let samples = [{ labels: { type: 'classic', state: 'Stable' }, value: 2 }]
    metrics.sample('sluice_groups', () => samples)
    sampleProcess(metrics, '1.2.3')
    const first = await (await get('/metrics')).text()
    expect(first).toContain('sluice_groups{type="classic",state="Stable"} 2\n')
    expect(first).toContain('sluice_build_info{version="1.2.3"} 1\n')
    expect(first).toMatch(/^process_resident_memory_bytes [1-9]\d+$/m)
    samples = [{ labels: { type: 'classic', state: 'Empty' }, value: 1 }]
    const second = await (await get('/metrics')).text()
    expect(second).toContain('sluice_groups{type="classic",state="Empty"} 1\n')
    expect(second).not.toContain('Stable')
  })
})

describe('bad input', () => {
  test('another path is 404 and another method 405', async () => {
    const { get } = await start()
    expect((await get('/')).status).toBe(404)
    const post = await get('/metrics', { method: 'POST', body: 'x'.repeat(1000) })
    expect([post.status, post.headers.get('allow')]).toEqual([405, 'GET, HEAD'])
    const head = await get('/health/live', { method: 'HEAD' })
    expect([head.status, await head.text()]).toEqual([200, ''])
  })

  test('a broken request and an endless header end their own connection only', async () => {
    const { server, get } = await start()
    expect(await send(server.port, 'nonsense\r\n\r\n')).toMatch(/^HTTP\/1.1 400/)
    expect(await send(server.port, `GET / HTTP/1.1\r\nx: ${'y'.repeat(20_000)}`)).toMatch(/^HTTP\/1.1 431/)
    expect((await get('/health/live')).status).toBe(200)
  })

  test('a port in use is one clear line', async () => {
    const { server } = await start()
    const second = start(undefined, server.port)
    await expect(second).rejects.toThrow(HttpBindError)
    await expect(second).rejects.toThrow(/^cannot serve HTTP on 127\.0\.0\.1:\d+: .*EADDRINUSE/)
  })
})

test('close cuts connections that are open and frees the port', async () => {
  const { server, get } = await start()
  const { port } = server
  await get('/health/live')
  const idle = connect(port, '127.0.0.1')
  await new Promise((resolve) => idle.once('connect', resolve))
  const closed = new Promise((resolve) => idle.once('close', resolve))
  idle.on('error', () => {})
  await running.pop()!.close()
  await closed
  await start(undefined, port)
})

function send(port: number, bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes))
    let received = ''
    socket.on('data', (chunk) => {
      received += chunk
    })
    socket.on('error', reject)
    socket.on('close', () => resolve(received))
  })
}
