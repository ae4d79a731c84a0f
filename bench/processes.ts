/** Brokers as processes, and what the kernel says of them. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { kafkaCommand } from './kafka.ts'

export const root = join(dirname(fileURLToPath(import.meta.url)), '..')

export type BrokerKind = 'sluice' | 'kafka'

export interface BrokerProcess {
  readonly kind: BrokerKind
  readonly pid: number
  readonly port: number
  /** By the clock of this process, just before the broker was spawned. */
  readonly spawnedMs: number
  /** Ends it with the signal and waits until it is gone. */
  stop(signal: 'SIGTERM' | 'SIGKILL'): Promise<void>
}

const ticksPerSecond = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }))

export interface SpawnOptions {
  /** Arguments for Node, before the program; Sluice only. */
  readonly nodeArguments?: readonly string[]
}

const running = new Set<ChildProcess>()
// Whatever ends this process, no broker outlives it.
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))

/**
 * Spawns a broker on `port` with its data in `dir`; it may not answer yet. Both run with their defaults and as
 * their own scripts start them: Sluice as `npm start` does, Kafka formatted beforehand.
 */
export async function spawnBroker(
  kind: BrokerKind,
  port: number,
  dir: string,
  options: SpawnOptions = {},
): Promise<BrokerProcess> {
  const [command, ...args] =
    kind === 'sluice'
      ? sluiceCommand(port, dir, options.nodeArguments ?? [])
      : await kafkaCommand(port, await freePort(), dir)
  const spawnedMs = performance.now()
  const child = spawn(command!, args, { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] })
  if (child.pid === undefined) throw new Error(`${command} cannot be run`)
  running.add(child)
  child.once('exit', () => running.delete(child))
  return { kind, pid: child.pid, port, spawnedMs, stop: (signal) => stop(child, signal) }
}

function sluiceCommand(port: number, dir: string, nodeArguments: readonly string[]): string[] {
  const overrides = [`listeners=PLAINTEXT://127.0.0.1:${port}`, `log.dirs=${dir}`]
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const [, ...program] = (scripts.start as string).split(' ')
  const node = join(root, 'node_modules/node/bin/node')
  return [node, ...nodeArguments, ...program, ...overrides.flatMap((pair) => ['--override', pair])]
}

function stop(child: ChildProcess, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve()
  return new Promise((resolve) => {
    child.once('exit', () => resolve())
    child.kill(signal)
  })
}

/** A port that nobody listens on just now. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => {
        if (address !== null && typeof address === 'object') resolve(address.port)
        else reject(new Error('no port'))
      })
    })
  })
}

/** Tries every millisecond until somebody accepts; rejects after `timeoutMs`. */
export async function untilAccepting(port: number, timeoutMs: number): Promise<void> {
  const deadlineMs = performance.now() + timeoutMs
  while (!(await accepts(port))) {
    if (performance.now() > deadlineMs) throw new Error(`nobody listens on port ${port}`)
    await pause(1)
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    const end = (accepted: boolean) => {
      socket.destroy()
      resolve(accepted)
    }
    socket.once('connect', () => end(true))
    socket.once('error', () => end(false))
  })
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

/** User and system time of the process and its threads so far. */
export function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond
}

/** Resident memory now and at its highest since the process began. */
export function residentBytes(pid: number): { readonly now: number; readonly peak: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const kilobytes = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1])
  return { now: kilobytes('VmRSS') * 1024, peak: kilobytes('VmHWM') * 1024 }
}

/** Of files, sockets and whatever else the process has a descriptor of. */
export function openFiles(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length
}
