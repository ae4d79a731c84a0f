import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { silentLogger } from '../../src/base/logger.ts'
import { systemRandom } from '../../src/base/random.ts'
import { Broker } from '../../src/broker.ts'
import { loadConfig } from '../../src/config/load.ts'
import { FaultyFileSystem } from '../../src/logstore/faulty-fs.ts'
import { MemoryFileSystem } from '../../src/logstore/memory-fs.ts'
import { SeededRandom } from '../../src/testing/seeded-random.ts'
import { LoadCheck } from '../support/load-check.ts'

const seed = Number(process.env.POWER_LOSS_SEED ?? Date.now() % 1_000_000)

/** A broker on a disk that forgets what was not synced. */
class Machine {
  readonly disk = new MemoryFileSystem()
  /** What this life of the broker has of the disk. */
  #fs = new FaultyFileSystem(this.disk)
  readonly #config: Readonly<Record<string, string>>
  #broker: Broker | undefined

  constructor(config: Readonly<Record<string, string>>) {
    this.#config = config
  }

  readonly address = () => this.#broker?.listeners[0]

  async start(): Promise<void> {
    this.#fs = new FaultyFileSystem(this.disk)
    this.#broker = await Broker.start({
      config: loadConfig({
        overrides: {
          listeners: 'PLAINTEXT://127.0.0.1:0',
          'log.dirs': '/data',
          'offsets.topic.num.partitions': '2',
          ...this.#config,
        },
      }),
      version: 'test',
      fs: this.#fs,
      clock: systemClock,
      random: systemRandom,
      logger: silentLogger,
      startedMs: systemClock.now(),
    })
  }

  /** The disk stands still first, so that nothing that the broker does on its way down counts. */
  async losePower(random: SeededRandom, load: LoadCheck): Promise<void> {
    const broker = this.#broker!
    this.#broker = undefined
    this.#fs.inject({ code: 'EIO' })
    // Either nothing survives that was not synced, or any part of it.
    this.disk.crash(random.chance(0.5) ? random : undefined)
    load.disconnect()
    await broker.close()
  }

  async stop(): Promise<void> {
    await this.#broker?.close()
    this.#broker = undefined
  }
}

describe(`power losses (POWER_LOSS_SEED=${seed})`, { timeout: 60_000 }, () => {
  test('with flush.messages=1 everything acknowledged outlives them', async () => {
    const random = new SeededRandom(seed)
    const machine = new Machine({
      'log.flush.interval.messages': '1',
      'log.segment.bytes': '1048576',
    })
    await machine.start()
    const load = new LoadCheck(machine.address)
    await load.start()
    for (let losses = 0; losses < 20 && load.faults.length === 0; losses++) {
      await load.progress(random.integer(0, 300))
      await delay(random.integer(0, 5))
      await machine.losePower(random, load)
      await machine.start()
    }
    await load.progress(100)
    await load.stop()
    expect((await load.inspect()).slice(0, 10)).toEqual([])
    await machine.stop()
  })

  test('with the default flush settings what is left is whole batches from the first on', async () => {
    const random = new SeededRandom(seed + 1)
    const wrong: string[] = []
    for (let losses = 0; losses < 10; losses++) {
      const machine = new Machine({})
      await machine.start()
      const load = new LoadCheck(machine.address)
      await load.start()
      await load.progress(random.integer(0, 1000))
      await machine.losePower(random, load)
      await load.abandon()
      await machine.start()
      wrong.push(...load.faults, ...(await load.inspectPrefix()))
      await machine.stop()
    }
    expect(wrong.slice(0, 10)).toEqual([])
  })

  test('after a clean stop nothing is left to lose', async () => {
    const random = new SeededRandom(seed + 2)
    const machine = new Machine({})
    await machine.start()
    const load = new LoadCheck(machine.address)
    await load.start()
    await load.progress(1000)
    await load.stop()
    await machine.stop()
    machine.disk.crash(random)
    await machine.start()
    expect((await load.inspect()).slice(0, 10)).toEqual([])
    await machine.stop()
  })
})
