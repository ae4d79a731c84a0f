import type { DescribeLogDirsResponse } from '../../../src/wire/schemas/35-describe-log-dirs.ts'
import { api, droppedVersionsOf, versionsOf } from '../apis.ts'
import { batch, produceInput } from '../records.ts'
import type { Scenario } from '../scenario.ts'
import type { Session } from '../session.ts'

const TOPIC = 'log-dirs'
const LONG_TOPIC = `log-dirs-${'x'.repeat(210)}`

export const logDirs: Scenario = {
  name: 'log-dirs',
  async run(session) {
    const topicId = await session.makeTopic(TOPIC, 3)
    await session.makeTopic(LONG_TOPIC)
    await session.quiet(api.produce, 13, produceInput({ topic: TOPIC, topicId }, batch(['a', 'b'])))
    const directory = await describe(session, versionsOf(api.describeLogDirs))
    await alter(session, versionsOf(api.alterReplicaLogDirs), directory)
  },
}

export const legacyLogDirs: Scenario = {
  name: 'legacy-log-dirs',
  judge: '3.9.1',
  async run(session) {
    await session.makeTopic(TOPIC, 3)
    await session.makeTopic(LONG_TOPIC)
    const directory = await describe(session, droppedVersionsOf(api.describeLogDirs))
    await alter(session, droppedVersionsOf(api.alterReplicaLogDirs), directory)
  },
}

/** Gives the directory, of which both brokers have one. */
async function describe(session: Session, versions: readonly number[]): Promise<string> {
  for (const version of versions) {
    const ask = (step: string, topics: { topic: string; partitions: number[] }[] | null) =>
      session.ask(`${step} v${version}`, api.describeLogDirs, version, { topics }, shown)
    await ask('all', null)
    await ask('nothing', [])
    await ask('some partitions', [{ topic: TOPIC, partitions: [0, 2] }])
    await ask('what is missing', [
      { topic: TOPIC, partitions: [1, 7, -1] },
      { topic: 'log-dirs-missing', partitions: [0] },
      { topic: 'log-dirs/illegal', partitions: [0] },
      { topic: '', partitions: [0] },
    ])
    await ask('a partition twice', [{ topic: TOPIC, partitions: [0, 0] }])
    await ask('no partition', [{ topic: TOPIC, partitions: [] }])
  }
  const { results } = await session.quiet(api.describeLogDirs, 4, { topics: [] })
  return results[0]!.logDir
}

/** Without what lies in the directory of other scenarios, and what is the disk's. */
function shown({ results, ...rest }: DescribeLogDirsResponse): unknown {
  return {
    ...rest,
    results: results.map(({ logDir, totalBytes, usableBytes, topics, ...directory }) => ({
      ...directory,
      isAbsolute: logDir.startsWith('/'),
      totalBytes: totalBytes > 0 ? '<bytes>' : totalBytes,
      usableBytes: usableBytes > 0 && usableBytes <= totalBytes ? '<bytes>' : usableBytes,
      topics: topics.filter(({ name }) => name.startsWith(TOPIC)),
    })),
  }
}

async function alter(session: Session, versions: readonly number[], directory: string): Promise<void> {
  for (const version of versions) {
    const ask = (step: string, dirs: { path: string; topics: { name: string; partitions: number[] }[] }[]) =>
      session.ask(`${step} v${version}`, api.alterReplicaLogDirs, version, { dirs })
    const to = (path: string, name: string, ...partitions: number[]) => [
      { path, topics: [{ name, partitions }] },
    ]
    await ask('to where it is', to(directory, TOPIC, 0))
    await ask('to an unknown directory', to('/no/such/directory', TOPIC, 0, 1))
    await ask('to an empty path', to('', TOPIC, 0))
    await ask('to the directory by another name', to(`${directory}/`, TOPIC, 0))
    await ask('a missing partition', to(directory, TOPIC, 7))
    await ask('a negative partition', to(directory, TOPIC, -1))
    await ask('a missing topic', to(directory, 'log-dirs-missing', 0))
    await ask('a missing topic to an unknown directory', to('/no/such/directory', 'log-dirs-missing', 0))
    await ask('an illegal topic', to(directory, 'log-dirs/illegal', 0))
    await ask('an empty name', to(directory, '', 0))
    await ask('a name without room for the copy', to(directory, LONG_TOPIC, 0))
    await ask('a name without room, to an unknown directory', to('/no/such/directory', LONG_TOPIC, 0))
    await ask('good and bad', [...to(directory, TOPIC, 0, 1), ...to('/no/such/directory', TOPIC, 2)])
    await ask('for two directories', [...to(directory, TOPIC, 0), ...to('/no/such/directory', TOPIC, 0)])
    await ask('move a partition twice', to(directory, TOPIC, 0, 0))
    await ask('move no partition', to(directory, TOPIC))
    await ask('no topic', [{ path: directory, topics: [] }])
    await ask('no directory', [])
  }
}
