import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { BrokerProcess } from '../support/broker-process.ts'

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
const launcher = fileURLToPath(new URL('../../bin/sluice.js', import.meta.url))

let dir: string
const running: BrokerProcess[] = []
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'sluice-cli-'))
})
afterEach(async () => {
  await Promise.all(running.splice(0).map((broker) => broker.kill()))
  rmSync(dir, { recursive: true })
})

const free = 'listeners=PLAINTEXT://127.0.0.1:0'

/** Runs the program to its end. */
async function run(...args: string[]) {
  const program = BrokerProcess.run(args)
  running.push(program)
  const { code } = await program.exited
  return { code, stdout: program.stdout, stderr: program.stderr }
}

/** Runs a start that fails: gives the exit code and its one line. */
async function refused(...overrides: string[]) {
  const data = overrides.some((override) => override.startsWith('log.dirs=')) ? [] : [`log.dirs=${dir}/data`]
  const args = [...data, ...overrides].flatMap((override) => ['--override', override])
  const { code, stderr } = await run('start', ...args)
  expect(stderr).toMatch(/^sluice: [^\n]+\n$/)
  return { code, line: stderr.trimEnd() }
}

async function start(data: string): Promise<BrokerProcess> {
  const broker = await BrokerProcess.start({ dir: data, config: { 'offsets.topic.num.partitions': 1 } })
  running.push(broker)
  return broker
}

describe('the command line', () => {
  test('--help prints the usage', async () => {
    const { code, stdout, stderr } = await run('--help')
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout).toMatch(/^Usage: sluice start /)
  })

  test('--version prints the version of the package', async () => {
    expect(await run('--version')).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' })
  })

  test.each([
    [['start', '--fast'], 'unknown option --fast'],
    [['begin'], 'unknown command begin'],
    [[], 'a command is expected'],
    [['start', '--override', 'port'], '--override port: key=value is expected'],
  ])('%j is refused with the usage and exit code 2', async (args, reason) => {
    const { code, stdout, stderr } = await run(...args)
    expect([code, stdout]).toEqual([2, ''])
    expect(stderr.split('\n')[0]).toContain(`sluice: ${reason}`)
    expect(stderr).toContain('Usage: sluice start ')
  })

  test('a properties file is read, and one that is missing is named', async () => {
    const file = join(dir, 'server.properties')
    writeFileSync(file, `${free}\nlog.dirs=${dir}/data\nnum.partitions=none\n`)
    const bad = await run('start', file)
    expect([bad.code, bad.stderr.split('\n').length]).toEqual([1, 2])
    expect(bad.stderr).toContain(`num.partitions`)
    expect(bad.stderr).toContain(`${file}:3`)
    const missing = await run('start', join(dir, 'missing.properties'))
    expect(missing.code).toBe(1)
    expect(missing.stderr).toMatch(/^sluice: cannot read the configuration file .*missing\.properties.*\n$/)
  })
})

describe('a start that cannot be ends with one line and exit code 1', () => {
  test('a value that is not allowed is named with its key', async () => {
    const { code, line } = await refused(free, 'log.segment.bytes=12')
    expect(code).toBe(1)
    expect(line).toContain('log.segment.bytes')
    expect(line).toContain('12')
  })

  test('a key that protects and is not served yet stops the start', async () => {
    const { code, line } = await refused(free, 'authorizer.class.name=kafka.Authorizer')
    expect(code).toBe(1)
    expect(line).toContain('authorizer.class.name')
  })

  test('data directories of which none can be used', async () => {
    writeFileSync(join(dir, 'a'), 'not a directory')
    const { code, line } = await refused(free, `log.dirs=${dir}/a`, `metadata.log.dir=${dir}/metadata`)
    expect(code).toBe(1)
    expect(line).toContain(`none of ${dir}/a can be used`)
  })

  test('a port in use', async () => {
    const server = createServer()
    const { promise, resolve } = Promise.withResolvers<void>()
    server.listen(0, '127.0.0.1', resolve)
    await promise
    const address = server.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    const { code, line } = await refused(`listeners=PLAINTEXT://127.0.0.1:${port}`)
    server.close()
    expect(code).toBe(1)
    expect(line).toContain(`127.0.0.1:${port}: the port is in use`)
  })

  test('a data directory that another broker holds, which goes on undisturbed', async () => {
    const data = join(dir, 'data')
    const first = await start(data)
    const { code, line } = await refused(free)
    expect(code).toBe(1)
    expect(line).toContain('in use by another process')
    expect(await first.stop()).toEqual({ code: 0, signal: null })
  })

  test('a file where the data directory should be', async () => {
    writeFileSync(join(dir, 'data'), 'not a directory')
    const { code, line } = await refused(free)
    expect(code).toBe(1)
    expect(line).toContain(join(dir, 'data'))
  })

  test.skipIf(process.getuid?.() === 0)('a data directory that is read-only', async () => {
    mkdirSync(join(dir, 'data'), { mode: 0o500 })
    const { code, line } = await refused(free)
    expect(code).toBe(1)
    expect(line).toContain(join(dir, 'data'))
  })

  test.each([
    ['cluster', 'cluster.id=', 'cluster.id=AAAAAAAAAAAAAAAAAAAAAQ', 'AAAAAAAAAAAAAAAAAAAAAQ'],
    ['node', 'node.id=', 'node.id=7', 'belongs to node 7'],
  ])('a data directory of another %s', async (_, field, other, reason) => {
    const data = join(dir, 'data')
    await (await start(data)).stop()
    const meta = join(data, 'meta.properties')
    const lines = readFileSync(meta, 'utf8').split('\n')
    writeFileSync(meta, lines.map((line) => (line.startsWith(field) ? other : line)).join('\n'))
    const { code, line } = await refused(free)
    expect(code).toBe(1)
    expect(line).toContain(reason)
  })
})

const systemNode = '/usr/bin/node'
const nodeVersion = existsSync(systemNode)
  ? spawnSync(systemNode, ['--version'], { encoding: 'utf8' }).stdout.trim().slice(1)
  : ''
const [major = 0, minor = 0] = nodeVersion.split('.').map(Number)
const isOld = nodeVersion !== '' && (major < 22 || (major === 22 && minor < 18))

test.runIf(isOld)(`a Node that is too old (here ${nodeVersion}) says so in one line`, () => {
  const { status, stdout, stderr } = spawnSync(systemNode, [launcher, 'start'], { encoding: 'utf8' })
  expect([status, stdout]).toEqual([1, ''])
  expect(stderr).toBe(`sluice: Node 22.18 or newer is needed, this is ${nodeVersion}\n`)
})
