import { api, versionsOf } from '../apis.ts'
import type { Scenario } from '../scenario.ts'
import type { Session } from '../session.ts'
import {
  add,
  addInput,
  begin,
  completed,
  describe,
  end,
  hasSettled,
  initInput,
  type Partitions,
  type Producer,
  STRANGER,
  transactionsAreServed,
} from '../transactional.ts'

const TOPIC = 'transactions'

/** What the transaction coordinator is asked, but for the ends. */
export const transactions: Scenario = {
  name: 'transactions',
  async run(session) {
    await session.makeTopic(TOPIC, 4)
    await transactionsAreServed(session)
    await coordinators(session)
    for (const version of versionsOf(api.initProducerId)) await inits(session, version)
    for (const version of versionsOf(api.addPartitionsToTxn)) await additions(session, version)
    await batchedAdditions(session)
    for (const version of versionsOf(api.addOffsetsToTxn)) await offsetAdditions(session, version)
    await descriptions(session)
    await lists(session)
    await timeouts(session)
  },
}

async function coordinators(session: Session): Promise<void> {
  await begin(session, 'transactions-any')
  for (const version of versionsOf(api.findCoordinator)) {
    if (version < 1) continue
    const ask = (step: string, key: string, more: string[] = []) =>
      session.ask(`coordinator of ${step} v${version}`, api.findCoordinator, version, {
        key,
        keyType: 1,
        coordinatorKeys: [key, ...more],
      })
    await ask('an id', 'transactions-any')
    await ask('an empty id', '')
    if (version >= 4) await ask('several ids', 'transactions-any', ['transactions-other', ''])
  }
}

async function inits(session: Session, version: number): Promise<void> {
  const ask = async (
    step: string,
    transactionalId: string,
    rest: Parameters<typeof initInput>[1] = {},
  ): Promise<Producer> => {
    const input = initInput(transactionalId, rest)
    const answer = await session.askUntil(
      `init: ${step} v${version}`,
      api.initProducerId,
      version,
      input,
      hasSettled,
    )
    return { transactionalId, producerId: answer.producerId, producerEpoch: answer.producerEpoch }
  }
  const id = `init-v${version}`
  await ask('a new id', id)
  await ask('again', id)
  for (const transactionTimeoutMs of [0, -1, 900_001, 2 ** 31 - 1]) {
    await ask(`a timeout of ${transactionTimeoutMs}`, id, { transactionTimeoutMs })
    await ask(`a timeout of ${transactionTimeoutMs} for a new id`, `${id}-timeout`, { transactionTimeoutMs })
  }
  await ask('the longest timeout', id, { transactionTimeoutMs: 900_000 })
  await describe(session, `init: what is known then v${version}`, id)
  const producer = await ask('the shortest timeout', `${id}-short`, { transactionTimeoutMs: 1 })
  await describe(session, `init: the shortest timeout is known v${version}`, producer.transactionalId)

  const open = await begin(session, `${id}-open`)
  await add(session, open, TOPIC, 0, 2)
  await ask('during a transaction', open.transactionalId)
  await describe(session, `init: after the transaction was aborted v${version}`, open.transactionalId)
  await ask('again after that', open.transactionalId)
  for (const ending of [4, 5]) {
    for (const committed of [true, false]) {
      const what = `${committed ? 'commit' : 'abort'} v${ending}`
      const done = await begin(session, `${id}-${what}`)
      await add(session, done, TOPIC, 0)
      await end(session, done, committed, ending)
      await ask(`after a ${what.replace(' v', ' in version ')}`, done.transactionalId)
    }
  }
  if (version >= 3) await expectations(session, version, ask)
}

async function expectations(
  session: Session,
  version: number,
  ask: (
    step: string,
    id: string,
    rest?: { producerId?: number; producerEpoch?: number },
  ) => Promise<Producer>,
): Promise<void> {
  const named = ({ producerId, producerEpoch }: Producer, bump = 0) => ({
    producerId,
    producerEpoch: producerEpoch + bump,
  })
  const id = `expected-v${version}`
  await ask('an id without an epoch', id, { producerId: 5 })
  await ask('an epoch without an id', id, { producerEpoch: 5 })
  await ask('an expectation of a new id', `${id}-new`, { producerId: STRANGER, producerEpoch: 3 })
  const first = await begin(session, id)
  await ask('another producer id', id, { ...named(first), producerId: STRANGER })
  await ask('a future epoch', id, named(first, 1))
  const second = await ask('its own epoch', id, named(first))
  await ask('its own epoch again', id, named(first))
  await ask('the bumped epoch', id, named(second))
  await ask('an epoch two before', id, named(first))
  const third = await begin(session, id)
  await ask('the epoch before a successor', id, named(third, -1))

  const open = await begin(session, `${id}-open`)
  await add(session, open, TOPIC, 1)
  await ask('another producer id in a transaction', open.transactionalId, {
    ...named(open),
    producerId: STRANGER,
  })
  await ask('a future epoch in a transaction', open.transactionalId, named(open, 1))
  await completed(session, open.transactionalId)
  await describe(session, `init: the transaction after a future epoch v${version}`, open.transactionalId)
  const reopened = await begin(session, open.transactionalId)
  await add(session, reopened, TOPIC, 1)
  await ask('its own epoch in a transaction', open.transactionalId, named(reopened))
  await ask('the same again', open.transactionalId, named(reopened))
  await describe(session, `init: the transaction after its own epoch v${version}`, open.transactionalId)

  for (const ending of [4, 5]) {
    const done = await begin(session, `${id}-ended-${ending}`)
    await add(session, done, TOPIC, 1)
    const after = await end(session, done, true, ending)
    await ask(`the epoch before an end in version ${ending}`, done.transactionalId, named(done))
    await ask(`the epoch after an end in version ${ending}`, done.transactionalId, named(after))
  }
}

