import type { BatchInput } from '../../../src/wire/records.ts'
import { api, versionsOf } from '../apis.ts'
import { batch, produceInput } from '../records.ts'
import type { Scenario } from '../scenario.ts'
import type { Session } from '../session.ts'
import {
  add,
  begin,
  end,
  hasSettled,
  type Producer,
  STRANGER,
  transactional,
  transactionsAreServed,
} from '../transactional.ts'

const GROUP = 'transaction-records-group'

interface Topic {
  readonly topic: string
  readonly topicId: string
}

/** What transactions write: records, offsets and markers, and who may read them. */
export const transactionRecords: Scenario = {
  name: 'transaction-records',
  async run(session) {
    await transactionsAreServed(session)
    await session.groupIsServed(GROUP)
    for (const version of versionsOf(api.produce)) await produces(session, version)
    await reads(session)
    for (const version of versionsOf(api.txnOffsetCommit)) await commits(session, version)
    await membersCommit(session)
    for (const version of versionsOf(api.writeTxnMarkers)) await markers(session, version)
  },
}

async function makeTopic(session: Session, topic: string, partitions = 1): Promise<Topic> {
  return { topic, topicId: await session.makeTopic(topic, partitions) }
}

async function produces(session: Session, version: number): Promise<void> {
  const topic = await makeTopic(session, `transaction-records-v${version}`, 4)
  const id = `records-v${version}`
  const ask = (
    step: string,
    transactionalId: string | null,
    batches: Readonly<Record<number, Buffer>>,
    acks = -1,
  ) =>
    session.askUntil(
      `${step} v${version}`,
      api.produce,
      version,
      {
        ...produceInput({ ...topic }, null, acks, transactionalId),
        topicData: [
          {
            name: topic.topic,
            topicId: topic.topicId,
            partitionData: Object.entries(batches).map(([index, records]) => ({
              index: Number(index),
              records,
            })),
          },
        ],
      },
      ({ responses: [first] }) => first!.partitionResponses.every(hasSettled),
    )
  const plain = (
    { producerId, producerEpoch }: Producer,
    baseSequence: number,
    input: Partial<BatchInput> = {},
  ) => batch(['v'], { producerId, producerEpoch, baseSequence, baseTimestamp: Date.now(), ...input })

  const producer = await begin(session, id)
  const old = { ...producer, producerEpoch: producer.producerEpoch - 1 }
  const future = { ...producer, producerEpoch: producer.producerEpoch + 1 }
  const stranger = { ...producer, producerId: STRANGER }
  await ask('an unknown id', `${id}-unknown`, { 0: transactional(producer, 0) })
  await ask('an empty id', '', { 0: transactional(producer, 0) })
  await ask('no id', null, { 0: transactional(producer, 0) })
  await ask('an old epoch', id, { 0: transactional(old, 0) })
  await ask('a future epoch', id, { 0: transactional(future, 0) })
  await ask('another producer id', id, { 0: transactional(stranger, 0) })
  await ask('two producers', id, { 0: transactional(producer, 0), 1: transactional(stranger, 0) })
  await ask('two epochs', id, { 0: transactional(producer, 0), 1: transactional(old, 0) })
  await ask('a transactional batch of nobody', id, {
    2: batch(['v'], { baseTimestamp: Date.now(), isTransactional: true }),
  })
  if (version < 12) await ask('a partition that was not added', id, { 0: transactional(producer, 0) })
  await session.ask(`what is known before v${version}`, api.describeTransactions, 0, {
    transactionalIds: [id],
  })
  if (version < 12) await add(session, producer, topic.topic, 0, 1)
  await ask('the first batch', id, { 0: transactional(producer, 0, ['a', 'b']) })
  await ask('a duplicate', id, { 0: transactional(producer, 0, ['a', 'b']) })
  await ask('a gap', id, { 0: transactional(producer, 5) })
  await ask('the next batch', id, { 0: transactional(producer, 2), 1: transactional(producer, 0) })
  await ask('an old epoch in the transaction', id, { 0: transactional(old, 3) })
  // Kafka remembers the lowest sequence that was ever verified, also of a refused batch, and refuses what is above.
  await ask('a future epoch in the transaction', id, { 0: transactional(future, 3) })
  await ask('a batch outside of the transaction', null, { 0: plain(producer, 3) })
  await ask('a plain batch with the id', id, { 0: plain(producer, 3) })
  await ask('a batch of nobody with the id', id, { 2: batch(['v'], { baseTimestamp: Date.now() }) })
  await ask('added and not added', id, {
    0: transactional(producer, 3),
    2: transactional(producer, 0),
  })
  await ask('without sequence 0 at first', id, { 3: transactional(producer, 7) })
  await session.ask(`producers in the transaction v${version}`, api.describeProducers, 0, {
    topics: [{ name: topic.topic, partitionIndexes: [0, 1, 2, 3] }],
  })
  await session.ask(`what is known in it v${version}`, api.describeTransactions, 0, {
    transactionalIds: [id],
  })
  const next = await end(session, producer, true, version < 12 ? 4 : 5)
  await ask('after the end', id, { 0: transactional(producer, 4) })
  await ask('after the end in the next epoch', id, {
    0: transactional({ ...next, producerEpoch: producer.producerEpoch + 1 }, 0),
  })
  await ask('a plain batch after the end', null, { 1: plain(next, 1) })
  await session.ask(`producers after it v${version}`, api.describeProducers, 0, {
    topics: [{ name: topic.topic, partitionIndexes: [0, 1, 2, 3] }],
  })
  await session.ask(`what is known after it v${version}`, api.describeTransactions, 0, {
    transactionalIds: [id],
  })
  const successor = await begin(session, id)
  await ask('the fenced producer', id, { 0: transactional(next, 5) })
  await ask('the fenced producer elsewhere', id, { 3: transactional(next, 0) })
  if (version < 12) await add(session, successor, topic.topic, 0)
  await ask('the successor', id, { 0: transactional(successor, 0) })
  await ask('the fenced producer beside the successor', id, { 0: transactional(next, 6) })
  await end(session, successor, false, version < 12 ? 4 : 5)
  for (const partition of [0, 1, 2, 3]) {
    await fetch(session, `what is in partition ${partition} v${version}`, topic, { partition })
    await fetch(session, `what is committed in partition ${partition} v${version}`, topic, {
      partition,
      isolationLevel: 1,
    })
  }
}

