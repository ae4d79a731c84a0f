import { PlainProducer } from './actors/plain-producer.ts'
import { Reader } from './actors/reader.ts'
import { auditLogs } from './audit.ts'
import { Chaos } from './chaos.ts'
import { Machine } from './machine.ts'
import { type Actor, Scene } from './scene.ts'
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
  const isDurable = world.random.chance(0.5)
  const machine = new Machine(world, {
    'offsets.topic.num.partitions': '1',
    'transaction.state.log.num.partitions': '1',
    ...(isDurable && { 'log.flush.interval.messages': '1' }),
  })
  const scene = new Scene(world, machine, !isDurable)
  let violation: string | undefined
  try {
    await world.run(play(scene))
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

async function play(scene: Scene): Promise<void> {
  const { machine } = scene
  await machine.start()
  await scene.createTopic('plain', 2)
  const chaos = new Chaos(scene, { faults: 6, pauseMs: 400, powerCuts: true })
  machine.onPowerCut = () => chaos.powerWasCut()
  const partitions = scene.partitionsOf('plain')
  const actors: Actor[] = [
    new PlainProducer(scene, 'p0', partitions, 0),
    new PlainProducer(scene, 'p1', partitions, 1),
    new PlainProducer(scene, 'pall', partitions, -1),
    new Reader(scene, 'reader', partitions, false),
    new Reader(scene, 'committed', partitions, true),
  ]
  const playing = Promise.all(actors.map((actor) => actor.run()))
  await Promise.race([chaos.run(), playing])
  scene.isEnding = true
  await playing
  const link = scene.auditorsLink()
  await auditLogs(scene, link)
  await link.close()
  await machine.stop()
}
