/**
 * What a heartbeat of a consumer group (KIP-848) costs the broker, in groups of 10 and of 1,000 members that share 1,000
 * partitions: `node bench/heartbeats.ts [HEARTBEATS]`. Prints CPU microseconds of the broker's process for each, which
 * should not depend on the size of the group.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cpuSeconds } from './processes.ts'
import { RawClient } from './raw-client.ts'
import { startedBroker } from './start-time.ts'

const PARTITIONS = 1000
/** Requests under way at once. */
const PIPELINED = 32

class Member {
  readonly #memberId: string
  readonly #group: string
  #epoch = 0
  #owned: Buffer | undefined
  changed = true

  constructor(group: string, number: number) {
    this.#group = group
    this.#memberId = `member-${String(number).padStart(15, '0')}`
  }

  get epoch(): number {
    return this.#epoch
  }

  async beat(client: RawClient): Promise<void> {
    // What is assigned is told back once.
    const owned = this.changed ? this.#owned : undefined
    const answer = await client.groupHeartbeat(this.#group, this.#memberId, this.#epoch, TOPIC, owned)
    this.changed = answer.assignment !== undefined || answer.epoch !== this.#epoch
    this.#epoch = answer.epoch
    if (answer.assignment !== undefined) this.#owned = Buffer.from(answer.assignment)
  }
}

const TOPIC = 'heartbeats'

async function inTurns(members: readonly Member[], count: number, client: RawClient): Promise<void> {
  let next = 0
  const one = async (): Promise<void> => {
    while (next < count) await members[next++ % members.length]!.beat(client)
  }
  await Promise.all(Array.from({ length: Math.min(PIPELINED, members.length) }, one))
}

/** Everyone joins, and everyone owns its share. */
async function settled(size: number, client: RawClient): Promise<readonly Member[]> {
  const members = Array.from({ length: size }, (_, i) => new Member(`of-${size}`, i))
  await inTurns(members, size, client)
  for (let calm = 0; calm < 3; ) {
    await inTurns(members, size, client)
    // Assignments are a second apart at least.
    const isCalm = members.every(({ changed, epoch }) => !changed && epoch === members[0]!.epoch)
    calm = isCalm ? calm + 1 : 0
    await new Promise((resolve) => setTimeout(resolve, 500))
  }
  return members
}

async function run(heartbeats: number): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'heartbeats-'))
  const { broker } = await startedBroker('sluice', dir)
  try {
    const client = await RawClient.connect(broker.port)
    await client.createTopics([TOPIC], PARTITIONS)
    for (const size of [10, 1000]) {
      const members = await settled(size, client)
      await inTurns(members, heartbeats / 4, client)
      const before = cpuSeconds(broker.pid)
      await inTurns(members, heartbeats, client)
      const micros = ((cpuSeconds(broker.pid) - before) / heartbeats) * 1e6
      console.log(`${size} members: ${micros.toFixed(1)} CPU microseconds a heartbeat`)
    }
    client.close()
  } finally {
    await broker.stop('SIGTERM')
    rmSync(dir, { recursive: true, force: true })
  }
}

await run(Number(process.argv[2] ?? 40_000))
