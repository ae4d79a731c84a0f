/**
 * A client that does no more than it should, in a process of its own: produces a record with acks=all, fetches it, asks
 * for its topic's metadata, rests, and so on. Told 'round' it answers with the latencies since the last time.
 * Arguments: host, port, and how many milliseconds it rests.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { TestClient } from '../../src/testing/test-client.ts'
import { encodeBatch } from '../../src/wire/records.ts'
import { produceRequest, produceResponse } from '../../src/wire/schemas/00-produce.ts'
import { fetchRequest, fetchResponse } from '../../src/wire/schemas/01-fetch.ts'
import { metadataRequest, metadataResponse } from '../../src/wire/schemas/03-metadata.ts'
import { expectNone } from '../support/expect-none.ts'
import { fetchInput } from './fetch-input.ts'
import { createTopics, deleteTopics, WELL_BEHAVED_TOPIC as TOPIC } from './topics.ts'

/** What the client tells its parent. */
export interface Latencies {
  readonly ms: readonly number[]
  /** Those of Produce and of Fetch among them. */
  readonly produceMs: readonly number[]
  readonly fetchMs: readonly number[]
  /** What went wrong, if anything: then it has ended. */
  readonly fault?: string
}

let latencies = { ms: [] as number[], produceMs: [] as number[], fetchMs: [] as number[] }
/** Since when an answer is waited for. */
let waitingSince: number | undefined

async function timed<T>(work: Promise<T>, kind?: 'produceMs' | 'fetchMs'): Promise<T> {
  const began = performance.now()
  waitingSince = began
  const value = await work
  waitingSince = undefined
  const tookMs = performance.now() - began
  latencies.ms.push(tookMs)
  if (kind !== undefined) latencies[kind].push(tookMs)
  return value
}

async function round(client: TestClient): Promise<void> {
  const records = encodeBatch({ records: [{ value: Buffer.alloc(100, 1) }], baseTimestamp: Date.now() })
  const produced = await timed(
    client.send(produceRequest, produceResponse, 9, {
      transactionalId: null,
      acks: -1,
      timeoutMs: 30_000,
      topicData: [{ name: TOPIC, partitionData: [{ index: 0, records }] }],
    }),
    'produceMs',
  )
  const written = produced.responses[0]?.partitionResponses[0]
  expectNone('produce', written?.errorCode)
  const fetched = await timed(
    client.send(
      fetchRequest,
      fetchResponse,
      12,
      fetchInput(TOPIC, written!.baseOffset, { maxWaitMs: 500, maxBytes: 100_000 }),
    ),
    'fetchMs',
  )
  const read = fetched.responses[0]?.partitions[0]
  expectNone('fetch', read?.errorCode)
  if ((read?.records?.length ?? 0) === 0) throw new Error('the record that was acknowledged is not there')
  const { topics } = await timed(
    client.send(metadataRequest, metadataResponse, 12, { topics: [{ name: TOPIC }] }),
  )
  expectNone('metadata', topics?.[0]?.errorCode)
}

async function run(host: string, port: number, restMs: number): Promise<void> {
  const client = await TestClient.connect(host, port, 'well-behaved')
  await deleteTopics(client, [TOPIC])
  await createTopics(client, [TOPIC])
  process.send!('ready')
  for (;;) {
    await round(client)
    await delay(restMs)
  }
}

process.on('message', () => {
  // What it waits for now has taken at least so long.
  if (waitingSince !== undefined) latencies.ms.push(performance.now() - waitingSince)
  process.send!(latencies satisfies Latencies)
  latencies = { ms: [], produceMs: [], fetchMs: [] }
})
process.on('disconnect', () => process.exit())
const [host = '127.0.0.1', port = '9092', restMs = '4'] = process.argv.slice(2)
run(host, Number(port), Number(restMs)).catch((error: unknown) => {
  process.send!({
    ...latencies,
    fault: error instanceof Error ? error.message : String(error),
  } satisfies Latencies)
})
