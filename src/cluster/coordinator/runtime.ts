/**
 * Runs the machines of one coordinator: one for each partition of its internal topic that this broker leads. Kafka's
 * `CoordinatorRuntime`. The replica side says who leads; a machine is rebuilt from the log each time.
 */
import type { Clock } from '../../base/clock.ts'
import type { Logger } from '../../base/logger.ts'
import { ErrorCode } from '../../wire/error-codes.ts'
import type { TransactionMarker } from '../transaction-marker.ts'
import type { CoordinatorMachine, CoordinatorSerde } from './contract.ts'
import type { CoordinatorLog } from './coordinator-log.ts'
import { CoordinatorShard } from './coordinator-shard.ts'
import { replay } from './replay.ts'

export interface CoordinatorRuntimeOptions<
  Command,
  Reply,
  CoordinatorRecord,
  Machine extends CoordinatorMachine<Command, Reply, CoordinatorRecord, Task>,
  Task = never,
> {
  /** The internal topic, for the logs. */
  readonly topic: string
  readonly createMachine: (partition: number) => Machine
  readonly serde: CoordinatorSerde<CoordinatorRecord>
  /** As the machines' own, for partitions without one. */
  readonly refusal: (command: Command, errorCode: number) => Reply
  readonly clock: Clock
  readonly logger: Logger
  /** `offsets.commit.timeout.ms` and its like; 5 s unless set. */
  readonly writeTimeoutMs?: number
  /** Below `max.message.bytes` of the internal topic; 1,000,000 unless set. */
  readonly maxBatchBytes?: number
  /**
   * Begins what a machine wants done elsewhere; must not throw. `leaderEpoch` is that of the partition of the internal
   * topic. The result is handed to `execute`.
   */
  readonly perform?: (task: Task, partition: number, leaderEpoch: number) => void
}

const DEFAULT_WRITE_TIMEOUT_MS = 5000
const DEFAULT_MAX_BATCH_BYTES = 1_000_000

/**
 * - loading: commands get COORDINATOR_LOAD_IN_PROGRESS.
 * - active: commands are served.
 * - failed: the log could not be read; commands get NOT_COORDINATOR, as where this broker does not lead. A new election
 *   tries again.
 */
type Slot<Machine, Shard> = {
  state: 'loading' | 'active' | 'failed'
  leaderEpoch: number
  readonly machine: Machine
  readonly shard: Shard
  readonly loaded: Promise<void>
}

export class CoordinatorRuntime<
  Command,
  Reply,
  CoordinatorRecord,
  Machine extends CoordinatorMachine<Command, Reply, CoordinatorRecord, Task> = CoordinatorMachine<
    Command,
    Reply,
    CoordinatorRecord
  >,
  Task = never,
