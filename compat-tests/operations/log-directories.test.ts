import { existsSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { isDeep } from '../../src/testing/depth.ts'
import { DirectoryClient } from '../../src/testing/directory-client.ts'
import { SeededRandom } from '../../src/testing/seeded-random.ts'
import { ErrorCode } from '../../src/wire/error-codes.ts'
import { BrokerProcess } from '../support/broker-process.ts'

let dir: string
let broker: BrokerProcess | undefined
let client: DirectoryClient | undefined
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'sluice-dirs-'))
})
afterEach(async () => {
  await stop('SIGKILL')
  rmSync(dir, { recursive: true })
})

const pathOf = (name: string) => join(dir, name)

async function start(names: readonly string[]): Promise<DirectoryClient> {
  broker = await BrokerProcess.start({
    dir: names.map(pathOf).join(),
    config: {
      'offsets.topic.num.partitions': 3,
      // What notices that a directory has gone, where nothing is written to it.
      'log.flush.offset.checkpoint.interval.ms': 50,
      'replica.high.watermark.checkpoint.interval.ms': 50,
    },
  })
  client = await DirectoryClient.connect('127.0.0.1', broker.port)
  return client
}

async function stop(signal: NodeJS.Signals = 'SIGTERM') {
  const ended = broker?.stop(signal)
  await client?.close()
  client = undefined
  broker = undefined
  return ended
}

describe('a log directory that goes away under a running broker', () => {
  const names = ['a', 'b', 'c']

  /** Its partitions' files are where nobody finds them, and a file is in its place. */
  function takeAway(name: string): void {
    renameSync(pathOf(name), pathOf(`${name}-away`))
    writeFileSync(pathOf(name), '')
  }

  function putBack(name: string): void {
    rmSync(pathOf(name))
    renameSync(pathOf(`${name}-away`), pathOf(name))
  }

  test('takes its partitions with it, and brings them back when it is back at a start', async () => {
    const first = await start(names)
    await first.create('t', 3)
    for (const partition of [0, 1, 2]) await first.produce('t', partition, `of ${partition}`)
    const lost = (await first.places()).filter(({ path }) => path === pathOf('c'))
    const index = lost.find(({ topic }) => topic === 't')!.partition
    takeAway('c')
    // A checkpoint is written when it has something to say.
    const noticed = async () => {
      await first.produce('t', index, 'more')
      return (await first.describe()).some(({ errorCode }) => errorCode === ErrorCode.KAFKA_STORAGE_ERROR)
    }
    await first.until(noticed)
    await first.until(async () => (await first.partition('t', index)).leaderId === -1)
    expect(await first.produce('t', index, 'x')).toBe(ErrorCode.KAFKA_STORAGE_ERROR)
    for (const partition of [0, 1, 2].filter((each) => each !== index))
      expect(await first.produce('t', partition, 'more')).toBe(ErrorCode.NONE)
    expect(await stop()).toEqual({ code: 0, signal: null })

    const second = await start(names)
    expect(await second.produce('t', index, 'x')).toBe(ErrorCode.NOT_LEADER_OR_FOLLOWER)
    expect(await stop()).toEqual({ code: 0, signal: null })

    putBack('c')
    const third = await start(names)
    expect(
      (await third.places())
        .filter(({ path }) => path === pathOf('c'))
        .map(({ topic, partition }) => [topic, partition]),
    ).toEqual(lost.map(({ topic, partition }) => [topic, partition]))
    expect((await third.values('t', index))[0]).toBe(`of ${index}`)
    expect(await third.produce('t', index, 'x')).toBe(ErrorCode.NONE)
  })

  test('ends the process with exit code 1 when the metadata is in it', async () => {
    const running = await start(names)
    await running.create('t', 3)
    const { exited } = broker!
    takeAway('a')
    for (const partition of [0, 1, 2]) await running.produce('t', partition, 'x').catch(() => {})
    expect(await exited).toEqual({ code: 1, signal: null })
    putBack('a')
    const again = await start(names)
    for (const partition of [0, 1, 2]) expect(await again.produce('t', partition, 'y')).toBe(ErrorCode.NONE)
  })
})

const KILLS = isDeep ? 8 : 3
const seed = Number(process.env.KILL_SEED ?? Date.now() % 1_000_000)

test(`a broker that is killed ${KILLS} times while partitions move has every acknowledged record (KILL_SEED=${seed})`, {
  timeout: 60_000,
}, async () => {
  const names = ['a', 'b']
  const random = new SeededRandom(seed)
  const acknowledged: string[][] = [[], []]
  let moves = 0
  for (let kill = 0; kill < KILLS; kill++) {
    const running = await start(names)
    if (kill === 0) await running.create('t', 2, { 'segment.bytes': '1048576', 'file.delete.delay.ms': '0' })
    const { port } = broker!
    const mover = await DirectoryClient.connect('127.0.0.1', port)
    let alive = true
    const produce = async () => {
      for (let count = 0; alive; count++) {
        for (const [partition, values] of acknowledged.entries()) {
          const value = `${kill}/${count} ${'x'.repeat(random.integer(0, 20_000))}`
          const code = await running.produce('t', partition, value).catch(() => undefined)
          if (code === undefined) return
          expect(code).toBe(ErrorCode.NONE)
          values.push(value)
        }
      }
    }
    const move = async () => {
      while (alive) {
        const place = await mover.placeOf('t', random.integer(0, 1)).catch(() => undefined)
        if (place === undefined) return
        const target = names.map(pathOf).find((path) => path !== place.path)!
        if ((await mover.alter('t', place.partition, target).catch(() => undefined)) === ErrorCode.NONE)
          moves++
      }
    }
    const work = Promise.all([produce(), move()])
    await delay(random.integer(50, 400))
    await broker!.kill()
    alive = false
    await work
    await mover.close()
    await stop()
  }
  const checker = await start(names)
  for (const [partition, values] of acknowledged.entries()) {
    const found = await checker.values('t', partition)
    const expected = new Set(values)
    // One that was not acknowledged may be there, in its place.
    expect(found.filter((value) => expected.has(value))).toEqual(values)
    await checker.placeOf('t', partition)
  }
  expect(moves).toBeGreaterThan(KILLS)
  await checker.until(async () => {
    const left = names.flatMap((name) => readdirSync(pathOf(name)).filter((each) => each.startsWith('t-')))
    return left.length === 2
  })
  expect(existsSync(pathOf('a'))).toBe(true)
})
