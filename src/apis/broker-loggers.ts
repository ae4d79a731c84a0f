/**
 * The loggers of a broker as a config resource (KIP-412): one per part of it, at the levels of Kafka, for as long as the
 * process runs. Kafka has one per Java class; what is no logger here is refused as it refuses a class that it has not.
 */
import { isLogLevel, LOG_LEVELS, type LogLevel, type LogLevels, ROOT_LOGGER } from '../base/log-levels.ts'
import { type ConfigEntry, ConfigSource } from '../config/describe.ts'
import type { BrokerConfig } from '../config/load.ts'
import { ErrorCode, KafkaError } from '../wire/error-codes.ts'
import { type AlterOperation, ConfigOperation } from './config-resources.ts'

/** By the folder of the source that logs; `sluice.broker` is the start and the stop. */
export const BROKER_LOGGERS = [
  'sluice.apis',
  'sluice.broker',
  'sluice.cluster',
  'sluice.groups',
  'sluice.transactions',
  'sluice.http',
  'sluice.logstore',
  'sluice.net',
] as const

/** What `sluice.log.level` says, in Kafka's words. */
export function initialLogLevel(config: BrokerConfig): LogLevel {
  // Its check allows names of levels only.
  return config.settings.sluiceLogLevel.toUpperCase() as LogLevel
}

export function describeLoggers(levels: LogLevels, names: readonly string[] | null): ConfigEntry[] {
  return levels.names
    .filter((name) => names?.includes(name) ?? true)
    .map((name) => ({
      name,
      value: levels.level(name),
      readOnly: false,
      configSource: ConfigSource.DYNAMIC_BROKER_LOGGER_CONFIG,
      isSensitive: false,
      synonyms: [],
      configType: 0,
      documentation: '',
    }))
}

/** Kafka's `ConfigAdminManager.validateLogLevelConfigs`, then the change: all of the operations or none. */
export function alterLoggers(
  levels: LogLevels,
  operations: readonly AlterOperation[],
  validateOnly: boolean,
): void {
  const changes = operations.map((operation) => [operation.name, wantedLevel(levels, operation)] as const)
  if (validateOnly) return
  for (const [name, level] of changes) levels.set(name, level)
}

/** Undefined for a level that is to be taken away. */
function wantedLevel(levels: LogLevels, { name, operation, value }: AlterOperation): LogLevel | undefined {
  switch (operation) {
    case ConfigOperation.SET:
      ensureLogger(levels, name)
      if (isLogLevel(value)) return value
      throw new KafkaError(
        ErrorCode.INVALID_CONFIG,
        `Cannot set the log level of ${name} to ${value} as it is not a supported log level. Valid log levels are ${LOG_LEVELS.toSorted().join(', ')}`,
      )
    case ConfigOperation.DELETE:
      ensureLogger(levels, name)
      if (name !== ROOT_LOGGER) return undefined
      throw new KafkaError(
        ErrorCode.INVALID_REQUEST,
        `Removing the log level of the ${ROOT_LOGGER} logger is not allowed`,
      )
    default: {
      const verb = operation === ConfigOperation.APPEND ? 'APPEND' : 'SUBTRACT'
      throw new KafkaError(
        ErrorCode.INVALID_REQUEST,
        `${verb} operation is not allowed for the BROKER_LOGGER resource`,
      )
    }
  }
}

function ensureLogger(levels: LogLevels, name: string): void {
  if (!levels.has(name)) throw new KafkaError(ErrorCode.INVALID_CONFIG, `Logger ${name} does not exist!`)
}
