/** Data directories of the suites: made under the system's temporary folder, and gone afterwards. */
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'

export function makeDataDirectory(name: string): string {
  return mkdtempSync(join(tmpdir(), `sluice-${name}-`))
}

/** Removes it; where COMPAT_DATA names a folder, a copy stays there for kafka-dump-log to read. */
export function removeDataDirectory(dir: string): void {
  const kept = process.env.COMPAT_DATA
  if (kept !== undefined) cpSync(dir, join(kept, basename(dir)), { recursive: true })
  rmSync(dir, { recursive: true })
}
