/**
 * The metadata store of brokers in one process: the image in memory, every commit on disk before anybody sees it.
 * Commits that arrive while the disk is busy share the next write and sync.
 *
 * A broker's lease lasts until its session or the store is closed. After a restart nobody holds one: registrations are
 * there, fenced.
 */
import type { Clock } from '../../base/clock.ts'
import { type Deferred, deferred } from '../../base/deferred.ts'
import type { Logger } from '../../base/logger.ts'
import { type Random, randomUuid } from '../../base/random.ts'
import type { FileSystem } from '../../logstore/file-system.ts'
import { ErrorCode, KafkaError } from '../../wire/error-codes.ts'
import { applyChanges, type MetadataChange } from './changes.ts'
import { MetadataStoreError } from './commit-codec.ts'
import type { BrokerRegistration, MetadataImage } from './image.ts'
import { METADATA_DIRECTORY, MetadataLog, UnusableLogError } from './metadata-log.ts'
import {
  type BrokerSession,
  type BrokerToRegister,
  type CommitResult,
  type Expectation,
  holds,
  type MetadataListener,
  type MetadataStore,
  updateMetadata,
} from './store.ts'

export interface EmbeddedStoreOptions {
  readonly fs: FileSystem
  /** A log directory that this process has locked; the metadata gets a directory inside. */
  readonly directory: string
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  /** Given to a new cluster, a random one unless set; an existing cluster of another id is refused. */
  readonly clusterId?: string
  /** A snapshot is taken when the log has outgrown both this and the last snapshot. 1 MiB unless set. */
  readonly minSnapshotIntervalBytes?: number
  /** The last process stopped cleanly, so that no commit can be there in part. */
  readonly hadCleanShutdown?: boolean
  /** There was a cluster before: metadata without a commit has been lost. */
  readonly isFormed?: boolean
  /** The disk failed in a way after which no commit can be trusted. Once. */
  readonly onBroken?: (error: MetadataStoreError) => void
}

const DEFAULT_MIN_SNAPSHOT_INTERVAL_BYTES = 1024 * 1024

export class EmbeddedStore implements MetadataStore {
  readonly #log: MetadataLog
  readonly #logger: Logger
  readonly #minSnapshotIntervalBytes: number
  readonly #onBroken: ((error: MetadataStoreError) => void) | undefined
  readonly #listeners = new Set<MetadataListener>()
  readonly #sessions = new Map<number, EmbeddedSession | undefined>()
  #image: MetadataImage
  #queue: PendingCommit[] = []
  #draining: Promise<void> | undefined
  #snapshotting: Promise<void> | undefined
  /** Bytes of log that a failed snapshot has to wait for before it is tried again. */
  #retrySnapshotAt = 0
  #closed = false
  /** Set once the disk and the memory may differ; only a restart helps. */
  #broken: MetadataStoreError | undefined

  private constructor(options: EmbeddedStoreOptions, log: MetadataLog, image: MetadataImage) {
    this.#log = log
    this.#image = image
    this.#logger = options.logger
    this.#onBroken = options.onBroken
    this.#minSnapshotIntervalBytes = options.minSnapshotIntervalBytes ?? DEFAULT_MIN_SNAPSHOT_INTERVAL_BYTES
  }

  /** Rejects with MetadataStoreError where the metadata is damaged, newer, or of another cluster. */
  static async open(options: EmbeddedStoreOptions): Promise<EmbeddedStore> {
    const directory = `${options.directory}/${METADATA_DIRECTORY}`
    const { fs, clock, logger, hadCleanShutdown = false } = options
    const { log, image, bytesCut } = MetadataLog.open({ fs, directory, clock, hadCleanShutdown })
    if (bytesCut > 0) logger.warn('cut a commit off the metadata that was not whole', { directory, bytesCut })
    const store = new EmbeddedStore(options, log, withAllFenced(image))
    try {
      await store.#formCluster(directory, options)
    } catch (error) {
      await store.close()
      throw error
    }
    return store
  }

  image(): MetadataImage {
    return this.#image
  }

