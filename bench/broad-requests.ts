/**
 * How long others wait for requests with very many entries: `node bench/broad-requests.ts [ENTRIES] [API]`. For each
 * array in the newest version of each API: the most CPU time that one turn of the event loop took, of a broker in this
 * process with its data in memory, and the answer. The requests come from a thread of their own. Each is sent three
 * times and the least is told, since code is compiled at first.
 */
import { once } from 'node:events'
import { connect } from 'node:net'
import { fileURLToPath } from 'node:url'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { servedRanges } from '../src/apis/table.ts'
import { startBroker } from '../src/index.ts'
import { broadRequests } from '../src/testing/broad-requests.ts'
import { longestCallbackMs } from '../src/testing/longest-callback.ts'
import { apis } from '../src/wire/apis.ts'

const ROUNDS = 3
const LONG_MS = 100

async function run(entries: number, only: string): Promise<void> {
  const broker = await startBroker({ config: { 'group.initial.rebalance.delay.ms': 0 } })
  const worker = new Worker(fileURLToPath(import.meta.url), { workerData: { port: broker.port } })
  let long = 0
  for (const { apiKey, maxVersion } of servedRanges) {
    const api = apis.find(({ key }) => key === apiKey)!
    if (!api.name.includes(only)) continue
    for (const { path, bytes } of broadRequests(api, maxVersion, entries)) {
      let longestMs = Number.POSITIVE_INFINITY
      let answer = ''
      for (let round = 0; round < ROUNDS; round++) {
        const ms = await longestCallbackMs(async () => {
          worker.postMessage(bytes)
          answer = String((await once(worker, 'message'))[0])
        })
        longestMs = Math.min(longestMs, ms)
      }
      if (longestMs >= LONG_MS) long++
      const mark = longestMs >= LONG_MS ? '  <<' : ''
      process.stdout.write(
        `${`${api.name} ${path}`.padEnd(60)} ${longestMs.toFixed(0).padStart(6)} ms  ${answer}${mark}\n`,
      )
    }
  }
  process.stdout.write(`${long} with ${LONG_MS} ms and more\n`)
  await worker.terminate()
  await broker.close()
}

/** Sends what it is given on a new connection and tells what came. */
function send(port: number): void {
  parentPort!.on('message', (bytes: Uint8Array) => {
    const socket = connect(port, '127.0.0.1')
    let received = 0
    let wanted = Number.POSITIVE_INFINITY
    socket.on('error', () => {})
    socket.on('data', (chunk: Buffer) => {
      if (received === 0) wanted = 4 + chunk.readInt32BE(0)
      received += chunk.length
      if (received >= wanted) socket.destroy()
    })
    socket.on('close', () => parentPort!.postMessage(received >= wanted ? `${received} bytes` : 'closed'))
    socket.write(bytes)
  })
}

if (isMainThread) await run(Number(process.argv[2] ?? 90_000), process.argv[3] ?? '')
else send(workerData.port)
