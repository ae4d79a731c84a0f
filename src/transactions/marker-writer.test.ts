import { expect, test } from 'vitest'
import type { TransactionMarker } from '../cluster/transaction-marker.ts'
import { ManualClock } from '../testing/manual-clock.ts'
import { recordingLogger } from '../testing/net-server.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import type { TransactionCommand, TransactionTask } from './commands.ts'
import { MarkerWriter } from './marker-writer.ts'

const TASK: TransactionTask = {
  type: 'writeMarkers',
  transactionalId: 'id',
  producerId: 7,
  producerEpoch: 3,
  result: 'commit',
  partitions: new Map([['t', new Set([0, 1])]]),
  clientVersion: 2,
}

/** Partitions and a coordinator whose answers a test sets. */
function writer() {
  const clock = new ManualClock()
  const answers = new Map<string, number>()
  const written: string[] = []
  const executed: TransactionCommand['type'][] = []
  let reply: number = ErrorCode.NONE
  const { logger, lines } = recordingLogger()
  const markers = new MarkerWriter({
    write: async (topic, partition, { transactionVersion }: TransactionMarker) => {
      written.push(`${topic}-${partition} v${transactionVersion}`)
      return answers.get(`${topic}-${partition}`) ?? ErrorCode.NONE
    },
    execute: async (_partition, command) => {
      executed.push(command.type)
      return { errorCode: reply }
    },
    nextProducerId: () => Promise.reject(new Error('no metadata')),
    clock,
    logger,
  })
  const settle = () => new Promise((resolve) => setImmediate(resolve))
  return {
    clock,
    answers,
    written,
    executed,
    warnings: () => lines.map(({ message }) => message),
    markers,
    settle,
    answer: (code: number) => (reply = code),
  }
}

test('a partition that fails is tried again alone, and the transaction is complete when all have it', async () => {
  const { clock, answers, written, executed, warnings, markers, settle } = writer()
  answers.set('t-1', ErrorCode.KAFKA_STORAGE_ERROR)
  markers.perform(TASK, 0, 5)
  await settle()
  expect(written).toEqual(['t-0 v2', 't-1 v2'])
  for (let round = 0; round < 10; round++) {
    clock.advance(1000)
    await settle()
  }
  expect(written.slice(2)).toEqual(Array.from({ length: 10 }, () => 't-1 v2'))
  expect([executed, warnings()]).toEqual([[], ['transaction marker not written']])
  answers.clear()
  clock.advance(1000)
  await settle()
  expect(executed).toEqual(['markersWritten'])
  clock.advance(10_000)
  await settle()
  expect(written).toHaveLength(13)
})

test('a topic that was deleted meanwhile needs no marker', async () => {
  const { answers, executed, markers, settle } = writer()
  answers.set('t-0', ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
  markers.perform(TASK, 0, 5)
  await settle()
  expect(executed).toEqual(['markersWritten'])
})

test.each([ErrorCode.TRANSACTION_COORDINATOR_FENCED, ErrorCode.INVALID_PRODUCER_EPOCH])(
  'markers of a coordinator that was overtaken are given up: %d',
  async (errorCode) => {
    const { clock, answers, written, executed, markers, settle } = writer()
    answers.set('t-0', errorCode)
    markers.perform(TASK, 0, 5)
    await settle()
    clock.advance(10_000)
    await settle()
    expect([written.length, executed]).toEqual([2, []])
  },
)

test('a completion that was not written is asked for again, without the markers', async () => {
  const { clock, written, executed, markers, settle, answer } = writer()
  answer(ErrorCode.COORDINATOR_NOT_AVAILABLE)
  markers.perform(TASK, 0, 5)
  await settle()
  answer(ErrorCode.NONE)
  clock.advance(1000)
  await settle()
  clock.advance(1000)
  await settle()
  expect([written.length, executed]).toEqual([2, ['markersWritten', 'markersWritten']])
})

test('an abort that gets no producer id is left to the next check of timeouts', async () => {
  const { clock, warnings, markers, settle } = writer()
  markers.perform(
    { type: 'abortWithNewProducerId', transactionalId: 'id', producerId: 7, producerEpoch: 32766 },
    0,
    5,
  )
  await settle()
  clock.advance(60_000)
  await settle()
  expect(warnings()).toEqual(['transaction is not carried on'])
})

test('nothing goes on after the end', async () => {
  const { clock, answers, written, markers, settle } = writer()
  answers.set('t-1', ErrorCode.KAFKA_STORAGE_ERROR)
  markers.perform(TASK, 0, 5)
  await settle()
  markers.close()
  clock.advance(60_000)
  await settle()
  expect(written).toHaveLength(2)
})
