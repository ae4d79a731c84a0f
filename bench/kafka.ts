/** Apache Kafka as its scripts run it, and its own performance tools; the jars come from Maven through the Java suites. */
import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const java = join(dirname(fileURLToPath(import.meta.url)), '../compat-tests/java')
const classPath = [
  '-cp',
  join(java, 'kafka/target/libs/*'),
  `-Dlog4j2.configurationFile=${join(java, 'kafka/log4j2.properties')}`,
]
/** `KAFKA_HEAP_OPTS` and `KAFKA_JVM_PERFORMANCE_OPTS` of kafka-server-start.sh and kafka-run-class.sh. */
const BROKER_OPTIONS = [
  '-Xmx1G',
  '-Xms1G',
  '-server',
  '-XX:+UseG1GC',
  '-XX:MaxGCPauseMillis=20',
  '-XX:InitiatingHeapOccupancyPercent=35',
  '-XX:+ExplicitGCInvokesConcurrent',
  '-XX:MaxInlineLevel=15',
  '-Djava.awt.headless=true',
]
const TOOL_OPTIONS = ['-Xmx512M']
const TOOL_TIMEOUT_MS = 300_000
const run = promisify(execFile)

/** Lays out Kafka's jars, the first time from Maven. */
export async function fetchKafka(): Promise<void> {
  await run(join(java, 'real-kafka'), ['libs'], { timeout: TOOL_TIMEOUT_MS })
}

/** The command that runs Kafka on data in `dir`, which is formatted when it is new. */
export async function kafkaCommand(port: number, controllerPort: number, dir: string): Promise<string[]> {
  mkdirSync(dir, { recursive: true })
  const config = `${dir}.server.properties`
  // As the config/server.properties that Kafka ships.
  const lines = [
    'process.roles=broker,controller',
    'node.id=1',
    `controller.quorum.bootstrap.servers=127.0.0.1:${controllerPort}`,
    `listeners=PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
    `advertised.listeners=PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
    'controller.listener.names=CONTROLLER',
    'listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT',
    'num.network.threads=3',
    'num.io.threads=8',
    `log.dirs=${dir}`,
    'offsets.topic.replication.factor=1',
    'share.coordinator.state.topic.replication.factor=1',
    'share.coordinator.state.topic.min.isr=1',
    'transaction.state.log.replication.factor=1',
    'transaction.state.log.min.isr=1',
  ]
  writeFileSync(config, `${lines.join('\n')}\n`)
  if (!existsSync(join(dir, 'meta.properties'))) {
    const format = ['format', '--standalone', '-t', '4L6g3nShT-eMCtK--X86sw', '-c', config]
    await run('java', [...classPath, 'kafka.tools.StorageTool', ...format], { timeout: TOOL_TIMEOUT_MS })
  }
  return ['java', ...BROKER_OPTIONS, ...classPath, 'kafka.Kafka', config]
}

export interface JavaLoad {
  readonly topic: string
  readonly records: number
  /** One value a line. */
  readonly payloadFile: string
  /** Of the producer, `name=value`; the others have Kafka's defaults. */
  readonly properties: readonly string[]
}

/** Kafka's ProducerPerformance as fast as it goes: records/s. The first fifth is left out of the result. */
export async function producerPerformance(port: number, load: JavaLoad): Promise<number> {
  const output = await tool('ProducerPerformance', [
    ...['--bootstrap-server', `127.0.0.1:${port}`, '--topic', load.topic],
    ...['--num-records', String(load.records), '--payload-file', load.payloadFile, '--throughput', '-1'],
    ...['--warmup-records', String(Math.ceil(load.records / 5))],
    ...['--command-property', ...load.properties],
  ])
  // The last line is that of the steady state.
  const found = /([\d.]+) records\/sec \(/.exec(output.trim().split('\n').at(-1)!)
  if (found === null) throw new Error(`ProducerPerformance said: ${output}`)
  return Number(found[1])
}

/** Kafka's ConsumerPerformance over a whole topic: MB/s while it fetches. */
export async function consumerPerformance(port: number, topic: string, records: number): Promise<number> {
  const output = await tool('ConsumerPerformance', [
    ...['--bootstrap-server', `127.0.0.1:${port}`, '--topic', topic],
    ...['--num-records', String(records), '--hide-header'],
  ])
  // start, end, MB, MB/s, records, records/s, rebalance ms, fetch ms, fetch MB/s, fetch records/s
  const values = output.trim().split('\n').at(-1)!.split(', ')
  const consumed = Number(values[4])
  if (!(consumed >= records)) throw new Error(`ConsumerPerformance said: ${output}`)
  return Number(values[8]) * 1.048576
}

async function tool(name: string, args: readonly string[]): Promise<string> {
  const command = [...TOOL_OPTIONS, ...classPath, `org.apache.kafka.tools.${name}`, ...args]
  const { stdout } = await run('java', command, { timeout: TOOL_TIMEOUT_MS, maxBuffer: 64 * 1024 * 1024 })
  return stdout
}
