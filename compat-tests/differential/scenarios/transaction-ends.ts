import { api, versionsOf } from '../apis.ts'
import type { Scenario } from '../scenario.ts'
import type { Session } from '../session.ts'
import {
  add,
  begin,
  completed,
  describe,
  end,
  hasSettled,
  type Producer,
  STRANGER,
  transactionsAreServed,
} from '../transactional.ts'

const TOPIC = 'transaction-ends'

/** What a transactional id may have behind it when its producer asks for an end. */
const states: Readonly<Record<string, (session: Session, transactionalId: string) => Promise<Producer>>> = {
  Empty: begin,
  Ongoing: ongoing,
  'CompleteCommit, classic': async (session, id) => end(session, await ongoing(session, id), true, 4),
  'CompleteAbort, classic': async (session, id) => end(session, await ongoing(session, id), false, 4),
  'CompleteCommit, version 2': async (session, id) => end(session, await ongoing(session, id), true, 5),
  'CompleteAbort, version 2': async (session, id) => end(session, await ongoing(session, id), false, 5),
}

async function ongoing(session: Session, transactionalId: string): Promise<Producer> {
  const producer = await begin(session, transactionalId)
  await add(session, producer, TOPIC, 0)
  return producer
}

/** EndTxn in every state, with every epoch that a producer may have, in both protocols, and again. */
export const transactionEnds: Scenario = {
  name: 'transaction-ends',
  async run(session) {
    await session.makeTopic(TOPIC, 2)
    await transactionsAreServed(session)
    for (const version of versionsOf(api.endTxn)) {
      await strangers(session, version)
      for (const [state, make] of Object.entries(states)) {
        for (const committed of [true, false]) {
          const result = committed ? 'commit' : 'abort'
          const transactionalId = `ends-v${version}-${state}-${result}`
          const producer = await make(session, transactionalId)
          await ends(session, version, `${result} of ${state}`, committed, producer)
        }
      }
      await fencedEnds(session, version)
    }
  },
}

async function strangers(session: Session, version: number): Promise<void> {
  const stranger = { transactionalId: `ends-unknown-v${version}`, producerId: STRANGER, producerEpoch: 0 }
  await session.askUntil(
    `an unknown id v${version}`,
    api.endTxn,
    version,
    { ...stranger, committed: true },
    hasSettled,
  )
  await session.ask(`an empty id v${version}`, api.endTxn, version, {
    ...stranger,
    transactionalId: '',
    committed: true,
  })
}

async function ends(
  session: Session,
  version: number,
  what: string,
  committed: boolean,
  producer: Producer,
): Promise<void> {
  const { transactionalId } = producer
  const ask = async (step: string, asking: Producer, commits = committed) => {
    const answer = await session.askUntil(
      `${what}: ${step} v${version}`,
      api.endTxn,
      version,
      { ...asking, committed: commits },
      hasSettled,
    )
    await completed(session, transactionalId)
    return answer
  }
  await ask('another producer id', { ...producer, producerId: STRANGER })
  await ask('a future epoch', { ...producer, producerEpoch: producer.producerEpoch + 1 })
  await ask('an epoch far ahead', { ...producer, producerEpoch: producer.producerEpoch + 7 })
  await ask('the epoch before', { ...producer, producerEpoch: producer.producerEpoch - 1 })
  await ask('no epoch', { ...producer, producerEpoch: -1 })
  await describe(session, `${what}: after what is refused v${version}`, transactionalId)
  const first = await ask('its own', producer)
  await describe(session, `${what}: after that v${version}`, transactionalId)
  await ask('again', producer)
  await ask('again, the opposite', producer, !committed)
  await describe(session, `${what}: after it came again v${version}`, transactionalId)
  if (version >= 5 && first.errorCode === 0) {
    const next = { ...producer, producerId: first.producerId, producerEpoch: first.producerEpoch }
    await ask('the next', next)
    await ask('the next, the opposite', next, !committed)
    await describe(session, `${what}: after the next v${version}`, transactionalId)
  }
}

/** What a producer is told whose successor has come. */
async function fencedEnds(session: Session, version: number): Promise<void> {
  for (const committed of [true, false]) {
    const result = committed ? 'commit' : 'abort'
    const producer = await ongoing(session, `ends-fenced-v${version}-${result}`)
    const successor = await begin(session, producer.transactionalId)
    const ask = (step: string, asking: Producer) =>
      session.askUntil(
        `${result}: ${step} v${version}`,
        api.endTxn,
        version,
        { ...asking, committed },
        hasSettled,
      )
    await ask('the fenced one', producer)
    await ask('its epoch before the abort', { ...producer, producerEpoch: producer.producerEpoch + 1 })
    await describe(session, `${result}: of the successor v${version}`, producer.transactionalId)
    await ask('the successor', successor)
    await completed(session, producer.transactionalId)
    await describe(session, `${result}: after the successor v${version}`, producer.transactionalId)
  }
}
