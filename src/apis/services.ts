/** What handlers may reach: the parts of one running broker, built in `broker.ts`. */
import type { Clock } from '../base/clock.ts'
import type { LimitedLog } from '../base/limited-log.ts'
import type { LogLevels } from '../base/log-levels.ts'
import type { Logger } from '../base/logger.ts'
import type { Random } from '../base/random.ts'
import type { Slices } from '../base/slices.ts'
import type { Controller } from '../cluster/controller.ts'
import type { MetadataStore } from '../cluster/metadata/store.ts'
import type { ProducerIds } from '../cluster/producer-ids.ts'
import type { LogMoves } from '../cluster/replicas/log-moves.ts'
import type { PartitionHost } from '../cluster/replicas/partition-host.ts'
import type { TransactionMarker } from '../cluster/transaction-marker.ts'
import type { GroupCoordinator } from '../groups/group-coordinator.ts'
import type { LogDirectories } from '../logstore/log-directories.ts'
import type { ClientQuotas } from '../security/quotas/client-quotas.ts'
import type { ClientTelemetry } from '../telemetry/client-telemetry.ts'
import type { TransactionCoordinator } from '../transactions/transaction-coordinator.ts'
import type { ConfigService } from './config-service.ts'
import type { FetchSessions } from './fetch-sessions.ts'

export interface Services {
  readonly nodeId: number
  readonly clock: Clock
  readonly random: Random
  /** For all work whose length a client decides. */
  readonly slices: Slices
  readonly logger: Logger
  /** For what clients can bring about with every request. */
  readonly limitedLog: LimitedLog
  readonly logLevels: LogLevels
  readonly metadata: MetadataStore
  readonly controller: Controller
  readonly partitions: PartitionHost
  readonly logs: LogDirectories
  readonly moves: LogMoves
  readonly groups: GroupCoordinator
  readonly producerIds: ProducerIds
  readonly transactions: TransactionCoordinator
  /** Ends a transaction in a partition that this broker leads; the error code, when that is replicated. */
  readonly writeMarker: (topic: string, partition: number, marker: TransactionMarker) => Promise<number>
  readonly configs: ConfigService
  readonly fetchSessions: FetchSessions
  readonly quotas: ClientQuotas
  readonly telemetry: ClientTelemetry
  /** The address of a host by its name; undefined where it has none. */
  readonly resolveHost: (host: string) => Promise<string | undefined>
}
