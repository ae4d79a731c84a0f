/**
 * Follows docker/Dockerfile without a container engine: each stage is a directory, each COPY and RUN is done in it, and
 * the result is started with the image's environment as a user that is not root (when this runs as root), asked for its
 * health by the image's own probe, and stopped by its stop signal. Needs the npm registry.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import {
  environmentOf,
  type Instruction,
  parseCommand,
  parseCopy,
  parseStages,
  textsOf,
} from './dockerfile.ts'

const UID = 1000
const START_TIMEOUT_MS = 10_000
const root = fileURLToPath(new URL('..', import.meta.url))
const asRoot = process.getuid?.() === 0

/** Paths of the image that its instructions name, each put under the directory of its stage. */
function within(stage: string, text: string): string {
  return text.replace(/(^|[\s=:'"])\/(?=(?:opt|var\/lib|build)\/?)/g, `$1${stage}/`)
}

function follow(stage: readonly Instruction[], directory: string, stages: ReadonlyMap<string, string>): void {
  let workdir = directory
  let user = 'root'
  for (const { name, text } of stage) {
    switch (name) {
      case 'WORKDIR':
        workdir = within(directory, text)
        mkdirSync(workdir, { recursive: true })
        break
      case 'COPY': {
        const { from, sources, target } = parseCopy(text)
        const base = from === undefined ? root : stages.get(from)!
        for (const source of sources) {
          const path = join(base, source)
          const to =
            sources.length > 1 || target.endsWith('/') ? join(workdir, target, source) : join(workdir, target)
          cpSync(path, to, { recursive: true, dereference: false })
        }
        break
      }
      case 'RUN':
        run(within(directory, text.replaceAll('node:node', `${UID}:${UID}`)), workdir, directory, stage, user)
        break
      case 'USER':
        user = text
        break
    }
  }
}

function run(
  command: string,
  cwd: string,
  directory: string,
  stage: readonly Instruction[],
  user: string,
): void {
  const options = {
    cwd,
    env: { ...process.env, ...environment(directory, stage) },
    stdio: 'inherit' as const,
    ...identity(user),
  }
  const script = asRoot ? command : command.replace(/ && chown .*/, '')
  const { status } = spawnSync('sh', ['-c', script], options)
  if (status !== 0) throw new Error(`RUN ${command}: exit ${status}`)
}

function identity(user: string): { uid?: number; gid?: number } {
  return asRoot && user !== 'root' ? { uid: UID, gid: UID } : {}
}

function environment(directory: string, stage: readonly Instruction[]): Record<string, string> {
  const own = Object.entries(environmentOf(stage)).map(([name, value]) => [name, within(directory, value)])
  const { PATH = '', HOME = '' } = process.env
  return { PATH: `${dirname(process.execPath)}:${PATH}`, HOME, ...Object.fromEntries(own) }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0)
  await new Promise((resolve) => server.once('listening', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}

async function main(): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'sluice-image-'))
  chmodSync(directory, 0o755)
  try {
    const stages = new Map<string, string>()
    const parsed = parseStages(readFileSync(join(root, 'docker/Dockerfile'), 'utf8'))
    for (const [at, stage] of parsed.entries()) {
      const path = join(directory, `stage-${at}`)
      mkdirSync(path)
      follow(stage, path, stages)
      const name = / AS (\S+)$/.exec(stage[0]!.text)?.[1]
      if (name !== undefined) stages.set(name, path)
    }
    const image = parsed.at(-1)!
    const path = join(directory, `stage-${parsed.length - 1}`)
    for (const left of ['node_modules/typescript', 'node_modules/vitest', 'src', 'node_modules/node'])
      if (existsSync(join(path, 'opt/sluice', left))) throw new Error(`${left} is left in the image`)
    await startAndStop(image, path)
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

async function startAndStop(image: readonly Instruction[], path: string): Promise<void> {
  const [port, httpPort] = [await freePort(), await freePort()]
  const withPorts = (text: string) => text.replaceAll('9092', `${port}`).replaceAll('9644', `${httpPort}`)
  const env = Object.fromEntries(
    Object.entries(environment(path, image)).map(([name, value]) => [
      name,
      name.startsWith('KAFKA_') ? withPorts(value) : value,
    ]),
  )
  const user = identity(textsOf(image, 'USER').at(-1)!)
  if (user.uid !== undefined) chownSync(join(path, 'var/lib/kafka/data'), UID, UID)
  const command = [
    ...parseCommand(textsOf(image, 'ENTRYPOINT')[0]!),
    ...parseCommand(textsOf(image, 'CMD')[0]!),
  ]
  const [program, ...args] = command.map((word) => within(path, word)) as [string, ...string[]]
  const broker = spawn(program, args, { cwd: join(path, 'opt/sluice'), env, stdio: 'inherit', ...user })
  try {
    await untilHealthy(broker, parseCommand(withPorts(textsOf(image, 'HEALTHCHECK')[0]!)), env)
    const exited = new Promise<number | null>((resolve) => broker.once('exit', resolve))
    broker.kill('SIGTERM')
    const code = await exited
    if (code !== 0) throw new Error(`the broker ended with ${code} after its stop signal`)
  } finally {
    broker.kill('SIGKILL')
  }
  console.log('the image builds, starts as its user, is healthy and stops')
}

async function untilHealthy(broker: ChildProcess, probe: readonly string[], env: Record<string, string>) {
  for (let waited = 0; waited < START_TIMEOUT_MS; waited += 200) {
    if (broker.exitCode !== null) throw new Error(`the broker ended with ${broker.exitCode}`)
    if (spawnSync(probe[0]!, probe.slice(1), { env }).status === 0) return
    await delay(200)
  }
  throw new Error(`not healthy after ${START_TIMEOUT_MS} ms`)
}

await main()