function fetch(
  session: Session,
  step: string,
  { topic, topicId }: Topic,
  { version = 12, partition = 0, isolationLevel = 0, fetchOffset = 0, partitionMaxBytes = 1_000_000 } = {},
) {
  return session.ask(step, api.fetch, version, {
    maxWaitMs: 0,
    minBytes: 0,
    isolationLevel,
    topics: [{ topic, topicId, partitions: [{ partition, fetchOffset, partitionMaxBytes }] }],
    forgottenTopicsData: [],
  })
}

/** A log with a committed, an aborted, an open and no transaction, in this order, then one that is committed. */
async function reads(session: Session): Promise<void> {
  const topic = await makeTopic(session, 'transaction-reads')
  const write = async (producer: Producer, sequence: number, values: string[]) => {
    const answer = await session.until(
      api.produce,
      13,
      produceInput(topic, transactional(producer, sequence, values), -1, producer.transactionalId),
      ({ responses: [first] }) => first!.partitionResponses.every(hasSettled),
    )
    const { errorCode } = answer.responses[0]!.partitionResponses[0]!
    if (errorCode !== 0) throw new Error(`not written: ${errorCode}`)
  }
  const [committed, aborted, open] = [
    await begin(session, 'reads-committed'),
    await begin(session, 'reads-aborted'),
    await begin(session, 'reads-open'),
  ]
  await write(committed, 0, ['a', 'b'])
  await write(aborted, 0, ['c'])
  await write(committed, 2, ['d'])
  const again = await end(session, committed, true, 5)
  await write(aborted, 1, ['e', 'f'])
  const retried = await end(session, aborted, false, 5)
  await write(retried, 0, ['g'])
  await end(session, retried, false, 5)
  await write(open, 0, ['h', 'i'])
  await session.quiet(api.produce, 13, produceInput(topic, batch(['j'], { baseTimestamp: Date.now() })))
  await write(again, 0, ['k'])
  await end(session, again, true, 5)
  await readAll('with an open transaction')
  await end(session, open, false, 5)
  await readAll('after the last end')

  async function readAll(when: string): Promise<void> {
    for (const version of versionsOf(api.fetch)) {
      const ask = (step: string, options: Parameters<typeof fetch>[3]) =>
        fetch(session, `${when}: ${step} v${version}`, topic, { version, ...options })
      await ask('all', {})
      await ask('what is committed', { isolationLevel: 1 })
    }
    for (let fetchOffset = 1; fetchOffset < 17; fetchOffset++) {
      await fetch(session, `${when}: from ${fetchOffset}`, topic, { isolationLevel: 1, fetchOffset })
      const tiny = { isolationLevel: 1, fetchOffset, partitionMaxBytes: 1 }
      await fetch(session, `${when}: one batch from ${fetchOffset}`, topic, tiny)
    }
    const [anHourAgo, anHourAhead] = [Date.now() - 3_600_000, Date.now() + 3_600_000]
    for (const version of versionsOf(api.listOffsets)) {
      for (const isolationLevel of version < 2 ? [0] : [0, 1]) {
        for (const timestamp of [-1, -2, ...(version < 7 ? [] : [-3]), 0, anHourAgo, anHourAhead]) {
          const name =
            timestamp === anHourAgo ? 'an hour ago' : timestamp === anHourAhead ? 'an hour ahead' : timestamp
          await session.ask(
            `${when}: offset at ${name}, isolation ${isolationLevel} v${version}`,
            api.listOffsets,
            version,
            {
              replicaId: -1,
              isolationLevel,
              topics: [{ name: topic.topic, partitions: [{ partitionIndex: 0, timestamp }] }],
            },
          )
        }
      }
    }
    await session.ask(`${when}: producers`, api.describeProducers, 0, {
      topics: [{ name: topic.topic, partitionIndexes: [0] }],
    })
  }
}

