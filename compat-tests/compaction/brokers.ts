/** The two brokers that are compared, each with its data in a directory of its own. */
import { spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { TestClient } from '../../src/testing/test-client.ts'
import { metadataRequest, metadataResponse } from '../../src/wire/schemas/03-metadata.ts'
import { BrokerProcess } from '../support/broker-process.ts'

const HOST = '127.0.0.1'
const START_WITHIN_MS = 120_000

export interface TestedBroker {
  readonly name: string
  readonly dir: string
  readonly client: TestClient
  stop(): Promise<void>
}

export async function startSluice(
  dir: string,
  config: Readonly<Record<string, string>>,
): Promise<TestedBroker> {
  const broker = await BrokerProcess.start({ dir, config })
  const client = await TestClient.connect(HOST, broker.port)
  return {
    name: 'sluice',
    dir,
    client,
    stop: async () => {
      await client.close()
      await broker.stop()
    },
  }
}

export async function startKafka(
  dir: string,
  config: Readonly<Record<string, string>>,
): Promise<TestedBroker> {
  const port = await freePort()
  const script = fileURLToPath(new URL('../java/real-kafka', import.meta.url))
  const settings = Object.entries(config).map((pair) => pair.join('='))
  const kafka = spawn(script, ['run', String(port), dir, ...settings], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const exited = new Promise<void>((resolve) => kafka.once('exit', () => resolve()))
  const stop = async () => {
    kafka.kill('SIGKILL')
    await exited
  }
  const deadline = Date.now() + START_WITHIN_MS
  for (;;) {
    if (kafka.exitCode !== null || Date.now() > deadline) {
      await stop()
      throw new Error('Apache Kafka does not start')
    }
    const client = await TestClient.connect(HOST, port).catch(() => undefined)
    if (client !== undefined && (await hasBroker(client))) {
      return {
        name: 'kafka',
        dir,
        client,
        stop: async () => {
          await client.close()
          await stop()
        },
      }
    }
    await client?.close()
    await sleep(100)
  }
}

async function hasBroker(client: TestClient): Promise<boolean> {
  const answer = client.send(metadataRequest, metadataResponse, 12, { topics: [] })
  return answer.then(({ brokers }) => brokers.length === 1).catch(() => false)
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, HOST, resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}

/** Up to where the broker says that it has cleaned partition 0 of the topic. */
export function cleanedTo({ dir }: TestedBroker, topic: string): number {
  let text: string
  try {
    text = readFileSync(join(dir, 'cleaner-offset-checkpoint'), 'utf8')
  } catch {
    return 0
  }
  const line = text.split('\n').find((candidate) => candidate.startsWith(`${topic} 0 `))
  return Number(line?.split(' ')[2] ?? 0)
}

/** The base offsets of the segments of partition 0 of the topic. */
export function segmentsOf({ dir }: TestedBroker, topic: string): number[] {
  return readdirSync(join(dir, `${topic}-0`))
    .filter((name) => name.endsWith('.log'))
    .map((name) => Number(name.slice(0, -'.log'.length)))
    .sort((a, b) => a - b)
}