  commit(expectation: Expectation, changes: readonly MetadataChange[]): Promise<CommitResult> {
    if (this.#closed) return Promise.reject(new MetadataStoreError('the metadata store is closed'))
    const outcome = deferred<CommitResult>()
    this.#queue.push({ expectation, changes, outcome })
    this.#draining ??= this.#drain()
    return outcome.promise
  }

  async register(broker: BrokerToRegister): Promise<BrokerSession> {
    if (this.#sessions.has(broker.id)) {
      throw new KafkaError(
        ErrorCode.DUPLICATE_BROKER_REGISTRATION,
        `broker ${broker.id} is registered and its lease has not ended`,
      )
    }
    // Taken before anything is awaited, so that of two at once one is refused.
    this.#sessions.set(broker.id, undefined)
    try {
      const epoch = await updateMetadata(this, (image) => {
        const registration: BrokerRegistration = { ...broker, epoch: image.version + 1, fenced: false }
        return {
          changes: [{ type: 'registerBroker', broker: registration }],
          result: registration.epoch,
        }
      })
      const session = new EmbeddedSession(broker.id, epoch, () => this.#endSession(broker.id, epoch))
      this.#sessions.set(broker.id, session)
      return session
    } catch (error) {
      this.#sessions.delete(broker.id)
      throw error
    }
  }

  subscribe(listener: MetadataListener): () => void {
    const own: MetadataListener = (...args) => listener(...args)
    this.#listeners.add(own)
    return () => {
      this.#listeners.delete(own)
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.#draining
    await this.#snapshotting
    for (const session of this.#sessions.values()) session?.lose()
    this.#sessions.clear()
    this.#log.close()
  }

  async #formCluster(directory: string, options: EmbeddedStoreOptions): Promise<void> {
    await updateMetadata(this, (image) => {
      if (image.clusterId === '') {
        if (options.isFormed === true) {
          throw new MetadataStoreError(
            `${directory}: holds no commit, although meta.properties beside it names the cluster; restore it from a backup, or remove the directory to begin without topics`,
          )
        }
        const clusterId = options.clusterId ?? randomUuid(options.random)
        return { changes: [{ type: 'formCluster', clusterId }], result: undefined }
      }
      if (options.clusterId !== undefined && options.clusterId !== image.clusterId) {
        throw new MetadataStoreError(
          `${directory}: belongs to cluster ${image.clusterId}, not to ${options.clusterId}, which meta.properties beside it names; restore the one that is not right`,
        )
      }
      return { changes: [], result: undefined }
    })
  }

  async #endSession(brokerId: number, epoch: number): Promise<void> {
    this.#sessions.delete(brokerId)
    if (this.#closed || this.#broken !== undefined) return
    await updateMetadata(this, (image) => {
      const isCurrent = image.brokers.get(brokerId)?.epoch === epoch
      return { changes: isCurrent ? [{ type: 'fenceBroker', brokerId }] : [], result: undefined }
    })
  }

  async #drain(): Promise<void> {
    // So that the commits of one turn share a write too.
    await Promise.resolve()
    while (this.#queue.length > 0) {
      await this.#commitTogether(this.#queue.splice(0))
      this.#snapshotIfDue()
    }
    this.#draining = undefined
  }

  /** Never rejects: whatever happens is the outcome of each commit. */
  async #commitTogether(group: readonly PendingCommit[]): Promise<void> {
    const staged: StagedCommit[] = []
    const lost: PendingCommit[] = []
    let image = this.#image
    for (const pending of group) {
      if (!holds(pending.expectation, image)) {
        lost.push(pending)
        continue
      }
      try {
        // Without changes nothing is written, but the answer still waits for those it was checked against.
        if (pending.changes.length > 0) image = applyChanges(image, pending.changes, image.version + 1)
        staged.push({ ...pending, image })
      } catch (error) {
        pending.outcome.reject(error)
      }
    }
    try {
      await this.#write(staged.filter((each) => each.changes.length > 0))
    } catch (error) {
      for (const { outcome } of [...staged, ...lost]) outcome.reject(error)
      return
    }
    for (const each of staged) {
      if (each.changes.length > 0) this.#publish(each.image, each.changes)
      each.outcome.resolve({ ok: true, image: each.image })
    }
    for (const { outcome } of lost) outcome.resolve({ ok: false, image: this.#image })
  }

  async #write(commits: readonly StagedCommit[]): Promise<void> {
    if (this.#broken !== undefined) throw this.#broken
    if (commits.length === 0) return
    try {
      this.#log.append(commits.map(({ image, changes }) => ({ version: image.version, changes })))
    } catch (cause) {
      const error = new MetadataStoreError(`the metadata could not be written: ${messageOf(cause)}`, {
        cause,
      })
      if (cause instanceof UnusableLogError) this.#break(error)
      throw error
    }
    try {
      await this.#log.sync()
    } catch (cause) {
      // After a failed sync the kernel may have dropped the bytes, and another sync would claim that all is well.
      throw this.#break(
        new MetadataStoreError(`the metadata could not be synced: ${messageOf(cause)}`, { cause }),
      )
    }
  }

  #break(error: MetadataStoreError): MetadataStoreError {
    this.#broken = error
    this.#logger.error('metadata store refuses commits until restarted', { err: error })
    this.#onBroken?.(error)
    return error
  }

  #publish(image: MetadataImage, changes: readonly MetadataChange[]): void {
    const previous = this.#image
    this.#image = image
    for (const listener of [...this.#listeners]) {
      // One that was taken away by a listener before it is not called any more.
      if (!this.#listeners.has(listener)) continue
      try {
        listener(image, changes, previous)
      } catch (error) {
        this.#logger.error('metadata listener failed', { err: error, version: image.version })
      }
    }
  }

  #snapshotIfDue(): void {
    if (this.#snapshotting !== undefined || this.#broken !== undefined) return
    const size = this.#log.bytesSinceSnapshot
    if (size <= Math.max(this.#minSnapshotIntervalBytes, this.#log.snapshotBytes, this.#retrySnapshotAt))
      return
    this.#snapshotting = this.#snapshot(this.#image).finally(() => {
      this.#snapshotting = undefined
    })
  }

  /** Never rejects: without a snapshot the log is longer, and nothing else. */
  async #snapshot(image: MetadataImage): Promise<void> {
    try {
      this.#log.roll()
      await this.#log.writeSnapshot(image)
      this.#retrySnapshotAt = 0
    } catch (error) {
      this.#retrySnapshotAt = 2 * Math.max(this.#log.bytesSinceSnapshot, this.#minSnapshotIntervalBytes)
      this.#logger.warn('metadata snapshot failed', { err: error, version: image.version })
    }
  }
}

interface PendingCommit {
  readonly expectation: Expectation
  readonly changes: readonly MetadataChange[]
  readonly outcome: Deferred<CommitResult>
}

/** A commit that won; `image` is the one that it makes. */
interface StagedCommit extends PendingCommit {
  readonly image: MetadataImage
}

class EmbeddedSession implements BrokerSession {
  readonly brokerId: number
  readonly epoch: number
  readonly #lost = deferred<void>()
  readonly #end: () => Promise<void>
  #held = true
  #closing: Promise<void> | undefined

  constructor(brokerId: number, epoch: number, end: () => Promise<void>) {
    this.brokerId = brokerId
    this.epoch = epoch
    this.#end = end
  }

  get lost(): Promise<void> {
    return this.#lost.promise
  }

  held(): boolean {
    return this.#held
  }

  lose(): void {
    this.#held = false
    this.#lost.resolve()
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    const wasHeld = this.#held
    this.lose()
    if (wasHeld) await this.#end()
  }
}

/** Whoever held the leases is gone with its process. Not a commit: a fact about every start. */
function withAllFenced(image: MetadataImage): MetadataImage {
  const changes: MetadataChange[] = []
  for (const broker of image.brokers.values()) {
    if (!broker.fenced) changes.push({ type: 'fenceBroker', brokerId: broker.id })
  }
  return changes.length === 0 ? image : applyChanges(image, changes, image.version)
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause)
}
