/** The public API of the package: a broker inside a test or an app. */
import { systemClock } from './base/clock.ts'
import { type Logger, silentLogger } from './base/logger.ts'
import { systemRandom } from './base/random.ts'
import { Broker } from './broker.ts'
import { ConfigError, loadConfig } from './config/load.ts'
import { WorkerRunner } from './logstore/compaction/worker-runner.ts'
import { MemoryFileSystem } from './logstore/memory-fs.ts'
import { NodeFileSystem } from './logstore/node-fs.ts'
import { packageVersion } from './package-version.ts'
import { StartError } from './start-error.ts'

export type { Logger }
export { ConfigError, StartError }

export interface StartBrokerOptions {
  /** Port on 127.0.0.1; 0, the default, for one that is free. */
  readonly port?: number
  /** Where the data is: in memory (the default), or in a directory, which is made where it is missing. */
  readonly storage?: 'memory' | { readonly dir: string }
  /** Kafka's configuration keys, `{ 'num.partitions': 3 }`. They go over `port` and `storage`. */
  readonly config?: Readonly<Record<string, string | number | boolean>>
  /** Silent unless given. Gets what `sluice.log.level` and the levels of broker loggers let through. */
  readonly logger?: Logger
}

export interface RunningBroker {
  /** What clients connect to: the first listener, as `host:port`. */
  readonly bootstrapServers: string
  readonly host: string
  readonly port: number
  readonly clusterId: string
  /** Stops it cleanly; leaves no timer, socket or file behind. Idempotent. */
  close(): Promise<void>
}

/** Starts a broker in this process. Rejects with ConfigError or StartError. */
export async function startBroker(options: StartBrokerOptions = {}): Promise<RunningBroker> {
  const startedMs = systemClock.now()
  const { port = 0, storage = 'memory' } = options
  const config = loadConfig({
    overrides: {
      listeners: `PLAINTEXT://127.0.0.1:${port}`,
      'log.dirs': storage === 'memory' ? '/data' : storage.dir,
      ...Object.fromEntries(Object.entries(options.config ?? {}).map(([key, value]) => [key, String(value)])),
    },
  })
  const broker = await Broker.start({
    config,
    fs: storage === 'memory' ? new MemoryFileSystem() : new NodeFileSystem(),
    clock: systemClock,
    random: systemRandom,
    logger: options.logger ?? silentLogger,
    startedMs,
    version: packageVersion(),
    ...(storage !== 'memory' && { createCleaningRunner: () => new WorkerRunner(systemClock) }),
  })
  const { host, port: boundPort } = broker.listeners[0]!
  return {
    bootstrapServers: `${host.includes(':') ? `[${host}]` : host}:${boundPort}`,
    host,
    port: boundPort,
    clusterId: broker.clusterId,
    close: () => broker.close(),
  }
}