async function commits(session: Session, version: number): Promise<void> {
  const name = `transaction-offsets-v${version}`
  const { topicId } = await makeTopic(session, name, 2)
  const groupId = `${GROUP}-v${version}`
  await session.groupIsServed(groupId)
  const id = `offset-commits-v${version}`
  const producer = await begin(session, id)
  const ask = (
    step: string,
    asking: Producer,
    { partitions = [0], topic = name, metadata = 'm' as string | null, offset = 5n, ...rest } = {},
  ) =>
    session.askUntil(
      `offsets: ${step} v${version}`,
      api.txnOffsetCommit,
      version,
      {
        ...asking,
        groupId,
        topics: [
          {
            name: topic,
            partitions: partitions.map((partitionIndex) => ({
              partitionIndex,
              committedOffset: offset,
              committedMetadata: metadata,
            })),
          },
        ],
        ...rest,
      },
      ({ topics }) => topics.every((each) => each.partitions.every(hasSettled)),
    )
  await ask('an unknown id', { ...producer, transactionalId: `${id}-unknown` })
  await ask('an empty id', { ...producer, transactionalId: '' })
  await ask('another producer id', { ...producer, producerId: STRANGER })
  await ask('an old epoch', { ...producer, producerEpoch: producer.producerEpoch - 1 })
  await ask('a future epoch', { ...producer, producerEpoch: producer.producerEpoch + 1 })
  if (version < 5) {
    await ask('before the group was added', producer)
    await session.until(api.addOffsetsToTxn, 4, { ...producer, groupId }, hasSettled)
  }
  await ask('an empty group', producer, { groupId: '' } as object)
  await ask('a missing topic', producer, { topic: 'transaction-offsets-missing' })
  await ask('a missing partition', producer, { partitions: [0, 7] })
  await ask('a negative offset', producer, { offset: -5n })
  await ask('too much metadata', producer, { metadata: 'm'.repeat(5000) })
  await ask('no metadata', producer, { metadata: null, partitions: [1] })
  await ask('offsets', producer, { partitions: [0, 1], offset: 7n })
  if (version >= 3) {
    await ask('a member of no group', producer, { memberId: 'x', generationId: 1 } as object)
    await ask('a member without a generation', producer, { memberId: 'x' } as object)
    await ask('a generation without a member', producer, { generationId: 3 } as object)
    await ask('an instance', producer, { groupInstanceId: 'i' } as object)
  }
  await read('while it is open')
  const next = await end(session, producer, true, version < 5 ? 4 : 5)
  await read('after its commit')
  await ask('after the end', producer)
  if (version < 5) await session.until(api.addOffsetsToTxn, 4, { ...next, groupId }, hasSettled)
  await ask('in the next', next, { offset: 100n })
  await read('while the next is open')
  await session.ask(`offsets: deleted while pending v${version}`, api.offsetDelete, 0, {
    groupId,
    topics: [{ name, partitions: [{ partitionIndex: 1 }] }],
  })
  await end(session, next, false, version < 5 ? 4 : 5)
  await read('after its abort')
  const successor = await begin(session, id)
  await ask('the fenced producer', next)
  if (version < 5) await session.until(api.addOffsetsToTxn, 4, { ...successor, groupId }, hasSettled)
  await ask('the successor', successor)
  await session.ask(`offsets: the group deleted v${version}`, api.deleteGroups, 2, { groupsNames: [groupId] })
  await end(session, successor, true, version < 5 ? 4 : 5)
  await read('after the group was deleted')

  async function read(when: string): Promise<void> {
    for (const fetchVersion of versionsOf(api.offsetFetch)) {
      for (const requireStable of fetchVersion < 7 ? [false] : [false, true]) {
        for (const all of fetchVersion < 2 ? [false] : [false, true]) {
          const what = `${all ? 'all offsets' : 'offsets'}${requireStable ? ', stable' : ''}`
          const topics = all ? null : [{ name, topicId, partitionIndexes: [0, 1] }]
          const key = `offsets of TxnOffsetCommit ${version} ${when}: ${what} v${fetchVersion}`
          await session.ask(key, api.offsetFetch, fetchVersion, {
            groupId,
            topics,
            groups: [{ groupId, topics }],
            requireStable,
          })
        }
      }
    }
  }
}

