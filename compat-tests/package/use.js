// startBroker() as the README has it, in memory and in a directory; nothing may keep the process alive afterwards.
import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startBroker } from 'sluice'
import { compaction } from './compact.js'
import { roundTrip } from './round-trip.js'

const dir = mkdtempSync(join(tmpdir(), 'sluice-'))
for (const storage of ['memory', { dir }]) {
  const broker = await startBroker({ port: 0, storage, config: { 'log.cleaner.backoff.ms': 50 } })
  await roundTrip(broker.bootstrapServers)
  if (storage !== 'memory') await compaction(broker.bootstrapServers, dir)
  await broker.close()
}
assert.ok(existsSync(join(dir, 'meta.properties')))
rmSync(dir, { recursive: true })

setTimeout(() => {
  console.error('still alive:', process.getActiveResourcesInfo())
  process.exit(1)
}, 5000).unref()
