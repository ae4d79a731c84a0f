/** The load generator of `bench/load`: a Go program on franz-go, built when it is first needed. */
import { execFile, spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { type BrokerProcess, root } from './processes.ts'

const sources = join(root, 'bench/load')
const program = join(sources, 'target/load')
const TIMEOUT_MS = 600_000
const run = promisify(execFile)
let built: Promise<unknown> | undefined

/** What the timed part of a command took; `cpuSeconds` are those of the broker's process. */
export interface Timed {
  readonly records: number
  readonly bytes: number
  readonly seconds: number
  readonly recordsPerSecond: number
  readonly megabytesPerSecond: number
  readonly cpuSeconds: number
}

/** In milliseconds. */
export interface Percentiles {
  readonly p50: number
  readonly p99: number
  readonly p999: number
  readonly max: number
}

export type Options = Readonly<Record<string, string | number | boolean>>

/** Runs a command of the generator against the broker; what it prints. `bench/load/main.go` has the list. */
export async function load<T = Timed>(broker: BrokerProcess, command: string, options: Options): Promise<T> {
  return JSON.parse(await loadProgram([command, ...brokerFlags(broker), ...flags(options)])) as T
}

/** Runs a command that asks no broker. */
export async function loadOffline<T>(command: string, options: Options): Promise<T> {
  return JSON.parse(await loadProgram([command, ...flags(options)])) as T
}

/** Runs `action` while `count` connections are open. */
export async function withConnections<T>(
  broker: BrokerProcess,
  count: number,
  action: () => Promise<T>,
): Promise<T> {
  await builtProgram()
  const args = ['connections', ...brokerFlags(broker), ...flags({ count })]
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] })
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  try {
    const lines = createInterface(child.stdout)
    const isReady = await new Promise<boolean>((resolve) => {
      lines.once('line', () => resolve(true))
      lines.once('close', () => resolve(false))
    })
    if (!isReady) throw new Error(`${count} connections could not be opened`)
    return await action()
  } finally {
    child.stdin.end()
    await ended
  }
}

async function loadProgram(args: readonly string[]): Promise<string> {
  await builtProgram()
  const { stdout } = await run(program, args, { timeout: TIMEOUT_MS })
  return stdout
}

function builtProgram(): Promise<unknown> {
  built ??= run('go', ['build', '-o', program, '.'], { cwd: sources, timeout: TIMEOUT_MS })
  return built
}

function brokerFlags(broker: BrokerProcess): string[] {
  return flags({ port: broker.port, pid: broker.pid })
}

function flags(options: Options): string[] {
  return Object.entries(options).map(([name, value]) => `-${name}=${value}`)
}
