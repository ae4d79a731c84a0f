import { ClassicMember } from './actors/classic-member.ts'
import { ConfigAlterer } from './actors/config-alterer.ts'
import { ConsumerMember } from './actors/consumer-member.ts'
import { IdempotentProducer } from './actors/idempotent-producer.ts'
import { OffsetCommitter } from './actors/offset-committer.ts'
import { PlainProducer } from './actors/plain-producer.ts'
import { Reader } from './actors/reader.ts'
import { RecordDeleter } from './actors/record-deleter.ts'
import { Sluggard } from './actors/sluggard.ts'
import { TopicChurner } from './actors/topic-churner.ts'
import { TransactionalProducer } from './actors/transactional-producer.ts'
import { finalAudit } from './audit.ts'
import { Chaos } from './chaos.ts'
import { Generations } from './generations.ts'
import type { Actor, Scene } from './scene.ts'

/**
 * What the disk promises of what was acknowledged, and what happens to it:
 * - `flushed`: every append is flushed, so that nothing may be lost; power cuts.
 * - `killed`: nothing is flushed; processes die, and what they wrote stays.
 * - `lossy`: nothing is flushed; power cuts, after which the log is a part of what it was, from the beginning.
 */
export type Mode = 'flushed' | 'killed' | 'lossy'

/** Short, so that segments come to their end while things go wrong. */
const SEGMENTS = { 'segment.ms': '150', 'file.delete.delay.ms': '100' }
const RETENTION = [
  {},
  {},
  { ...SEGMENTS, 'retention.bytes': '1500' },
  { ...SEGMENTS, 'retention.ms': '600' },
] as const
const CLEANUP = [
  {},
  {
    ...SEGMENTS,
    'cleanup.policy': 'compact',
    'min.cleanable.dirty.ratio': '0.01',
    'delete.retention.ms': '200',
  },
] as const

const PAYMENTS_GROUP = 'of-payments'
const REFUNDS_GROUP = 'of-refunds'
const MODERN_GROUP = 'modern'
const CLASSIC_GROUP = 'classic'
const MEMBERLESS_GROUP = 'memberless'

/** One run, from the first start of the broker to its last stop. */
export async function play(scene: Scene, mode: Mode): Promise<void> {
  const { machine, world } = scene
  await machine.start()
  const { random } = world
  await scene.createTopic('plain', 2, random.pick(RETENTION))
  // Of what is not flushed, a power cut may leave a compacted log the end without the middle, as in Kafka.
  await scene.createTopic('ordered', 2, mode === 'lossy' ? {} : random.pick(CLEANUP))
  if (mode !== 'lossy') await scene.createTopic('paid', 2, random.pick(CLEANUP))
  await scene.findCoordinators()
  const chaos = new Chaos(scene, {
    faults: world.random.integer(2, 5),
    pauseMs: 400,
    powerCuts: mode !== 'killed',
  })
  machine.onDeath = (how) => chaos.died(how)
  const actors = cast(scene, mode)
  const playing = Promise.all(actors.map((actor) => actor.run()))
  await Promise.race([chaos.run(), playing])
  scene.isEnding = true
  await playing
  await finalAudit(scene)
  await machine.stop()
}

/** Who takes part; not everybody does in every run. */
function cast(scene: Scene, mode: Mode): Actor[] {
  const { random } = scene.world
  const plain = scene.partitionsOf('plain')
  const ordered = scene.partitionsOf('ordered')
  const actors: Actor[] = [
    new ConfigAlterer(scene),
    new PlainProducer(scene, 'plain', plain, random.pick([0, 1, -1])),
    new IdempotentProducer(scene, 'ordered-0', ordered[0]!),
    new IdempotentProducer(scene, 'ordered-1', ordered[1]!),
    new Reader(scene, 'reader', scene.partitions, false),
  ]
  if (random.chance(0.5)) {
    const options = {
      group: MEMBERLESS_GROUP,
      read: [PAYMENTS_GROUP, REFUNDS_GROUP, MODERN_GROUP, CLASSIC_GROUP],
      partitions: scene.partitions,
    }
    actors.push(new OffsetCommitter(scene, 'committer', options))
  }
  if (random.chance(0.4)) {
    for (const name of ['modern-a', 'modern-b', 'modern-c'])
      actors.push(new ConsumerMember(scene, name, { group: MODERN_GROUP, topics: ['plain', 'ordered'] }))
  }
  if (random.chance(0.4)) {
    const generations = new Generations(scene.world, CLASSIC_GROUP)
    for (const name of ['classic-a', 'classic-b', 'classic-c'])
      actors.push(
        new ClassicMember(scene, name, { group: CLASSIC_GROUP, partitions: scene.partitions, generations }),
      )
  }
  if (mode !== 'lossy' && random.chance(0.7)) {
    const partitions = scene.partitionsOf('paid')
    actors.push(new TransactionalProducer(scene, 'payments', { partitions, group: PAYMENTS_GROUP }))
    if (random.chance(0.5)) {
      actors.push(new TransactionalProducer(scene, 'refunds', { partitions, group: REFUNDS_GROUP }))
    }
    actors.push(new Reader(scene, 'committed', scene.partitionsOf('paid'), true))
  }
  if (random.chance(0.4)) actors.push(new TopicChurner(scene))
  if (random.chance(0.3)) actors.push(new RecordDeleter(scene, plain))
  if (random.chance(0.3)) actors.push(new Sluggard(scene, scene.partitions))
  return actors
}
