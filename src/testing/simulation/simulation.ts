import { HEARTBEAT_MS, SESSION_TIMEOUT_MS } from './actors/consumer-member.ts'
import { Machine } from './machine.ts'
import { type Mode, play } from './play.ts'
import { Scene } from './scene.ts'
import { Violation, World } from './world.ts'

export interface Outcome {
  readonly seed: number
  /** What promise was broken; undefined when all were kept. */
  readonly violation: string | undefined
  /** The same for runs in which the same happened. */
  readonly hash: string
  /** The last that happened, oldest first. */
  readonly trace: readonly string[]
  readonly counts: ReadonlyMap<string, number>
  readonly turns: number
}

const MODES: readonly Mode[] = ['flushed', 'flushed', 'killed', 'lossy']
const TRACE_LINES = 120

/** Runs that one again, and prints all of it. */
export function replayCommand(seed: number): string {
  return `npm run simulate -- --seed ${seed}`
}

/** One run of a whole broker with its clients and its misfortunes: all of it follows from the seed. */
export async function simulate(
  seed: number,
  { keepsWholeTrace = false }: { readonly keepsWholeTrace?: boolean } = {},
): Promise<Outcome> {
  const world = new World(seed, keepsWholeTrace ? Number.POSITIVE_INFINITY : TRACE_LINES)
  const mode = world.random.pick(MODES)
  const machine = new Machine(world, {
    // The second is away from the metadata: the broker goes on without it.
    'log.dirs': world.random.chance(0.25) ? '/data,/more' : '/data',
    'log.retention.check.interval.ms': '150',
    'log.cleaner.backoff.ms': '100',
    'offsets.topic.num.partitions': '1',
    'transaction.state.log.num.partitions': '1',
    'group.consumer.min.session.timeout.ms': '1000',
    'group.consumer.session.timeout.ms': String(SESSION_TIMEOUT_MS),
    'group.consumer.min.heartbeat.interval.ms': '100',
    'group.consumer.heartbeat.interval.ms': String(HEARTBEAT_MS),
    'group.min.session.timeout.ms': '1000',
    'transaction.abort.timed.out.transaction.cleanup.interval.ms': '1000',
    ...(mode === 'flushed' && { 'log.flush.interval.messages': '1' }),
  })
  const scene = new Scene(world, machine, mode === 'lossy')
  let violation: string | undefined
  try {
    await world.run(play(scene, mode))
  } catch (error) {
    violation = error instanceof Violation ? error.message : `${error instanceof Error ? error.stack : error}`
  }
  return {
    seed,
    violation,
    hash: world.trace.hash,
    trace: world.trace.lines,
    counts: scene.counts,
    turns: world.turns,
  }
}