async function additions(session: Session, version: number): Promise<void> {
  const id = `add-v${version}`
  const producer = await begin(session, id)
  const ask = (step: string, asking: Producer, topics: Partitions[], verifyOnly = false) =>
    session.askUntil(
      `add: ${step} v${version}`,
      api.addPartitionsToTxn,
      version,
      addInput(asking, topics, verifyOnly),
      (answer) => {
        const results = answer.resultsByTopicV3AndBelow.concat(
          answer.resultsByTransaction.flatMap(({ topicResults }) => topicResults),
        )
        return results.every(({ resultsByPartition }) =>
          resultsByPartition.every(({ partitionErrorCode: errorCode }) => hasSettled({ errorCode })),
        )
      },
    )
  const some = [{ name: TOPIC, partitions: [0, 1] }]
  await ask('an unknown id', { ...producer, transactionalId: `${id}-unknown` }, some)
  await ask('an empty id', { ...producer, transactionalId: '' }, some)
  await ask('another producer id', { ...producer, producerId: STRANGER }, some)
  await ask('an old epoch', { ...producer, producerEpoch: producer.producerEpoch - 1 }, some)
  await ask('a future epoch', { ...producer, producerEpoch: producer.producerEpoch + 1 }, some)
  await ask('a missing topic', producer, [...some, { name: 'transactions-missing', partitions: [0] }])
  await ask('a missing partition', producer, [{ name: TOPIC, partitions: [0, 9] }])
  await ask('a missing partition of an unknown id', { ...producer, transactionalId: `${id}-unknown` }, [
    { name: TOPIC, partitions: [0, 9] },
  ])
  await ask('a negative partition', producer, [{ name: TOPIC, partitions: [-1, 0] }])
  await ask('no partitions', producer, [])
  await ask('a topic without partitions', producer, [{ name: TOPIC, partitions: [] }])
  await describe(session, `add: after what is refused v${version}`, id)
  if (version >= 4) await ask('verify what is not there', producer, some, true)
  await ask('some', producer, some)
  await ask('the same again', producer, some)
  await ask('one more', producer, [{ name: TOPIC, partitions: [1, 2] }])
  await ask('an internal topic', producer, [{ name: '__consumer_offsets', partitions: [0] }])
  await describe(session, `add: after it was added v${version}`, id)
  if (version >= 4) {
    await ask('verify', producer, some, true)
    await ask('verify what is there in part', producer, [{ name: TOPIC, partitions: [2, 3] }], true)
    await ask('verify an old epoch', { ...producer, producerEpoch: producer.producerEpoch - 1 }, some, true)
    await ask('verify a future epoch', { ...producer, producerEpoch: producer.producerEpoch + 1 }, some, true)
    await ask('verify another producer id', { ...producer, producerId: STRANGER }, some, true)
    await ask('verify an unknown id', { ...producer, transactionalId: `${id}-unknown` }, some, true)
    await ask('verify an empty id', { ...producer, transactionalId: '' }, some, true)
    await ask('verify a missing partition', producer, [{ name: TOPIC, partitions: [0, 9] }], true)
  }
  const next = await end(session, producer, true, version >= 5 ? 5 : 4)
  if (version >= 4) await ask('verify after the end', next, some, true)
  await ask('the old epoch after the end', producer, [{ name: TOPIC, partitions: [3] }])
  await ask('after the end', next, [{ name: TOPIC, partitions: [3] }])
  await describe(session, `add: in the next transaction v${version}`, id)
}

async function batchedAdditions(session: Session): Promise<void> {
  for (const version of [4, 5]) {
    const one = await begin(session, `batched-one-v${version}`)
    const two = await begin(session, `batched-two-v${version}`)
    const topics = (...partitions: number[]) => [{ name: TOPIC, partitions }]
    const ask = (step: string, transactions: (Producer & { topics: Partitions[]; verifyOnly?: boolean })[]) =>
      session.ask(`batched: ${step} v${version}`, api.addPartitionsToTxn, version, { transactions })
    await ask('a good one and an old epoch', [
      { ...one, topics: topics(0) },
      { ...two, producerEpoch: 9, topics: topics(1) },
    ])
    await ask('a good one and a missing partition', [
      { ...one, topics: topics(1) },
      { ...two, topics: topics(1, 17) },
    ])
    await ask('one to verify and one to add', [
      { ...one, topics: topics(1, 2), verifyOnly: true },
      { ...two, topics: topics(1) },
    ])
  }
}

