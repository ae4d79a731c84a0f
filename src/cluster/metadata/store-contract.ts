/** What every MetadataStore has to keep. A store's own test file calls `describeMetadataStore` with a way to open it. */
import { describe, expect, onTestFinished, test } from 'vitest'
import { InvariantError } from '../../base/invariant.ts'
import { ErrorCode } from '../../wire/error-codes.ts'
import { applyChanges, type MetadataChange } from './changes.ts'
import { configsOf, type MetadataImage, partitionOf, withIsr, withLeader } from './image.ts'
import {
  type BrokerToRegister,
  expectTouched,
  expectVersion,
  type MetadataStore,
  updateMetadata,
} from './store.ts'

export interface StoreUnderTest {
  /** Opens a client of one and the same cluster, whose id is `clusterId`; again after a close. */
  open(): Promise<MetadataStore>
  readonly clusterId: string
}

export function createTopic(name: string, partitions = 1): MetadataChange {
  const list = Array.from({ length: partitions }, (_, partition) => ({
    partition,
    replicas: [1],
    isr: [1],
    leader: 1,
    leaderEpoch: 0,
    partitionEpoch: 0,
  }))
  return { type: 'createTopic', topic: { name, id: `id-of-${name}`.padEnd(22, 'A'), partitions: list } }
}

export function setTopicConfig(topic: string, key: string, value: string): MetadataChange {
  return { type: 'setConfig', resource: { type: 'topic', name: topic }, key, value }
}

function brokerToRegister(id: number): BrokerToRegister {
  const listeners = [{ name: 'PLAINTEXT', host: 'localhost', port: 9092, securityProtocol: 'PLAINTEXT' }]
  return { id, incarnationId: `incarnation-${id}`, rack: 'r1', listeners }
}

/** Whatever the image held before. */
export async function commit(
  store: MetadataStore,
  ...changes: readonly MetadataChange[]
): Promise<MetadataImage> {
  const result = await store.commit(expectVersion(store.image()), changes)
  expect(result.ok).toBe(true)
  return result.image
}

