/**
 * Each kind of file that a broker keeps, damaged in each way while it was stopped. What has to hold: it starts, or says in
 * one line which file keeps it from that and what to do; whatever is damaged is said to be; nothing is served that was not
 * written; everything else is served, and what was damaged as far as it is whole.
 *
 * | file | missing, empty, cut, a bit changed, noise behind its end |
 * |---|---|
 * | `.index`, `.timeindex`, `.snapshot`, `leader-epoch-checkpoint`, the checkpoints of the directory, the marker of a clean stop | everything is served |
 * | `.txnindex` | the records are; which transactions were aborted may be forgotten, as in Kafka |
 * | `.log` | all other partitions; of this one whole batches, at their offsets. What a CRC covers is served as it is stored, for clients to refuse, as in Kafka; recovery, compaction and coordinators look themselves |
 * | `partition.metadata` | everything, unless it names another topic: then the log is set aside, and a warning says where |
 * | `meta.properties` | everything, or the start is refused |
 * | the metadata | everything, or the start is refused; a last commit that is not whole is a torn write after a kill |
 *
 * A file that cannot be read takes its directory's partitions away, as in Kafka, or keeps the broker from its start; all is
 * there again when it can be.
 */
import { isDeepStrictEqual } from 'node:util'
import { afterEach, describe, expect, it } from 'vitest'
import { systemClock } from './base/clock.ts'
import type { Logger } from './base/logger.ts'
import { systemRandom } from './base/random.ts'
import { Broker } from './broker.ts'
import { loadConfig } from './config/load.ts'
import { readSmallFile } from './logstore/checkpoints.ts'
import { FaultyFileSystem } from './logstore/faulty-fs.ts'
import type { FileSystem } from './logstore/file-system.ts'
import { MemoryFileSystem } from './logstore/memory-fs.ts'
import { StartError } from './start-error.ts'
import { isDeep } from './testing/depth.ts'
import { DirectoryClient } from './testing/directory-client.ts'
import { BatchReader } from './wire/batch.ts'
import { ErrorCode } from './wire/error-codes.ts'
import { readRecords } from './wire/record-reader.ts'
import { encodeBatch } from './wire/records.ts'
import { produceRequest, produceResponse } from './wire/schemas/00-produce.ts'
import { fetchRequest, fetchResponse } from './wire/schemas/01-fetch.ts'
import { listOffsetsRequest, listOffsetsResponse } from './wire/schemas/02-list-offsets.ts'
import { findCoordinatorRequest, findCoordinatorResponse } from './wire/schemas/10-find-coordinator.ts'
import { initProducerIdRequest, initProducerIdResponse } from './wire/schemas/22-init-producer-id.ts'
import { endTxnRequest, endTxnResponse } from './wire/schemas/26-end-txn.ts'

const START_MS = 1_700_000_000_000
const TOPICS = ['plain', 'other', 'transactional'] as const
const GROUP = 'readers'
const COMMITTED = 3n
const TRANSACTION = 1
const MAX_BYTES = 1 << 20

/** So many bits of each file, and places to cut it at; of all damages the sample takes some. */
const FLIPS = isDeep ? 40 : 4
const CUTS = isDeep ? 12 : 2
const STRIDE = isDeep ? 1 : 13

interface Line {
  readonly level: string
  readonly text: string
}

class Lines {
  readonly all: Line[] = []
  readonly logger: Logger = this.#logger()

  #logger(): Logger {
    const at = (level: string) => (message: string, fields?: Readonly<Record<string, unknown>>) => {
      const text = JSON.stringify(fields, (_, value) => (value instanceof Error ? String(value) : value))
      this.all.push({ level, text: `${message} ${text}` })
    }
    const logger: Logger = {
      debug: at('debug'),
      info: at('info'),
      warn: at('warn'),
      error: at('error'),
      child: () => logger,
    }
    return logger
  }

  get reports(): string[] {
    return this.all.filter(({ level }) => level === 'warn' || level === 'error').map(({ text }) => text)
  }
}

const running: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const closeable of running.splice(0).reverse()) await closeable.close()
})

async function start(fs: FileSystem, lines = new Lines()) {
  const broker = await Broker.start({
    config: loadConfig({
      overrides: {
        listeners: 'PLAINTEXT://127.0.0.1:0',
        'log.dirs': '/data',
        'offsets.topic.num.partitions': '1',
        'transaction.state.log.num.partitions': '1',
        'log.index.interval.bytes': '100',
        'sluice.log.level': 'info',
      },
    }),
    fs,
    clock: systemClock,
    random: systemRandom,
    logger: lines.logger,
    startedMs: systemClock.now(),
    version: 'test',
  })
  running.push(broker)
  const { host, port } = broker.listeners[0]!
  const client = await DirectoryClient.connect(host, port)
  running.push(client)
  return { broker, client }
}

