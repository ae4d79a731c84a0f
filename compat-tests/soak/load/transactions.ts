import type { SeededRandom } from '../../../src/testing/seeded-random.ts'
import { contentOf } from '../../crash/history.ts'
import { Connection } from '../../exactly-once/connection.ts'
import { type Protocol, Refused, TransactionalProducer } from '../../exactly-once/producer.ts'
import { Activity } from '../activity.ts'
import type { Ledger } from '../ledger.ts'
import type { Place } from '../place.ts'

const RECORDS = 6
/** What is left open is aborted by the coordinator. */
const TIMEOUT_MS = 3000
/** After so many transactions under one id there comes a new id, and the coordinator forgets the old one some time. */
const TRANSACTIONS_OF_AN_ID = 50
const ABORT_CHANCE = 0.3
const ABANDON_CHANCE = 0.02

export interface TransactionsOptions {
  readonly place: Place
  readonly name: string
  readonly topic: string
  readonly protocol: Protocol
  readonly random: SeededRandom
  readonly restMs: number
  readonly ledger: Ledger
}

/** Transactions that commit, abort, or are left open by a producer that goes away with its connection. */
export function transactions(options: TransactionsOptions): Activity {
  const { place, name, topic, protocol, random, restMs, ledger } = options
  let sequence = 0
  let ids = 0
  let connection = newConnection()
  let producer: TransactionalProducer | undefined
  let left = 0

  function newConnection(): Connection {
    return new Connection(() => place, name)
  }

  async function begin(): Promise<TransactionalProducer> {
    const begun = new TransactionalProducer({
      connection,
      transactionalId: `${name}-${ids++}`,
      timeoutMs: TIMEOUT_MS,
      protocol,
      onBreak: () => {
        throw new Error(`${name}: the connection broke`)
      },
    })
    await begun.init()
    left = TRANSACTIONS_OF_AN_ID
    return begun
  }

  async function step(): Promise<void> {
    producer ??= await begin()
    const beganMs = performance.now()
    try {
      await once(producer)
    } catch (error) {
      // On a machine that stood still for so long the coordinator has aborted it.
      if (!(error instanceof Refused) || performance.now() - beganMs < TIMEOUT_MS / 2) throw error
      producer = undefined
    }
  }

  async function once(current: TransactionalProducer): Promise<void> {
    const sequences = Array.from({ length: RECORDS }, () => sequence++)
    await current.send([{ topic, partition: 0, values: sequences.map((each) => contentOf(name, each)) }])
    if (random.chance(ABANDON_CHANCE)) {
      await connection.close()
      connection = newConnection()
      producer = undefined
      return
    }
    const isCommit = !random.chance(ABORT_CHANCE)
    await current.end(isCommit)
    if (isCommit) for (const each of sequences) ledger.acknowledged(`${name}:${each}`)
    if (--left === 0) producer = undefined
  }

  return new Activity(`transactions of ${name}`, restMs, step, () => connection.close())
}
