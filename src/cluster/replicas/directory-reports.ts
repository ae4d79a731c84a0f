/**
 * Tells the metadata where this broker's replicas are and which log directories it can use, and what follows for who
 * leads: Kafka's `AssignmentsManager` and `BrokerLifecycleManager`, with the controller's part done by the commit itself.
 */
import type { Logger } from '../../base/logger.ts'
import type { LogDirectories } from '../../logstore/log-directories.ts'
import { type Placement, planLeaders, planPlacements } from '../controller/directories.ts'
import { applyChanges, type MetadataChange } from '../metadata/changes.ts'
import { type MetadataImage, withLeader } from '../metadata/image.ts'
import { type MetadataStore, updateMetadata } from '../metadata/store.ts'

export interface DirectoryReportsOptions {
  readonly brokerId: number
  readonly metadata: MetadataStore
  readonly logs: LogDirectories
  readonly logger: Logger
}

export class DirectoryReports {
  readonly #options: DirectoryReportsOptions
  #placements: Placement[] = []
  #reporting: Promise<void> | undefined
  #closed = false

  constructor(options: DirectoryReportsOptions) {
    this.#options = options
  }

  /**
   * When the broker is registered and before it takes up its partitions. After a stop that was not clean, logs may have
   * lost their ends: with `newEpochs` each partition led here gets a new leader epoch, which lets clients find out.
   */
  async start(newEpochs: boolean): Promise<void> {
    const { brokerId, metadata } = this.#options
    await updateMetadata(metadata, (image) => {
      const plan = new Plan(image)
      plan.add(planPlacements(image, brokerId, this.#found(image)))
      const elected = planLeaders(plan.image, brokerId)
      plan.add(elected)
      if (newEpochs) plan.add(ledBefore(plan.image, brokerId, elected))
      return { changes: plan.changes, result: undefined }
    })
  }

  /** The metadata learns of it soon; what could not be told is told after the next start. */
  placed(placements: readonly Placement[]): void {
    this.#placements.push(...placements)
    this.#report()
  }

  /** A directory has failed: its partitions get another leader, or none. */
  directoryFailed(): void {
    this.#report()
  }

  /** The configuration of the broker has changed: others may have been cordoned. */
  configured(): void {
    const { brokerId, metadata, logs } = this.#options
    const known = metadata.image().brokers.get(brokerId)
    if (known !== undefined && (known.isCordoned ?? false) !== logs.areCordoned) this.#report()
  }

  /** Waits for what is being told. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true
    await this.#reporting
  }

  #report(): void {
    if (this.#closed) return
    this.#reporting ??= this.#tell().finally(() => {
      this.#reporting = undefined
      if (this.#placements.length > 0) this.#report()
    })
  }

  /** Never rejects. */
  async #tell(): Promise<void> {
    const { brokerId, metadata, logs, logger } = this.#options
    // Those of one turn share a commit.
    await Promise.resolve()
    const placements = this.#placements.splice(0)
    try {
      await updateMetadata(metadata, (image) => {
        const plan = new Plan(image)
        const known = image.brokers.get(brokerId)
        const [directories, isCordoned] = [logs.onlineIds, logs.areCordoned]
        if (
          known !== undefined &&
          (known.directories?.join() !== directories.join() || (known.isCordoned ?? false) !== isCordoned)
        )
          plan.add([{ type: 'setBrokerDirectories', brokerId, directories, isCordoned }])
        plan.add(planPlacements(plan.image, brokerId, placements))
        plan.add(planLeaders(plan.image, brokerId))
        return { changes: plan.changes, result: undefined }
      })
    } catch (err) {
      logger.error('the metadata does not know where replicas are', { placements: placements.length, err })
    }
  }

  #found(image: MetadataImage): Placement[] {
    const placements: Placement[] = []
    for (const { name, id, partitions } of image.topics.values()) {
      for (const { partition } of partitions) {
        const directory = this.#options.logs.directoryOf(name, partition)
        if (directory !== undefined)
          placements.push({ topic: name, topicId: id, partition, directoryId: directory.id })
      }
    }
    return placements
  }
}

/** Changes that rest on each other. */
class Plan {
  readonly changes: MetadataChange[] = []
  image: MetadataImage

  constructor(image: MetadataImage) {
    this.image = image
  }

  add(changes: readonly MetadataChange[]): void {
    if (changes.length === 0) return
    this.image = applyChanges(this.image, changes, this.image.version + 1)
    this.changes.push(...changes)
  }
}

function ledBefore(
  image: MetadataImage,
  brokerId: number,
  elected: readonly MetadataChange[],
): MetadataChange[] {
  const isNew = new Set(
    elected.map((change) =>
      change.type === 'changePartition' ? `${change.topic}-${change.partition.partition}` : '',
    ),
  )
  const changes: MetadataChange[] = []
  for (const topic of image.topics.values()) {
    for (const partition of topic.partitions) {
      if (partition.leader !== brokerId || isNew.has(`${topic.name}-${partition.partition}`)) continue
      changes.push({ type: 'changePartition', topic: topic.name, partition: withLeader(partition, brokerId) })
    }
  }
  return changes
}
