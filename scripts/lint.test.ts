import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))
const directory = mkdtempSync(join(tmpdir(), 'sluice-lint-'))
afterAll(() => rmSync(directory, { recursive: true }))

/** One forbidden line each: where it stands, the line, and the rule that has to object. */
const forbidden: readonly [path: string, line: string, rule: string][] = [
  // Direction of imports, one for each layer.
  ['src/base/a.ts', "import '../wire/batch.ts'", 'noRestrictedImports'],
  ['src/wire/a.ts', "import '../logstore/segment.ts'", 'noRestrictedImports'],
  ['src/wire/schemas/a.ts', "import '../../config/load.ts'", 'noRestrictedImports'],
  ['src/config/a.ts', "import '../wire/batch.ts'", 'noRestrictedImports'],
  ['src/config/b.ts', "export type { Batch } from '../wire/batch.ts'", 'noRestrictedImports'],
  ['src/logstore/a.ts', "import '../cluster/partition.ts'", 'noRestrictedImports'],
  ['src/logstore/b.ts', "import '../config/load.ts'", 'noRestrictedImports'],
  ['src/cluster/coordinator/a.ts', "import '../../groups/records.ts'", 'noRestrictedImports'],
  ['src/groups/a.ts', "import '../transactions/records.ts'", 'noRestrictedImports'],
  ['src/transactions/a.ts', "import '../groups/records.ts'", 'noRestrictedImports'],
  ['src/security/a.ts', "import '../net/listener.ts'", 'noRestrictedImports'],
  ['src/telemetry/a.ts', "import '../security/principal.ts'", 'noRestrictedImports'],
  ['src/net/a.ts', "import '../logstore/segment.ts'", 'noRestrictedImports'],
  ['src/net/b.ts', "import type { Handler } from '../apis/handler.ts'", 'noRestrictedImports'],
  ['src/apis/a.ts', "import '../net/listener.ts'", 'noRestrictedImports'],
  ['src/apis/b.ts', "import '../broker.ts'", 'noRestrictedImports'],
  ['src/apis/b.ts', "import '../group-parts.ts'", 'noRestrictedImports'],
  ['src/http/a.ts', "import '../net/listener.ts'", 'noRestrictedImports'],
  ['src/wire/a.test.ts', "import '../cluster/partition.ts'", 'noRestrictedImports'],
  // Time, chance, files and sockets are handed in.
  ['src/groups/time-1.ts', 'export const now = Date.now()', 'plugin'],
  ['src/groups/time-2.ts', 'export const now = new Date()', 'plugin'],
  ['src/groups/time-3.ts', 'export const now = performance.now()', 'plugin'],
  ['src/groups/time-4.ts', 'setTimeout(() => {}, 5)', 'noRestrictedGlobals'],
  ['src/groups/time-5.ts', 'setInterval(() => {}, 5)', 'noRestrictedGlobals'],
  ['src/groups/time-6.ts', "import { setTimeout } from 'node:timers/promises'", 'plugin'],
  ['src/groups/chance-1.ts', 'export const chance = Math.random()', 'plugin'],
  ['src/groups/chance-2.ts', "import { randomBytes } from 'node:crypto'", 'plugin'],
  ['src/groups/chance-3.ts', 'export const chance = crypto.randomUUID()', 'noRestrictedGlobals'],
  ['src/logstore/files-1.ts', "import { openSync } from 'node:fs'", 'plugin'],
  ['src/logstore/files-2.ts', "import { open } from 'fs/promises'", 'plugin'],
  ['src/logstore/files-3.ts', "export const files = await import('node:fs')", 'plugin'],
  ['src/cluster/sockets-1.ts', "import { connect } from 'node:net'", 'plugin'],
  ['src/cluster/sockets-2.ts', "import { get } from 'node:https'", 'plugin'],
  ['src/cluster/sockets-3.ts', "export const answer = fetch('http://x')", 'noRestrictedGlobals'],
  ['src/cluster/testing.ts', "import { manualClock } from '../testing/manual-clock.ts'", 'plugin'],
  // Promises, and the shape of modules.
  ['src/wire/promise-1.ts', 'async function a() {}\nexport function b() { a() }', 'noFloatingPromises'],
  [
    'src/wire/promise-2.ts',
    "import { far } from './promise-source.ts'\nexport function b() { far.away() }",
    'noFloatingPromises',
  ],
  ['src/wire/promise-3.ts', 'export function b() { Promise.resolve(1) }', 'noFloatingPromises'],
  ['src/wire/default.ts', 'export default 1', 'noDefaultExport'],
  ['src/wire/any.ts', 'export const a: any = 1', 'noExplicitAny'],
  ['src/wire/barrel.ts', "export * from './a.ts'", 'noReExportAll'],
  ['src/wire/barrel-2.ts', "export { a } from './a.ts'", 'noBarrelFile'],
  ['src/wire/enum.ts', 'export enum A { B }', 'noEnum'],
  ['src/wire/extension.ts', "import './promise-source.js'", 'useImportExtensions'],
]

/** Lines that look alike and are allowed. */
const allowed: readonly [path: string, line: string][] = [
  ['src/base/ok.ts', 'export const now = () => Date.now()\nsetTimeout(() => {}, 5)'],
  ['src/logstore/node-fs.ts', "import { openSync } from 'node:fs'\nexport const open = openSync"],
  [
    'src/net/ok.ts',
    "import { connect } from 'node:net'\nimport '../wire/ok.ts'\nexport const open = connect",
  ],
  ['src/logstore/ok.test.ts', "import { openSync } from 'node:fs'\nexport const open = openSync"],
  ['src/groups/ok.ts', "import '../wire/ok.ts'\nimport '../cluster/ok.ts'\nexport const d = new Date(5)"],
  ['src/cluster/ok.ts', "import { createHash } from 'node:crypto'\nexport const hash = createHash"],
  ['src/wire/ok.ts', 'async function a() {}\nexport function b() { void a() }'],
  ['src/broker.ts', "import './net/ok.ts'\nimport './apis/ok.ts'"],
]

const found = new Map<string, Set<string>>()

beforeAll(() => {
  for (const name of ['biome.json', 'lint', '.gitignore'])
    cpSync(join(root, name), join(directory, name), { recursive: true })
  const source = "export const far = { away: async () => {} }\nexport const a = 'a'"
  for (const [path, text] of [...forbidden, ...allowed, ['src/wire/promise-source.ts', source] as const]) {
    mkdirSync(dirname(join(directory, path)), { recursive: true })
    writeFileSync(join(directory, path), `${text}\n`)
  }
  const biome = join(root, 'node_modules/@biomejs/biome/bin/biome')
  const args = [biome, 'lint', '--reporter=json', '--diagnostic-level=error', '--max-diagnostics=none']
  const { stdout } = spawnSync(process.execPath, args, { cwd: directory, encoding: 'utf8' })
  const { diagnostics } = JSON.parse(stdout) as {
    diagnostics: { category: string; location: { path: string } }[]
  }
  for (const { category, location } of diagnostics) {
    const rules = found.get(location.path) ?? new Set()
    found.set(location.path, rules.add(category.slice(category.lastIndexOf('/') + 1)))
  }
})

describe('a forbidden line is an error', () => {
  test.each(forbidden)('%s: %s', (path, _line, rule) => {
    expect([...(found.get(path) ?? [])]).toContain(rule)
  })
})

describe('a line that is allowed is none', () => {
  test.each(allowed)('%s: %s', (path) => {
    expect(found.get(path)).toBeUndefined()
  })
})
