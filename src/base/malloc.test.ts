import { execFileSync } from 'node:child_process'
import { expect, it } from 'vitest'
import { loadFfi } from './ffi.ts'

const { glibcVersionRuntime } = (process.report.getReport() as { header: Record<string, unknown> }).header
const hasFfi = loadFfi() !== undefined

/** Resident megabytes that twelve freed buffers of 6 MB leave in a process of its own. */
function leftResident(isGivenBack: boolean): number {
  const program = `
    import { giveLargeBuffersBack } from ${JSON.stringify(new URL('malloc.ts', import.meta.url).href)}
    if (${isGivenBack}) giveLargeBuffersBack()
    const free = (buffer) => buffer.buffer.transfer(0)
    // After which glibc keeps what is not larger.
    free(Buffer.allocUnsafeSlow(8e6).fill(1))
    const before = process.memoryUsage.rss()
    const between = []
    const large = Array.from({ length: 12 }, () => {
      between.push(Buffer.allocUnsafeSlow(50e3).fill(1))
      return Buffer.allocUnsafeSlow(6e6).fill(1)
    })
    between.push(Buffer.allocUnsafeSlow(50e3).fill(1))
    for (const buffer of large) free(buffer)
    console.log((process.memoryUsage.rss() - before) / 1e6, between.length)`
  const output = execFileSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' })
  return Number.parseFloat(output)
}

it.runIf(hasFfi && glibcVersionRuntime !== undefined)('gives large buffers back when they are freed', () => {
  expect(leftResident(true)).toBeLessThan(20)
  expect(leftResident(false)).toBeGreaterThan(40)
})