async function offsetAdditions(session: Session, version: number): Promise<void> {
  await session.groupIsServed('transactions-group')
  const id = `offsets-v${version}`
  const producer = await begin(session, id)
  const ask = (step: string, asking: Producer, groupId = 'transactions-group') =>
    session.askUntil(
      `offsets: ${step} v${version}`,
      api.addOffsetsToTxn,
      version,
      { ...asking, groupId },
      hasSettled,
    )
  await ask('an unknown id', { ...producer, transactionalId: `${id}-unknown` })
  await ask('an empty id', { ...producer, transactionalId: '' })
  await ask('another producer id', { ...producer, producerId: STRANGER })
  await ask('an old epoch', { ...producer, producerEpoch: producer.producerEpoch - 1 })
  await ask('a future epoch', { ...producer, producerEpoch: producer.producerEpoch + 1 })
  await ask('an empty group', producer, '')
  await describe(session, `offsets: after that v${version}`, id)
  await ask('a group', producer)
  await ask('again', producer)
  await describe(session, `offsets: after it was added v${version}`, id)
  await end(session, producer, false, 4)
  await ask('after the end', producer)
}

async function descriptions(session: Session): Promise<void> {
  const ask = (step: string, ...transactionalIds: string[]) =>
    session.ask(`described: ${step}`, api.describeTransactions, 0, { transactionalIds })
  const known = await begin(session, 'described')
  await ask('an unknown id', 'described-unknown')
  await ask('an empty id', '')
  await ask('none')
  await ask('several', 'described', 'described-unknown', '')
  await ask('one twice', 'described', 'described')
  await add(session, known, TOPIC, 3, 1)
  await ask('with partitions', 'described')
}

async function lists(session: Session): Promise<void> {
  const empty = await begin(session, 'listed-empty')
  const open = await begin(session, 'listed-open')
  const done = await begin(session, 'listed-done')
  await add(session, open, TOPIC, 0)
  await add(session, done, TOPIC, 0)
  await end(session, done, true, 4)
  const producerIdFilters = [empty, open, done].map(({ producerId }) => producerId)
  for (const version of versionsOf(api.listTransactions)) {
    const ask = (
      step: string,
      filters: Partial<{
        stateFilters: string[]
        producerIdFilters: number[]
        durationFilter: number
        transactionalIdPattern: string | null
      }> = {},
    ) =>
      session.ask(`listed: ${step} v${version}`, api.listTransactions, version, {
        stateFilters: [],
        producerIdFilters,
        ...filters,
      })
    await ask('of producers')
    await ask('of an unknown producer', { producerIdFilters: [STRANGER] })
    for (const state of [
      'Empty',
      'Ongoing',
      'PrepareCommit',
      'PrepareAbort',
      'CompleteCommit',
      'CompleteAbort',
    ]) {
      await ask(`in ${state}`, { stateFilters: [state] })
    }
    for (const state of ['Dead', 'PrepareEpochFence', 'ongoing', 'Nothing', ''])
      await ask(`in the state '${state}'`, { stateFilters: [state] })
    await ask('in a good and a bad state', { stateFilters: ['Ongoing', 'Sleeping'] })
    if (version >= 1) {
      for (const durationFilter of [-2, -1, 0, 1, 3_600_000])
        await ask(`with a duration of ${durationFilter}`, { durationFilter })
    }
    if (version < 2) continue
    for (const pattern of [
      'listed-.*',
      'listed-o',
      'open',
      '.*-(open|done)',
      '',
      '(',
      '[a',
      '*',
      'LISTED.*',
      '(?i)LISTED-.*',
      'listed-x.*',
    ]) {
      await ask(`by the pattern '${pattern}'`, { transactionalIdPattern: pattern })
      await ask(`by the pattern '${pattern}' and a state`, {
        transactionalIdPattern: pattern,
        stateFilters: ['Empty'],
      })
    }
    await ask('by no pattern', { transactionalIdPattern: null })
  }
}

/** The coordinator ends what lasts longer than its timeout. */
async function timeouts(session: Session): Promise<void> {
  const id = 'timed-out'
  const { producerId, producerEpoch } = await session.until(
    api.initProducerId,
    5,
    initInput(id, { transactionTimeoutMs: 50 }),
    hasSettled,
  )
  const producer = { transactionalId: id, producerId, producerEpoch }
  await add(session, producer, TOPIC, 0)
  await session.askUntil(
    'timed out: what is known',
    api.describeTransactions,
    0,
    { transactionalIds: [id] },
    ({ transactionStates: [transaction] }) => transaction!.transactionState === 'CompleteAbort',
  )
  for (const version of versionsOf(api.endTxn)) {
    for (const committed of [true, false]) {
      const what = committed ? 'commit' : 'abort'
      await session.ask(`timed out: ${what} v${version}`, api.endTxn, version, { ...producer, committed })
    }
  }
  await session.ask(
    'timed out: init with its epoch',
    api.initProducerId,
    5,
    initInput(id, { producerId, producerEpoch }),
  )
  await session.ask('timed out: init', api.initProducerId, 5, initInput(id))
}
