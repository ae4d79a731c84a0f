import { ErrorCode } from '../../wire/error-codes.ts'
import { TRANSACTION_TIMEOUT_MS } from './actors/transactional-producer.ts'
import { askForStart, fetchOnce } from './fetching.ts'
import { type Link, LinkBroken } from './link.ts'
import type { PartitionHistory } from './partition-history.ts'
import type { Scene, SimulatedPartition } from './scene.ts'

const MORE_THAN_ALL_JUMPS_MS = 3_600_000
const MAX_BYTES = 4 * 1024 * 1024
/** After so long, with nothing failing any more, everything has to be readable. */
const MAX_ATTEMPTS = 200

export interface Audited {
  readonly startOffset: number
  readonly highWatermark: number
  readonly lastStableOffset: number
  readonly entries: readonly (readonly [offset: number, value: string])[]
  readonly sizeInBytes: number
}

/** Reads all of every partition and compares it with what is known. False when the broker died meanwhile. */
export async function auditLogs(scene: Scene, link: Link): Promise<boolean> {
  for (const partition of scene.partitions) {
    const audited = await readAll(scene, link, partition, false)
    if (audited === undefined) return false
    partition.history.audited(audited, scene.isLossy)
    const { startOffset, highWatermark, entries } = audited
    if (partition.isCompacted) scene.count('records compacted away', highWatermark - entries.length)
    else scene.count('records before the start of a log', startOffset)
  }
  return true
}

/** What is so when everything has come to its end, whatever happened before. */
export async function finalAudit(scene: Scene): Promise<void> {
  const link = scene.auditorsLink()
  // What producers left open is ended by the coordinator, by the wall clock, as in Kafka: after a jump back, late.
  scene.world.jumpClock(MORE_THAN_ALL_JUMPS_MS)
  await scene.world.sleep(2 * TRANSACTION_TIMEOUT_MS)
  await auditLogs(scene, link)
  const visible = new Map<PartitionHistory, ReadonlySet<string>>()
  for (const partition of scene.partitions) {
    const audited = await readAll(scene, link, partition, true)
    if (audited === undefined) {
      scene.world.violated('the broker is gone')
      break
    }
    const { history } = partition
    visible.set(history, new Set(audited.entries.map(([, value]) => value)))
    scene.world.check(
      audited.lastStableOffset === audited.highWatermark,
      () => `${history.name}: a transaction is open for ever at ${audited.lastStableOffset}`,
    )
  }
  scene.transactions.audited(visible)
  await link.close()
}

/** All that a reader sees of a partition; undefined when the broker died meanwhile. */
export async function readAll(
  scene: Scene,
  link: Link,
  partition: SimulatedPartition,
  readCommitted: boolean,
): Promise<Audited | undefined> {
  const entries: (readonly [number, string])[] = []
  let startOffset = 0
  let sizeInBytes = 0
  let attempts = 0
  for (let position = 0; ; ) {
    if (!scene.machine.isRunning) return undefined
    try {
      const options = { readCommitted, maxWaitMs: 0, maxBytes: MAX_BYTES }
      const fetched = await fetchOnce(scene, link, partition, position, options)
      if (fetched.errorCode === ErrorCode.NONE) {
        entries.push(...fetched.entries)
        const { highWatermark, lastStableOffset } = fetched
        startOffset = fetched.logStartOffset
        sizeInBytes += fetched.sizeInBytes
        // Of a compacted log, the last offsets may be gone.
        const isEnd = partition.isCompacted && fetched.nextOffset === position
        position = fetched.nextOffset
        if (isEnd || position >= (readCommitted ? lastStableOffset : highWatermark))
          return { startOffset, entries, highWatermark, lastStableOffset, sizeInBytes }
        continue
      }
      if (fetched.errorCode === ErrorCode.OFFSET_OUT_OF_RANGE) {
        // What was read before is gone meanwhile.
        entries.length = 0
        sizeInBytes = 0
        position = (await askForStart(link, partition)) ?? position
      }
    } catch (error) {
      if (!(error instanceof LinkBroken)) throw error
    }
    attempts++
    if (attempts > MAX_ATTEMPTS) {
      scene.world.violated(`${partition.history.name} cannot be read`)
      return undefined
    }
    await scene.world.sleep(50)
  }
}
