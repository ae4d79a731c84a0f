// `npx sluice start`: serves, and SIGTERM ends it with 0.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { roundTrip } from './round-trip.js'

const probe = createServer().listen(0, '127.0.0.1')
await once(probe, 'listening')
const { port } = probe.address()
await new Promise((resolve) => probe.close(resolve))

const dir = mkdtempSync(join(tmpdir(), 'sluice-'))
const overrides = [`listeners=PLAINTEXT://127.0.0.1:${port}`, `log.dirs=${join(dir, 'data')}`]
const args = ['sluice', 'start', ...overrides.flatMap((pair) => ['--override', pair])]
// npx and the shell below it do not pass signals on, so the whole group gets them, as from a terminal.
const npx = spawn('npx', args, { stdio: ['ignore', 'inherit', 'inherit'], detached: true })
process.on('exit', () => {
  try {
    process.kill(-npx.pid, 'SIGKILL')
  } catch {
    // Gone, as it should be.
  }
})

async function listening() {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}
const deadline = Date.now() + 30_000
while (!(await listening())) {
  assert.ok(Date.now() < deadline && npx.exitCode === null, 'it does not listen')
  await pause(20)
}
await roundTrip(`127.0.0.1:${port}`)
assert.match(readFileSync(join(dir, 'data', 'meta.properties'), 'utf8'), /cluster\.id=/)
process.kill(-npx.pid, 'SIGTERM')
// npx ends at once; the broker when all is on disk, which this file says.
const stopped = join(dir, 'data', '.kafka_cleanshutdown')
while (!existsSync(stopped)) {
  assert.ok(Date.now() < deadline, 'it does not stop')
  await pause(20)
}
assert.equal(await listening(), false)
rmSync(dir, { recursive: true })
