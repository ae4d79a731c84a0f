/** The command line: reads the configuration, runs a broker in the foreground, stops it on SIGTERM and SIGINT. */
import { readFileSync } from 'node:fs'
import { flushCompileCache } from 'node:module'
import { hostname } from 'node:os'
import { initialLogLevel } from './apis/broker-loggers.ts'
import { systemClock } from './base/clock.ts'
import { LogLevels, ROOT_LOGGER } from './base/log-levels.ts'
import type { Logger } from './base/logger.ts'
import { giveLargeBuffersBack } from './base/malloc.ts'
import { pinoLogger } from './base/pino-logger.ts'
import { systemRandom } from './base/random.ts'
import { Broker } from './broker.ts'
import { type CommandLine, parseCommandLine, UsageError, usage } from './config/cli.ts'
import { type BrokerConfig, ConfigError, loadConfig } from './config/load.ts'
import { WorkerRunner } from './logstore/compaction/worker-runner.ts'
import { NodeFileSystem } from './logstore/node-fs.ts'
import { packageVersion } from './package-version.ts'
import { StartError } from './start-error.ts'

/** Runs until the broker is stopped; the exit code of the process. `startedMs` is when the process began, by the clock. */
export async function main(args: readonly string[], startedMs: number): Promise<number> {
  let command: CommandLine
  try {
    command = parseCommandLine(args)
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    process.stderr.write(`sluice: ${error.message}\n\n${usage}`)
    return 2
  }
  switch (command.command) {
    case 'help':
      process.stdout.write(usage)
      return 0
    case 'version':
      process.stdout.write(`${packageVersion()}\n`)
      return 0
    case 'start':
      return start(command, startedMs)
    default:
      return command satisfies never
  }
}

async function start(command: CommandLine & { command: 'start' }, startedMs: number): Promise<number> {
  let config: BrokerConfig
  try {
    config = loadConfig({
      ...(command.file !== undefined && {
        file: { name: command.file, text: readConfiguration(command.file) },
      }),
      env: process.env,
      overrides: command.overrides,
      hostName: hostname(),
    })
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    for (const problem of error.problems) process.stderr.write(`sluice: ${problem}\n`)
    return 1
  }
  const logger = pinoLogger({ format: config.settings.sluiceLogFormat })
  const stop = stopSignal(new LogLevels(logger, initialLogLevel(config), []).logger(ROOT_LOGGER))
  let broker: Broker
  try {
    broker = await Broker.start({
      config,
      fs: new NodeFileSystem(),
      clock: systemClock,
      random: systemRandom,
      logger,
      startedMs,
      version: packageVersion(),
      createCleaningRunner: () => new WorkerRunner(systemClock),
    })
  } catch (error) {
    if (!(error instanceof StartError)) throw error
    process.stderr.write(`sluice: ${error.message}\n`)
    return 1
  }
  // Otherwise what was compiled is kept when the process ends, which one that is killed does not get to.
  flushCompileCache()
  giveLargeBuffersBack()
  // Kafka halts then. What watches over the process starts it again, or takes it elsewhere.
  const failure = await Promise.race([stop, broker.failed])
  await broker.close()
  return failure === undefined ? 0 : 1
}

function readConfiguration(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new ConfigError([`cannot read the configuration file ${path}: ${reason}`])
  }
}

/** Resolves at the first SIGTERM or SIGINT; a second one ends the process at once. */
function stopSignal(logger: Logger): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  let stopping = false
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (stopping) process.exit(130)
      stopping = true
      logger.info('stopping', { signal })
      resolve()
    })
  }
  return promise
}

// `npm run dev` runs this file itself; the launcher imports it.
if (import.meta.main) process.exit(await main(process.argv.slice(2), performance.timeOrigin))