/** TxnOffsetCommit on behalf of members, of both protocols for groups. */
async function membersCommit(session: Session): Promise<void> {
  const name = 'transaction-members'
  await makeTopic(session, name)
  const classic = 'transaction-members-classic'
  const modern = 'transaction-members-consumer'
  await session.groupIsServed(classic)
  const join = (memberId: string) =>
    session.quiet(api.joinGroup, 9, {
      groupId: classic,
      sessionTimeoutMs: 30_000,
      rebalanceTimeoutMs: 30_000,
      memberId,
      protocolType: 'consumer',
      protocols: [{ name: 'range', metadata: Buffer.alloc(0) }],
    })
  const { memberId } = await join('')
  const { generationId } = await join(memberId)
  await session.quiet(api.syncGroup, 5, {
    groupId: classic,
    generationId,
    memberId,
    protocolType: 'consumer',
    protocolName: 'range',
    assignments: [{ memberId, assignment: Buffer.alloc(0) }],
  })
  const { memberEpoch } = await session.quiet(api.consumerGroupHeartbeat, 1, {
    groupId: modern,
    memberId: 'm',
    memberEpoch: 0,
    rebalanceTimeoutMs: 60_000,
    subscribedTopicNames: [name],
    topicPartitions: [],
  })
  for (const version of [3, 4, 5]) {
    const producer = await begin(session, `members-v${version}`)
    for (const groupId of [classic, modern])
      await session.until(api.addOffsetsToTxn, 4, { ...producer, groupId }, hasSettled)
    const ask = (
      step: string,
      groupId: string,
      member: string,
      generation: number,
      groupInstanceId: string | null = null,
    ) =>
      session.ask(`members: ${step} v${version}`, api.txnOffsetCommit, version, {
        ...producer,
        groupId,
        memberId: member,
        generationId: generation,
        groupInstanceId,
        topics: [
          {
            name,
            partitions: [{ partitionIndex: 0, committedOffset: 3n, committedMetadata: '' }],
          },
        ],
      })
    await ask('classic', classic, memberId, generationId)
    await ask('classic, an old generation', classic, memberId, generationId - 1)
    await ask('classic, a future generation', classic, memberId, generationId + 1)
    await ask('classic, an unknown member', classic, 'x', generationId)
    await ask('classic, no member', classic, '', -1)
    await ask('classic, no member in a generation', classic, '', generationId)
    await ask('classic, a member without a generation', classic, memberId, -1)
    await ask('classic, an unknown instance', classic, memberId, generationId, 'i')
    await ask('consumer', modern, 'm', memberEpoch)
    await ask('consumer, an old epoch', modern, 'm', memberEpoch - 1)
    await ask('consumer, a future epoch', modern, 'm', memberEpoch + 1)
    await ask('consumer, an unknown member', modern, 'x', memberEpoch)
    await ask('consumer, no member', modern, '', -1)
    await ask('consumer, no member in an epoch', modern, '', memberEpoch)
    await ask('consumer, a member without an epoch', modern, 'm', -1)
    await end(session, producer, false, version < 5 ? 4 : 5)
  }
}

