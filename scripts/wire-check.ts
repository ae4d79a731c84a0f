/**
 * npm run wire:check -- FILE: decodes and re-encodes every golden vector of a file (JSON lines, plain or gzipped),
 * with the generated codecs and with the interpreter. Exits 1 when one fails, 2 when there is nothing to check.
 */

import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { checkGoldenVector, goldenCodecs, parseGoldenVectors } from '../src/testing/golden-vectors.ts'

const SHOWN_FAULTS = 50

function main(file: string | undefined): number {
  if (file === undefined) {
    console.error('usage: npm run wire:check -- FILE (golden vectors as JSON lines, .jsonl or .jsonl.gz)')
    return 2
  }
  const vectors = parseGoldenVectors(readText(file))
  const codecs = goldenCodecs()
  let failed = 0
  for (const [index, vector] of vectors.entries()) {
    const faults = checkGoldenVector(vector, codecs)
    if (faults.length === 0) continue
    failed += 1
    if (failed <= SHOWN_FAULTS) console.error(`vector ${index + 1}: ${faults.join('; ')}`)
  }
  console.log(`${vectors.length - failed} passed, ${failed} failed`)
  if (vectors.length === 0) return 2
  return failed === 0 ? 0 : 1
}

function readText(file: string): string {
  const content = readFileSync(file)
  const gzipped = content[0] === 0x1f && content[1] === 0x8b
  return (gzipped ? gunzipSync(content) : content).toString('utf8')
}

try {
  process.exitCode = main(process.argv[2])
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 2
}
