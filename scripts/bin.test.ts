import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, test } from 'vitest'

const bin = fileURLToPath(new URL('../bin/sluice.js', import.meta.url))
const directory = mkdtempSync(join(tmpdir(), 'sluice-bin-'))
afterAll(() => rmSync(directory, { recursive: true }))

/** Runs the launcher on a Node that says it is another. */
function runAs(version: string) {
  const disguise = join(directory, `node-${version}.cjs`)
  writeFileSync(
    disguise,
    `Object.defineProperty(process, 'versions', { value: Object.assign({}, process.versions, { node: '${version}' }) })`,
  )
  return spawnSync(process.execPath, ['--require', disguise, bin, '--version'], { encoding: 'utf8' })
}

test.each(['12.0.0', '18.20.4', '22.17.1', '21.99.0'])('Node %s is refused in one clear line', (version) => {
  const { status, stdout, stderr } = runAs(version)
  expect([status, stdout]).toEqual([1, ''])
  expect(stderr).toBe(`sluice: Node 22.18 or newer is needed, this is ${version}\n`)
})

test.each(['22.18.0', '23.0.0', '26.1.0'])('Node %s is taken', (version) => {
  expect(runAs(version).stderr).not.toContain('is needed')
})

test('the launcher holds no syntax that an old Node cannot read, and imports nothing before its check', () => {
  const source = readFileSync(bin, 'utf8')
    .split('\n')
    .filter((line) => !line.startsWith('//') && !line.startsWith('#!'))
    .map((line) => line.replace(/^\s*\/\/.*$/, ''))
    .join('\n')
  expect(source).not.toMatch(/\b(?:const|let|class|async|await|require)\b|=>|`|\?\?|\?\./)
  expect(source).not.toMatch(/^import\s/m)
  expect(source.indexOf('process.exit(1)')).toBeLessThan(source.indexOf('import('))
})