> {
  readonly #options: CoordinatorRuntimeOptions<Command, Reply, CoordinatorRecord, Machine, Task>
  readonly #slots = new Map<
    number,
    Slot<Machine, CoordinatorShard<Command, Reply, CoordinatorRecord, Task>>
  >()
  #skippedRecords = 0
  #closed = false

  constructor(options: CoordinatorRuntimeOptions<Command, Reply, CoordinatorRecord, Machine, Task>) {
    this.#options = options
  }

  /** Partitions that are served now. */
  get activePartitions(): number[] {
    return [...this.#slots].flatMap(([partition, slot]) => (slot.state === 'active' ? [partition] : []))
  }

  /** Of the partitions that are served now, for metrics. */
  get machines(): Machine[] {
    return [...this.#slots.values()].flatMap((slot) => (slot.state === 'active' ? [slot.machine] : []))
  }

  /** Records of unknown kinds, or unreadable, that replays have met since the start. */
  get skippedRecords(): number {
    return this.#skippedRecords
  }

  /**
   * This broker leads the partition from now on. Resolves when it is served, or has failed to load or been given up;
   * never rejects. A new epoch of a partition that is served, or being loaded, is noted and no more.
   */
  elected(partition: number, leaderEpoch: number, log: CoordinatorLog): Promise<void> {
    if (this.#closed) return Promise.resolve()
    const current = this.#slots.get(partition)
    if (current !== undefined && current.state !== 'failed') {
      current.leaderEpoch = Math.max(current.leaderEpoch, leaderEpoch)
      return current.loaded
    }
    const { createMachine, serde, clock, logger, writeTimeoutMs, maxBatchBytes, perform } = this.#options
    const machine = createMachine(partition)
    const shard = new CoordinatorShard<Command, Reply, CoordinatorRecord, Task>({
      machine,
      serde,
      log,
      clock,
      logger: logger.child({ topic: this.#options.topic, partition }),
      writeTimeoutMs: writeTimeoutMs ?? DEFAULT_WRITE_TIMEOUT_MS,
      maxBatchBytes: maxBatchBytes ?? DEFAULT_MAX_BATCH_BYTES,
      perform: perform && ((task) => perform(task, partition, slot.leaderEpoch)),
    })
    const { promise: loaded, resolve } = Promise.withResolvers<void>()
    const slot = { state: 'loading' as const, leaderEpoch, machine, shard, loaded }
    this.#slots.set(partition, slot)
    void this.#load(partition, slot, log).finally(resolve)
    return loaded
  }

  /**
   * Another broker leads, or nobody: everyone who waits is answered with NOT_COORDINATOR at once. Without an epoch (the
   * replica is gone) always; with one, unless this broker was elected in a later one meanwhile.
   */
  resigned(partition: number, leaderEpoch?: number): void {
    const slot = this.#slots.get(partition)
    if (slot === undefined || (leaderEpoch !== undefined && leaderEpoch < slot.leaderEpoch)) return
    this.#slots.delete(partition)
    slot.shard.stop()
  }

  /** Always answers: with a refusal where this broker cannot serve the partition. */
  execute(partition: number, command: Command): Promise<Reply> {
    const slot = this.#slots.get(partition)
    if (slot?.state === 'active') return slot.shard.execute(command)
    const errorCode =
      slot?.state === 'loading' ? ErrorCode.COORDINATOR_LOAD_IN_PROGRESS : ErrorCode.NOT_COORDINATOR
    return Promise.resolve(this.#options.refusal(command, errorCode))
  }

  /**
   * A transaction that wrote to this partition has ended: writes its marker, and resolves when that is replicated, with
   * the error code.
   */
  endTransaction(partition: number, marker: TransactionMarker): Promise<number> {
    const slot = this.#slots.get(partition)
    if (slot?.state === 'active') return slot.shard.endTransaction(marker)
    const errorCode =
      slot?.state === 'loading' ? ErrorCode.COORDINATOR_LOAD_IN_PROGRESS : ErrorCode.NOT_COORDINATOR
    return Promise.resolve(errorCode)
  }

  /** The command to each partition that this broker leads, those that are still loading included. */
  executeOnAll(command: Command): Promise<Reply[]> {
    const partitions = [...this.#slots].filter(([, slot]) => slot.state !== 'failed')
    return Promise.all(partitions.map(([partition]) => this.execute(partition, command)))
  }

  /** Resigns everywhere. What is being loaded ends with its next read. */
  async close(): Promise<void> {
    this.#closed = true
    const loading = [...this.#slots.values()].map((slot) => slot.loaded)
    for (const partition of [...this.#slots.keys()]) this.resigned(partition)
    await Promise.all(loading)
  }

  async #load(
    partition: number,
    slot: Slot<Machine, CoordinatorShard<Command, Reply, CoordinatorRecord, Task>>,
    log: CoordinatorLog,
  ): Promise<void> {
    const { topic, serde, clock, logger } = this.#options
    const wanted = (): boolean => this.#slots.get(partition) === slot
    const startedMs = clock.monotonicMs()
    try {
      const { records, skipped } = await replay(log, {
        serde,
        apply: (record, offset, producerId) => slot.shard.applyRecord(record, offset, producerId),
        endTransaction: (producerId, result) => slot.shard.applyEnd(producerId, result),
        wanted,
        logger: logger.child({ topic, partition }),
      })
      if (!wanted()) return
      this.#skippedRecords += skipped
      slot.state = 'active'
      slot.shard.start()
      if (records > 0) {
        const tookMs = Math.round(clock.monotonicMs() - startedMs)
        logger.info('coordinator loaded', { topic, partition, records, skipped, tookMs })
      }
    } catch (error) {
      if (!wanted()) return
      slot.state = 'failed'
      slot.shard.stop()
      logger.error('coordinator not loaded', { err: error, topic, partition })
    }
  }
}