/** Timestamps a second apart, and segments of five. */
async function produce(client: DirectoryClient, topic: string, from: number, count: number) {
  for (let index = from; index < from + count; index++) {
    const records = encodeBatch({
      baseTimestamp: START_MS + index * 1000,
      records: [{ value: Buffer.from(`${topic} ${index} ${'x'.repeat(index * 7)}`) }],
    })
    expect(await client.produceBatch(topic, 0, records)).toBe(ErrorCode.NONE)
  }
}

async function transact(client: DirectoryClient, index: number, committed: boolean) {
  const transactionalId = `writer-${index}`
  const { producerId, producerEpoch, errorCode } = await client.client.send(
    initProducerIdRequest,
    initProducerIdResponse,
    5,
    { transactionalId, transactionTimeoutMs: 60_000 },
  )
  expect(errorCode).toBe(ErrorCode.NONE)
  const records = encodeBatch({
    producerId,
    producerEpoch,
    baseSequence: 0,
    isTransactional: true,
    baseTimestamp: START_MS + index * 3000,
    records: [{ value: Buffer.from(`${committed ? 'committed' : 'aborted'} ${index}`) }],
  })
  const { responses } = await client.client.send(produceRequest, produceResponse, 12, {
    transactionalId,
    acks: -1,
    timeoutMs: 1000,
    topicData: [{ name: 'transactional', partitionData: [{ index: 0, records }] }],
  })
  expect(responses[0]!.partitionResponses[0]!.errorCode).toBe(ErrorCode.NONE)
  const end = { transactionalId, producerId, producerEpoch, committed }
  expect((await client.client.send(endTxnRequest, endTxnResponse, 5, end)).errorCode).toBe(ErrorCode.NONE)
}

type Contents = ReadonlyMap<number, string>

/** What a client that checks CRCs is given at read_committed, and why it got no further. */
async function read(client: DirectoryClient, topic: string, from = 0) {
  const values = new Map<number, string>()
  const fail = (why: string) => ({ values, failure: why })
  for (let offset = from; ; ) {
    const { responses } = await client.client.send(fetchRequest, fetchResponse, 12, {
      maxWaitMs: 0,
      minBytes: 0,
      isolationLevel: 1,
      topics: [{ topic, partitions: [{ partition: 0, fetchOffset: offset, partitionMaxBytes: MAX_BYTES }] }],
    })
    const { errorCode, records, lastStableOffset, abortedTransactions } = responses[0]!.partitions[0]!
    if (errorCode !== ErrorCode.NONE) return fail(`${errorCode}`)
    const aborted = new Map((abortedTransactions ?? []).map((one) => [one.producerId, one.firstOffset]))
    const before = offset
    for (const batch of new BatchReader(records ?? Buffer.alloc(0))) {
      if (!batch.crcIsRight()) return fail('wrong CRC')
      const isAborted =
        batch.isTransactional && batch.baseOffset >= (aborted.get(batch.producerId) ?? Infinity)
      if (!batch.isControl && !isAborted)
        for (const record of readRecords(batch, MAX_BYTES))
          if (record.offset >= offset) values.set(record.offset, String(record.value))
      offset = batch.nextOffset
    }
    if (offset >= lastStableOffset) return { values, failure: undefined }
    if (offset === before) return fail('nothing came')
  }
}

interface Template {
  readonly disk: MemoryFileSystem
  readonly contents: ReadonlyMap<string, Contents>
  /** Paths. */
  readonly files: readonly string[]
  readonly stop: 'clean' | 'killed'
}

async function makeTemplate(stop: 'clean' | 'killed'): Promise<Template> {
  const disk = new MemoryFileSystem()
  const { broker, client } = await start(disk)
  for (const topic of TOPICS) await client.create(topic, 1, { 'segment.ms': '4500' })
  await produce(client, 'plain', 0, 14)
  await produce(client, 'other', 0, 7)
  await client.client.send(findCoordinatorRequest, findCoordinatorResponse, 4, {
    keyType: TRANSACTION,
    coordinatorKeys: ['writer-0'],
  })
  for (const [index, committed] of [true, false, true, false, true].entries())
    await transact(client, index, committed)
  expect(await client.commit(GROUP, 'plain', COMMITTED)).toBe(ErrorCode.NONE)
  const contents = new Map<string, Contents>()
  for (const topic of TOPICS) contents.set(topic, (await read(client, topic)).values)
  expect([...contents.values()].map(({ size }) => size)).toEqual([14, 7, 3])
  if (stop === 'killed') disk.kill()
  await client.close()
  await broker.close()
  running.splice(0)
  return { disk, contents, files: filesOf(disk, '/data'), stop }
}

