/** The two brokers that workloads share, side by side and warm; each is started when a workload first asks for it. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { load } from './load.ts'
import type { BrokerKind, BrokerProcess, SpawnOptions } from './processes.ts'
import type { Scale } from './scale.ts'
import { startedBroker } from './start-time.ts'

const WARM_UP_TOPIC = 'warm-up'

export interface PooledBroker extends BrokerProcess {
  /** Where its data is. */
  readonly dir: string
}

export class BrokerPool {
  readonly scale: Scale
  readonly #spawnOptions: SpawnOptions
  readonly #dir = mkdtempSync(join(tmpdir(), 'bench-'))
  readonly #shared = new Map<BrokerKind, Promise<PooledBroker>>()
  readonly #once = new Map<string, Promise<unknown>>()
  #count = 0

  constructor(scale: Scale, spawnOptions: SpawnOptions = {}) {
    this.scale = scale
    this.#spawnOptions = spawnOptions
  }

  /** The broker that all workloads of its kind share. It has produced and consumed, so that compilers are done. */
  shared(kind: BrokerKind): Promise<PooledBroker> {
    return this.once(`shared ${kind}`, () => {
      const broker = this.#start(kind)
      this.#shared.set(kind, broker)
      return broker.then(async (started) => {
        await warmUp(started, this.scale)
        return started
      })
    })
  }

  /** Runs `action` on a broker of its own with fresh data, which are gone afterwards. */
  async withFresh<T>(kind: BrokerKind, action: (broker: PooledBroker) => Promise<T>): Promise<T> {
    const broker = await this.#start(kind)
    try {
      return await action(broker)
    } finally {
      await broker.stop('SIGKILL')
      rmSync(broker.dir, { recursive: true, force: true })
    }
  }

  /** Makes a topic for `action`, and deletes it afterwards. */
  async withTopic<T>(
    broker: PooledBroker,
    options: { readonly partitions: number; readonly config?: string },
    action: (topic: string) => Promise<T>,
  ): Promise<T> {
    const topic = `topic-${this.#count++}`
    await load(broker, 'topics', { topic, ...options })
    try {
      return await action(topic)
    } finally {
      await load(broker, 'delete', { topic })
    }
  }

  /** What `make` gave the first time that somebody asked for `key`. */
  once<T>(key: string, make: () => Promise<T>): Promise<T> {
    let made = this.#once.get(key) as Promise<T> | undefined
    if (made === undefined) {
      made = make()
      this.#once.set(key, made)
    }
    return made
  }

  /** A path that nothing has, in a folder that `close` removes. */
  newPath(name: string): string {
    return join(this.#dir, `${this.#count++}-${name}`)
  }

  /** Ends the shared brokers with the signal and removes all data. */
  async close(signal: 'SIGTERM' | 'SIGKILL' = 'SIGKILL'): Promise<void> {
    const started = await Promise.allSettled(this.#shared.values())
    for (const result of started) if (result.status === 'fulfilled') await result.value.stop(signal)
    rmSync(this.#dir, { recursive: true, force: true })
  }

  async #start(kind: BrokerKind): Promise<PooledBroker> {
    const dir = this.newPath(kind)
    const { broker } = await startedBroker(kind, dir, this.#spawnOptions)
    return { ...broker, dir }
  }
}

async function warmUp(broker: PooledBroker, scale: Scale): Promise<void> {
  await load(broker, 'topics', { topic: WARM_UP_TOPIC, partitions: 6 })
  // Half with batches of some KB, as most clients send them.
  await load(broker, 'produce', { topic: WARM_UP_TOPIC, records: scale.warmUpBytes / 2e3 })
  await load(broker, 'produce', {
    ...{ topic: WARM_UP_TOPIC, records: scale.warmUpBytes / 2e3, clients: 8 },
    ...{ rate: 20_000, acks: 1 },
  })
  await load(broker, 'consume', { topic: WARM_UP_TOPIC })
  await load(broker, 'delete', { topic: WARM_UP_TOPIC })
}
