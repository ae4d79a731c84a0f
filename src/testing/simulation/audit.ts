import { ErrorCode } from '../../wire/error-codes.ts'
import { fetchOnce } from './fetching.ts'
import { type Link, LinkBroken } from './link.ts'
import type { Scene, SimulatedPartition } from './scene.ts'

const MAX_BYTES = 4 * 1024 * 1024
/** After so long, with nothing failing any more, everything has to be readable. */
const MAX_ATTEMPTS = 200

export interface Audited {
  readonly startOffset: number
  readonly highWatermark: number
  readonly entries: readonly (readonly [offset: number, value: string])[]
}

/** Reads all of every partition and compares it with what is known. False when the broker died meanwhile. */
export async function auditLogs(scene: Scene, link: Link): Promise<boolean> {
  for (const partition of scene.partitions) {
    const audited = await readAll(scene, link, partition, false)
    if (audited === undefined) return false
    partition.history.audited(audited.startOffset, audited.entries, scene.isLossy)
  }
  return true
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
  let attempts = 0
  for (let position = 0; ; ) {
    if (!scene.machine.isRunning) return undefined
    try {
      const options = { readCommitted, maxWaitMs: 0, maxBytes: MAX_BYTES }
      const fetched = await fetchOnce(scene, link, partition, position, options)
      if (fetched.errorCode === ErrorCode.NONE) {
        entries.push(...fetched.entries)
        startOffset = fetched.logStartOffset
        position = fetched.nextOffset
        if (position >= (readCommitted ? fetched.lastStableOffset : fetched.highWatermark))
          return { startOffset, entries, highWatermark: fetched.highWatermark }
        continue
      }
      if (fetched.errorCode === ErrorCode.OFFSET_OUT_OF_RANGE) {
        position = partition.history.logStartOffset
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