function filesOf(fs: FileSystem, directory: string): string[] {
  return fs.readDirectory(directory).flatMap((name) => {
    const path = `${directory}/${name}`
    return fs.stat(path).isDirectory ? filesOf(fs, path) : [path]
  })
}

function copyOf({ disk, files }: Template): MemoryFileSystem {
  const copy = new MemoryFileSystem()
  for (const path of files) write(copy, path, readSmallFile(disk, path)!)
  return copy
}

function write(fs: FileSystem, path: string, bytes: Buffer): void {
  fs.makeDirectory(path.slice(0, path.lastIndexOf('/')))
  const file = fs.open(path, 'create')
  file.write([bytes], 0)
  file.close()
}

/** Where in a file of so many bytes something is done to it. */
function places(size: number, count: number): number[] {
  const step = Math.max(1, Math.floor(size / Math.min(count, Math.max(1, size))))
  return Array.from({ length: Math.ceil(size / step) }, (_, index) => index * step)
}

interface Damage {
  readonly name: string
  readonly apply: (fs: FileSystem, path: string, bytes: Buffer) => void
}

function damages(size: number): Damage[] {
  return [
    { name: 'missing', apply: (fs, path) => fs.removeFile(path) },
    {
      name: 'with noise behind its end',
      apply: (fs, path, bytes) => write(fs, path, Buffer.concat([bytes, NOISE])),
    },
    ...places(size, CUTS).map((at) => ({
      name: `cut at ${at}`,
      apply: (fs: FileSystem, path: string, bytes: Buffer) => write(fs, path, bytes.subarray(0, at)),
    })),
    ...places(size, FLIPS).map((at) => ({
      name: `with a bit changed at ${at}`,
      apply: (fs: FileSystem, path: string, bytes: Buffer) => {
        const changed = Buffer.from(bytes)
        changed[at]! ^= 1 << (at % 8)
        write(fs, path, changed)
      },
    })),
  ]
}

const NOISE = Buffer.from('3fa1b07799d0c35e10ffa2', 'hex')

/** Which topics may not be whole when this file is damaged; all others have to be. */
function mayLose(path: string, stop: 'clean' | 'killed'): readonly string[] {
  // After a kill an end that is not whole is that of a commit that nobody was told of.
  if (path.includes('/sluice.metadata/') && stop === 'killed') return [...TOPICS, GROUP]
  const topic = /^\/data\/(\w+)-0\/\d+\.(log|txnindex)$|^\/data\/(\w+)-0\/(partition\.metadata)$/.exec(path)
  return topic === null ? [] : [topic[1] ?? topic[3] ?? '']
}

async function check(template: Template, path: string, damage: Damage): Promise<string[]> {
  const wrong: string[] = []
  const fs = copyOf(template)
  const lines = new Lines()
  damage.apply(fs, path, readSmallFile(template.disk, path)!)
  let client: DirectoryClient
  try {
    ;({ client } = await start(fs, lines))
  } catch (error) {
    if (!(error instanceof StartError)) return [`${error instanceof Error ? error.stack : error}`]
    if (/\n/.test(error.message)) wrong.push(`several lines: ${error.message}`)
    const names = [path, path.slice(0, path.lastIndexOf('/')), path.slice(path.lastIndexOf('/') + 1)]
    if (!names.some((name) => error.message.includes(name)))
      wrong.push(`does not name the file: ${error.message}`)
    if (!/restore|remove|cut/.test(error.message)) wrong.push(`does not say what to do: ${error.message}`)
    if (!/meta\.properties|sluice\.metadata/.test(path)) wrong.push(`no start: ${error.message}`)
    return wrong
  }
  const lossy = mayLose(path, template.stop)
  for (const topic of TOPICS) {
    const expected = template.contents.get(topic)!
    const { values, failure } = await read(client, topic)
    for (const [offset, value] of values)
      if (expected.get(offset) !== value && !(lossy.includes(topic) && path.endsWith('.txnindex')))
        wrong.push(`${topic} at ${offset}: ${value.slice(0, 30)}`)
    if (lossy.includes(topic)) {
      // A client is told by the CRC of what was changed inside a batch.
      const isReported = lines.reports.length > 0 || failure === 'wrong CRC'
      // A whole segment that is gone leaves a gap as compaction does, or a later beginning as retention does.
      const isGap = path.endsWith('.log') && (damage.name === 'missing' || damage.name === 'cut at 0')
      if (values.size < expected.size && !isReported && !isGap)
        wrong.push(`${topic}: ${values.size} records and not a word`)
      if (failure !== undefined && !/^(1|2|3|56|wrong CRC)$/.test(failure)) wrong.push(`${topic}: ${failure}`)
      continue
    }
    if (failure !== undefined) wrong.push(`${topic}: ${failure}`)
    if (values.size !== expected.size) wrong.push(`${topic}: ${values.size} of ${expected.size} records`)
    if ((await client.produce(topic, 0, 'later')) !== ErrorCode.NONE)
      wrong.push(`${topic} takes nothing more`)
  }
  const { offset } = await client.committedOffset(GROUP, 'plain')
  const mayBeGone = lossy.includes(GROUP) || path.includes('/__consumer_offsets-0/')
  if (offset !== COMMITTED && !(mayBeGone && (offset ?? -1n) === -1n)) wrong.push(`committed: ${offset}`)
  return wrong
}

