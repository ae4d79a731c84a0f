import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const program = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
/** Stripped and compiled sources are kept between starts, which are many here. */
const env = {
  ...process.env,
  NODE_COMPILE_CACHE: fileURLToPath(new URL('../../node_modules/.cache/compat-tests', import.meta.url)),
}

export interface BrokerProcessOptions {
  readonly dir: string
  /** 0 or none for a free one. */
  readonly port?: number
  readonly config?: Readonly<Record<string, string | number | boolean>>
  /** The command, with its arguments, that runs the program. */
  readonly within?: readonly string[]
  /** A module that its process loads first. */
  readonly preload?: string
}

/** A line of the broker's log. */
export interface LogLine {
  readonly msg: string
  readonly [field: string]: unknown
}

export interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** A broker as a process of its own, run from the sources, so that it can be killed. */
export class BrokerProcess {
  readonly #child: ChildProcess
  readonly #started = Promise.withResolvers<void>()
  readonly exited: Promise<Exit>
  readonly log: LogLine[] = []
  /** What it advertises. */
  port = 0
  /** What it is bound to. */
  boundPort = 0
  stdout = ''
  stderr = ''

  private constructor(args: readonly string[], { within = [], preload }: Partial<BrokerProcessOptions> = {}) {
    const imported = preload === undefined ? [] : ['--import', preload]
    const [command, ...commandArgs] = [...within, process.execPath, ...imported, program, ...args]
    this.#child = spawn(command!, commandArgs, {
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    // The loser of a start that fails is only looked at by who waits for it.
    this.#started.promise.catch(() => {})
    let rest = ''
    this.#child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text
      const lines = (rest + text).split('\n')
      rest = lines.pop()!
      for (const line of lines) this.#read(line)
    })
    this.#child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text
    })
    const { promise, resolve } = Promise.withResolvers<Exit>()
    this.exited = promise
    this.#child.once('close', (code, signal) => {
      this.#started.reject(new Error(`the broker ended with ${code ?? signal}: ${this.stderr}${this.stdout}`))
      resolve({ code, signal })
    })
  }

  /** Resolves when it says that it has started. Rejects with its output when it ends before that. */
  static async start(options: BrokerProcessOptions): Promise<BrokerProcess> {
    const broker = BrokerProcess.spawn(options)
    await broker.#started.promise
    return broker
  }

  /** Without waiting until it has started. */
  static spawn(options: BrokerProcessOptions): BrokerProcess {
    const overrides = {
      listeners: `PLAINTEXT://127.0.0.1:${options.port ?? 0}`,
      'log.dirs': options.dir,
      'sluice.log.format': 'json',
      ...options.config,
    }
    const args = Object.entries(overrides).flatMap(([key, value]) => ['--override', `${key}=${value}`])
    return new BrokerProcess(['start', ...args], options)
  }

  /** The program with these arguments, without waiting for a start. */
  static run(args: readonly string[]): BrokerProcess {
    return new BrokerProcess(args)
  }

  get pid(): number {
    return this.#child.pid!
  }

  get bootstrapServers(): string {
    return `127.0.0.1:${this.port}`
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<Exit> {
    this.#child.kill(signal)
    return this.exited
  }

  kill(): Promise<Exit> {
    return this.stop('SIGKILL')
  }

  #read(line: string): void {
    if (!line.startsWith('{')) return
    const entry = JSON.parse(line) as LogLine
    this.log.push(entry)
    if (entry.msg !== 'sluice started') return
    this.port = Number(/:(\d+)$/.exec(String(entry.advertised))![1])
    this.boundPort = Number(/:(\d+)$/.exec(String(entry.listeners))![1])
    this.#started.resolve()
  }
}