/** What brokers and `kafka-transactions abort` send. */
async function markers(session: Session, version: number): Promise<void> {
  const topic = await makeTopic(session, `transaction-markers-v${version}`, 2)
  const producer = await begin(session, `markers-v${version}`)
  const write = (baseSequence: number, partition: number) =>
    session.until(
      api.produce,
      13,
      produceInput(
        { ...topic, partition },
        transactional(producer, baseSequence),
        -1,
        producer.transactionalId,
      ),
      ({ responses: [first] }) => first!.partitionResponses.every(hasSettled),
    )
  const ask = (
    step: string,
    marker: Partial<{
      producerId: number
      producerEpoch: number
      transactionResult: boolean
      coordinatorEpoch: number
      transactionVersion: number
      topics: { name: string; partitionIndexes: number[] }[]
    }> = {},
  ) =>
    session.ask(`markers: ${step} v${version}`, api.writeTxnMarkers, version, {
      markers: [
        {
          producerId: producer.producerId,
          producerEpoch: producer.producerEpoch,
          transactionResult: false,
          coordinatorEpoch: 0,
          topics: [{ name: topic.topic, partitionIndexes: [0] }],
          ...marker,
        },
      ],
    })
  await write(0, 0)
  await write(0, 1)
  await ask('an old epoch', { producerEpoch: -1 })
  await ask('a missing topic', { topics: [{ name: 'transaction-markers-missing', partitionIndexes: [0] }] })
  await ask('a missing partition', { topics: [{ name: topic.topic, partitionIndexes: [7] }] })
  await ask('an unknown producer', { producerId: STRANGER })
  await ask('no topics', { topics: [] })
  await session.ask(`markers: the transaction is open v${version}`, api.describeProducers, 0, {
    topics: [{ name: topic.topic, partitionIndexes: [0, 1] }],
  })
  await ask('an abort', { coordinatorEpoch: 3 })
  await ask('an abort again', { coordinatorEpoch: 3 })
  await ask('an older coordinator', { coordinatorEpoch: 2 })
  await ask('a commit of a later epoch', { coordinatorEpoch: 3, producerEpoch: 5, transactionResult: true })
  if (version >= 2) {
    await ask('version 2 in the same epoch', { coordinatorEpoch: 3, producerEpoch: 5, transactionVersion: 2 })
    await ask('version 2 in the next epoch', { coordinatorEpoch: 3, producerEpoch: 6, transactionVersion: 2 })
    await ask('version 2 with an open transaction in its epoch', {
      topics: [{ name: topic.topic, partitionIndexes: [1] }],
      transactionVersion: 2,
    })
  }
  await ask('both partitions', {
    topics: [{ name: topic.topic, partitionIndexes: [0, 1] }],
    producerEpoch: 7,
    coordinatorEpoch: 3,
  })
  await session.ask(`markers: producers after them v${version}`, api.describeProducers, 0, {
    topics: [{ name: topic.topic, partitionIndexes: [0, 1] }],
  })
  await fetch(session, `markers: what was written v${version}`, topic)
  await fetch(session, `markers: what is committed v${version}`, topic, { partition: 1, isolationLevel: 1 })
}
