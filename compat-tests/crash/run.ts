/**
 * Attacks what a broker has promised to keep. `npm run crash [-- --seconds N --seed S --only kills|disk] [COUNT_FILE]`
 * - kills: producers of every acks level, transactions, groups, compaction and retention at work on a broker that is
 *   killed again and again, for so many seconds; after each start every promise is looked at.
 * - disk: the tests with an injected file system, in full: every write torn, syncs and reads that fail, files damaged or
 *   missing, a disk that fills up, and one of a few megabytes that is real, where the system lets a test mount one.
 * The same seed makes the same choices again.
 */
import { spawn } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { makeDataDirectory, removeDataDirectory } from '../support/data-directory.ts'
import { Kills } from './kills.ts'

const SHOWN = 5
const DISK_TESTS = [
  'src/full-disk.test.ts',
  'src/damaged-files.test.ts',
  'src/broker-faults.test.ts',
  'src/logstore',
  'src/cluster/metadata',
  'compat-tests/faults',
  'compat-tests/operations/disk.test.ts',
  'compat-tests/operations/small-disk.test.ts',
]
const root = fileURLToPath(new URL('../..', import.meta.url))
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: 'string', default: '120' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    only: { type: 'string' },
  },
})
const { only } = values
const seconds = Number(values.seconds)
const seed = Number(values.seed)
if (!(seconds > 0) || !Number.isInteger(seed) || ![undefined, 'kills', 'disk'].includes(only)) {
  process.stderr.write('usage: npm run crash [-- --seconds N --seed S --only kills|disk]\n')
  process.exit(2)
}
const print = (line: string) => process.stdout.write(`${line}\n`)
let passed = 0
let failed = 0

function checked(what: string, wrong: readonly string[]): void {
  if (wrong.length === 0) {
    passed++
    return
  }
  failed++
  for (const line of wrong.slice(0, SHOWN)) print(`FAIL ${what}: ${line}`)
  if (wrong.length > SHOWN) print(`FAIL ${what}: and ${wrong.length - SHOWN} more`)
}

async function kill(): Promise<void> {
  print(`kills, --seed ${seed}`)
  const dir = makeDataDirectory('crash')
  const kills = new Kills({ dir, seed, seconds, print, checked })
  try {
    await kills.run()
  } catch (error) {
    checked('the run', [error instanceof Error ? error.stack! : String(error)])
  } finally {
    await kills.close()
    removeDataDirectory(dir)
  }
}

async function attackDisk(): Promise<void> {
  const dir = makeDataDirectory('crash-report')
  const report = join(dir, 'report.json')
  const vitest = join(root, 'node_modules/.bin/vitest')
  const args = ['run', ...DISK_TESTS, '--testTimeout=300000', '--reporter=default', '--reporter=json']
  const child = spawn(vitest, [...args, `--outputFile.json=${report}`], {
    cwd: root,
    env: { ...process.env, DEEP_TESTS: '1' },
    stdio: 'inherit',
  })
  const code = await new Promise((resolve) => child.once('close', resolve))
  try {
    const { numPassedTests, numFailedTests } = JSON.parse(readFileSync(report, 'utf8'))
    passed += numPassedTests
    failed += numFailedTests
    if (code !== 0 && numFailedTests === 0) checked('the tests of the disk', [`exit code ${code}`])
  } finally {
    removeDataDirectory(dir)
  }
}

if (only !== 'disk') await kill()
if (only !== 'kills') await attackDisk()
print(`${passed} passed, ${failed} failed`)
const [countFile] = positionals
if (countFile !== undefined) writeFileSync(countFile, `${passed} ${failed}\n`)
process.exitCode = failed === 0 ? 0 : 1