describe.each(['clean', 'killed'] as const)('after a stop that was %s', (stop) => {
  it('damage to a file costs what was in it, and nothing else', { timeout: 300_000 }, async () => {
    const template = await makeTemplate(stop)
    const wrong: string[] = []
    let tried = 0
    for (const path of template.files) {
      for (const damage of damages(template.disk.stat(path).size)) {
        if (tried++ % STRIDE !== 0) continue
        for (const line of await check(template, path, damage)) wrong.push(`${path} ${damage.name}: ${line}`)
        for (const closeable of running.splice(0).reverse()) await closeable.close()
      }
    }
    expect(wrong).toEqual([])
  })
})

/** What is served while `path` cannot be read, and when it can be again. */
async function checkUnreadable(template: Template, path: string, when: string): Promise<string[]> {
  const wrong: string[] = []
  const disk = copyOf(template)
  const fs = new FaultyFileSystem(disk)
  const lines = new Lines()
  const breakIt = () =>
    fs.inject({ operations: ['read'], path: new RegExp(`^${path.replaceAll('.', '\\.')}$`), code: 'EIO' })
  if (when === 'from the start on') breakIt()
  const started = await start(fs, lines).catch((error: unknown) => {
    if (!(error instanceof StartError && /EIO/.test(error.message))) wrong.push(`no start: ${error}`)
    return undefined
  })
  if (started !== undefined) {
    breakIt()
    const { client } = started
    const { topics } = await client.client.send(listOffsetsRequest, listOffsetsResponse, 7, {
      replicaId: -1,
      topics: [{ name: 'plain', partitions: [{ partitionIndex: 0, timestamp: START_MS + 4000 }] }],
    })
    const { errorCode, offset } = topics[0]!.partitions[0]!
    if (errorCode === ErrorCode.NONE ? offset !== 4 : !REFUSALS.test(`${errorCode}`))
      wrong.push(`looked up at ${offset}, ${errorCode}`)
    for (const topic of TOPICS) {
      const expected = template.contents.get(topic)!
      const { values, failure } = await read(client, topic)
      for (const [offset, value] of values)
        if (expected.get(offset) !== value) wrong.push(`${topic} at ${offset}: ${value.slice(0, 30)}`)
      if (failure !== undefined && !REFUSALS.test(failure)) wrong.push(`${topic}: ${failure}`)
      if (failure === undefined && values.size !== expected.size)
        wrong.push(`${topic}: ${values.size} of ${expected.size} records and not a word`)
      if (failure !== undefined && !lines.reports.some((text) => text.includes('EIO')))
        wrong.push(`${topic}: ${failure}, and the log says nothing`)
    }
  }
  for (const closeable of running.splice(0).reverse()) await closeable.close()
  fs.clearFaults()
  const { client } = await start(fs)
  for (const topic of TOPICS) {
    const { values, failure } = await read(client, topic)
    if (failure !== undefined || !isDeepStrictEqual(values, template.contents.get(topic)))
      wrong.push(`${topic} afterwards: ${failure}, ${values.size} records`)
  }
  const { offset } = await client.committedOffset(GROUP, 'plain')
  if (offset !== COMMITTED) wrong.push(`committed afterwards: ${offset}`)
  return wrong
}

/** NOT_LEADER_OR_FOLLOWER and KAFKA_STORAGE_ERROR. */
const REFUSALS = /^(6|56)$/

describe.each(isDeep ? (['clean', 'killed'] as const) : (['clean'] as const))(
  'after a stop that was %s',
  (stop) => {
    it.each(['from the start on', 'later'])(
      'a file that cannot be read %s costs nothing that is in it: it is all there when it can be read again',
      { timeout: 300_000 },
      async (when) => {
        const template = await makeTemplate(stop)
        const wrong: string[] = []
        for (const path of template.files) {
          for (const line of await checkUnreadable(template, path, when)) wrong.push(`${path}: ${line}`)
          for (const closeable of running.splice(0).reverse()) await closeable.close()
        }
        expect(wrong).toEqual([])
      },
    )
  },
)