export function describeMetadataStore(name: string, setUp: () => StoreUnderTest): void {
  async function open(under: StoreUnderTest = setUp()): Promise<MetadataStore> {
    const store = await under.open()
    onTestFinished(() => store.close())
    return store
  }

  describe(`${name} as a metadata store`, () => {
    test('a new cluster has its id and nothing else', async () => {
      const under = setUp()
      const store = await open(under)
      expect(store.image()).toMatchObject({ clusterId: under.clusterId, nextProducerId: 0 })
      expect(store.image().topics.size + store.image().brokers.size).toBe(0)
    })

    test('a commit is seen in the image once it resolves, all of it or nothing', async () => {
      const store = await open()
      const before = store.image()
      const after = await commit(store, createTopic('a', 2), setTopicConfig('a', 'retention.ms', '1'))
      expect(store.image()).toBe(after)
      expect(after.version).toBeGreaterThan(before.version)
      expect(after.topics.get('a')?.partitions.length).toBe(2)
      await expect(
        store.commit(expectVersion(after), [createTopic('b'), createTopic('a')]),
      ).rejects.toBeInstanceOf(InvariantError)
      expect(store.image()).toBe(after)
      await commit(store, createTopic('b'))
    })

    test('what was committed is there after the store was opened again', async () => {
      const under = setUp()
      const first = await under.open()
      await commit(first, createTopic('a', 3), setTopicConfig('a', 'retention.ms', '1'))
      await commit(first, {
        type: 'changePartition',
        topic: 'a',
        partition: withLeader(partitionOf(first.image(), 'a', 1)!, 1),
      })
      await commit(
        first,
        { type: 'setFeature', feature: 'group.version', level: 1 },
        { type: 'allocateProducerIds', brokerId: 1, brokerEpoch: 1, nextProducerId: 1000 },
      )
      const then = first.image()
      await first.close()
      const now = (await open(under)).image()
      expect(now.version).toBe(then.version)
      expect(now.topics.get('a')).toEqual(then.topics.get('a'))
      expect(now.topicsById.get(then.topics.get('a')!.id)?.name).toBe('a')
      expect([...configsOf(now, 'topic', 'a')]).toEqual([['retention.ms', '1']])
      expect([...now.features]).toEqual([['group.version', 1]])
      expect(now.nextProducerId).toBe(1000)
    })

    test('of two commits decided on the same version one wins, and the other is given what beat it', async () => {
      const store = await open()
      const image = store.image()
      const results = await Promise.all([
        store.commit(expectVersion(image), [createTopic('a')]),
        store.commit(expectVersion(image), [createTopic('b')]),
      ])
      expect(results.map((each) => each.ok).sort()).toEqual([false, true])
      const lost = results.find((each) => !each.ok)!
      expect(lost.image.topics.size).toBe(1)
      expect(lost.image.version).toBe(store.image().version)
    })

    test('commits that touch different resources do not disturb each other', async () => {
      const store = await open()
      await commit(store, createTopic('a'), createTopic('b'))
      const image = store.image()
      const isr = (topic: string): MetadataChange[] => [
        { type: 'changePartition', topic, partition: withIsr(partitionOf(image, topic, 0)!, [1]) },
      ]
      const results = await Promise.all([
        store.commit(expectTouched(image, isr('a')), isr('a')),
        store.commit(expectTouched(image, isr('b')), isr('b')),
        store.commit(expectTouched(image, isr('a')), isr('a')),
      ])
      expect(results.map((each) => each.ok)).toEqual([true, true, false])
      expect(partitionOf(store.image(), 'a', 0)?.partitionEpoch).toBe(1)
    })

    test('a topic made twice at once exists once', async () => {
      const store = await open()
      const image = store.image()
      const make = [createTopic('a')]
      const results = await Promise.all([
        store.commit(expectTouched(image, make), make),
        store.commit(expectTouched(image, make), make),
      ])
      expect(results.map((each) => each.ok)).toEqual([true, false])
    })

    test('a topic made again after its deletion is another one to who knew the first', async () => {
      const store = await open()
      const known = await commit(store, createTopic('a'))
      await commit(store, { type: 'deleteTopic', topic: 'a' })
      await commit(store, createTopic('a'))
      const change: MetadataChange[] = [
        { type: 'changePartition', topic: 'a', partition: withIsr(partitionOf(known, 'a', 0)!, [1]) },
      ]
      expect((await store.commit(expectTouched(known, change), change)).ok).toBe(false)
    })

    test('a commit can rest on resources that it only read', async () => {
      const store = await open()
      const image = await commit(store, createTopic('a'))
      const change = [createTopic('b')]
      await commit(store, setTopicConfig('a', 'retention.ms', '1'))
      const rested = expectTouched(image, change, ['config/topic/a'])
      expect((await store.commit(rested, change)).ok).toBe(false)
      expect((await store.commit(expectTouched(image, change, ['topic/a']), change)).ok).toBe(true)
    })

    test('an update decides anew until it wins', async () => {
      const store = await open()
      await commit(store, { type: 'allocateProducerIds', brokerId: 1, brokerEpoch: 1, nextProducerId: 1000 })
      const blocks = await Promise.all(
        Array.from({ length: 5 }, () =>
          updateMetadata(store, ({ nextProducerId }) => ({
            changes: [
              {
                type: 'allocateProducerIds',
                brokerId: 1,
                brokerEpoch: 1,
                nextProducerId: nextProducerId + 1000,
              },
            ],
            result: nextProducerId,
          })),
        ),
      )
      expect(blocks.sort((a, b) => a - b)).toEqual([1000, 2000, 3000, 4000, 5000])
    })

    test('an update that decides on no change writes none', async () => {
      const store = await open()
      const { version } = store.image()
      expect(await updateMetadata(store, (image) => ({ changes: [], result: image.version }))).toBe(version)
      expect(store.image().version).toBe(version)
    })

    test('listeners see every commit once, in order, with what changed, and before it resolves', async () => {
      const store = await open()
      let mirror = store.image()
      const versions: number[] = []
      const end = store.subscribe((image, changes, previous) => {
        expect(previous.version).toBe(mirror.version)
        expect(store.image()).toBe(image)
        mirror = applyChanges(mirror, changes, image.version)
        expect([...mirror.topics.keys()].sort()).toEqual([...image.topics.keys()].sort())
        versions.push(image.version)
      })
      const names = Array.from({ length: 20 }, (_, i) => `t${i}`)
      await Promise.all(
        names.map(async (topic) => {
          const change = [createTopic(topic)]
          const result = await store.commit(expectTouched(store.image(), change), change)
          expect(versions).toContain(result.image.version)
        }),
      )
      expect(mirror.topics.size).toBe(20)
      expect(versions).toEqual([...versions].sort((a, b) => a - b))
      expect(new Set(versions).size).toBe(20)
      end()
      await commit(store, createTopic('after'))
      expect(versions.length).toBe(20)
    })

    test('a listener that throws costs neither the commit nor the other listeners', async () => {
      const store = await open()
      let calls = 0
      store.subscribe(() => {
        calls += 1
        throw new Error('listener of the test')
      })
      store.subscribe(() => {
        calls += 1
      })
      await commit(store, createTopic('a'))
      await commit(store, createTopic('b'))
      expect(calls).toBe(4)
    })

    test('a listener may commit', async () => {
      const store = await open()
      const inner: Promise<MetadataImage>[] = []
      store.subscribe((image) => {
        if (image.topics.size === 1) inner.push(commit(store, createTopic('b')))
      })
      await commit(store, createTopic('a'))
      expect(inner.length).toBe(1)
      await inner[0]
      expect(store.image().topics.size).toBe(2)
    })

    test('a registered broker is live while it holds its session, and fenced after', async () => {
      const store = await open()
      const session = await store.register(brokerToRegister(1))
      expect(store.image().brokers.get(1)).toEqual({
        ...brokerToRegister(1),
        epoch: session.epoch,
        fenced: false,
      })
      expect(session.held()).toBe(true)
      const closing = session.close()
      expect(session.held()).toBe(false)
      await session.lost
      await closing
      await session.close()
      expect(store.image().brokers.get(1)?.fenced).toBe(true)
    })

    test('a broker id that is in use is refused, and free again when its session ends', async () => {
      const store = await open()
      const [first, second] = await Promise.allSettled([
        store.register(brokerToRegister(1)),
        store.register(brokerToRegister(1)),
      ])
      expect([first.status, second.status].sort()).toEqual(['fulfilled', 'rejected'])
      const refused = first.status === 'rejected' ? first : second
      expect(refused).toMatchObject({ reason: { code: ErrorCode.DUPLICATE_BROKER_REGISTRATION } })
      const held =
        first.status === 'fulfilled' ? first.value : (second as typeof first & { value: never }).value
      await held.close()
      const again = await store.register(brokerToRegister(1))
      expect(again.epoch).toBeGreaterThan(held.epoch)
      await store.register(brokerToRegister(2))
      expect(store.image().brokers.get(1)?.fenced).toBe(false)
    })

    test('leases do not outlive the store: brokers register anew, in a higher epoch', async () => {
      const under = setUp()
      const first = await under.open()
      const session = await first.register(brokerToRegister(1))
      await first.close()
      expect(session.held()).toBe(false)
      await session.lost
      const store = await open(under)
      expect(store.image().brokers.get(1)?.fenced).toBe(true)
      const again = await store.register(brokerToRegister(1))
      expect(again.epoch).toBeGreaterThan(session.epoch)
      expect(store.image().brokers.get(1)?.fenced).toBe(false)
    })

    test('closing waits for what is being committed and refuses what comes after', async () => {
      const under = setUp()
      const first = await under.open()
      const pending = commit(first, createTopic('a'))
      await first.close()
      expect((await pending).topics.has('a')).toBe(true)
      await expect(first.commit(expectVersion(first.image()), [createTopic('b')])).rejects.toThrow('closed')
      await first.close()
      const store = await open(under)
      expect([...store.image().topics.keys()]).toEqual(['a'])
    })
  })
}
