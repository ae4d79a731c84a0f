import { TestClient } from '../../../src/testing/test-client.ts'
import type { CompressionType } from '../../../src/wire/compression.ts'
import { encodeBatch } from '../../../src/wire/records.ts'
import { produceRequest, produceResponse } from '../../../src/wire/schemas/00-produce.ts'
import {
  initProducerIdRequest,
  initProducerIdResponse,
} from '../../../src/wire/schemas/22-init-producer-id.ts'
import { contentOf } from '../../crash/history.ts'
import { expectNone } from '../../support/expect-none.ts'
import { Activity } from '../activity.ts'
import type { Ledger } from '../ledger.ts'
import type { Place } from '../place.ts'

const PRODUCE_VERSION = 9
const TIMEOUT_MS = 30_000
const RECORDS = 8
/** An idempotent producer gives way to a new one, so that the broker has ids to forget. */
const BATCHES_OF_A_PRODUCER_ID = 200

export interface FlowProducerOptions {
  readonly place: Place
  readonly name: string
  readonly topic: string
  readonly acks: 0 | 1 | -1
  readonly compression?: CompressionType
  readonly isIdempotent?: boolean
  readonly restMs: number
  /** None where nothing is acknowledged. */
  readonly ledger: Ledger | undefined
}

/** Sends batches of records that follow from their names, one at a time, and notes where each was acknowledged. */
export async function flowProducer(options: FlowProducerOptions): Promise<Activity> {
  const { place, name, topic, acks, compression = 'none', isIdempotent = false, restMs, ledger } = options
  const client = await TestClient.connect(place.host, place.port, name)
  let sequence = 0
  let batches = 0
  let identity = { producerId: -1, producerEpoch: -1 }
  let baseSequence = -1
  const step = async () => {
    if (isIdempotent && batches++ % BATCHES_OF_A_PRODUCER_ID === 0) {
      identity = await newIdentity(client)
      baseSequence = 0
    }
    const first = sequence
    sequence += RECORDS
    const batch = encodeBatch({
      ...identity,
      baseSequence,
      compression,
      baseTimestamp: Date.now(),
      records: Array.from({ length: RECORDS }, (_, index) => ({
        value: Buffer.from(contentOf(name, first + index)),
      })),
    })
    if (isIdempotent) baseSequence += RECORDS
    const input = {
      acks,
      timeoutMs: TIMEOUT_MS,
      topicData: [{ name: topic, partitionData: [{ index: 0, records: [batch] }] }],
    }
    if (acks === 0) {
      if (client.isEnded) throw new Error(`${name}: the connection has ended`)
      client.sendOneWay(produceRequest, PRODUCE_VERSION, input)
      return
    }
    const { responses } = await client.send(produceRequest, produceResponse, PRODUCE_VERSION, input)
    const { errorCode, baseOffset } = responses[0]!.partitionResponses[0]!
    expectNone(name, errorCode)
    for (let index = 0; index < RECORDS; index++)
      ledger?.acknowledged(`${name}:${first + index}`, baseOffset + index)
  }
  return new Activity(`producer ${name}`, restMs, step, () => client.close())
}

async function newIdentity(client: TestClient) {
  const { errorCode, producerId, producerEpoch } = await client.send(
    initProducerIdRequest,
    initProducerIdResponse,
    4,
    { transactionalId: null, transactionTimeoutMs: 60_000 },
  )
  expectNone('InitProducerId', errorCode)
  return { producerId, producerEpoch }
}
