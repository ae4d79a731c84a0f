/**
 * How fast a log is compacted, and what its map of keys costs: `node bench/compaction.ts [MEGABYTES]`. One cleaning on the
 * disk of the machine, in this process, without anything else that a broker does; as WorkerRunner's thread does it.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../src/base/clock.ts'
import { silentLogger } from '../src/base/logger.ts'
import { systemRandom } from '../src/base/random.ts'
import { InProcessRunner } from '../src/logstore/compaction/cleaning-runner.ts'
import { HASH_KEY_BYTES } from '../src/logstore/compaction/key-hash.ts'
import { LogCleaner } from '../src/logstore/compaction/log-cleaner.ts'
import type { CleaningResult } from '../src/logstore/compaction/log-cleaning.ts'
import { OffsetMap } from '../src/logstore/compaction/offset-map.ts'
import { defaultLogConfig } from '../src/logstore/log-config.ts'
import { LogDirectory } from '../src/logstore/log-directory.ts'
import { NodeFileSystem } from '../src/logstore/node-fs.ts'
import { SeededRandom } from '../src/testing/seeded-random.ts'
import type { CompressionType } from '../src/wire/compression.ts'
import { encodeBatch } from '../src/wire/records.ts'

const MEGABYTE = 1024 * 1024
const BATCH_BYTES = 16 * 1024

interface Workload {
  readonly compression: CompressionType
  readonly valueBytes: number
  /** Records for each key. */
  readonly updates: number
}

const workloads: readonly Workload[] = [
  { compression: 'none', valueBytes: 1000, updates: 10 },
  { compression: 'none', valueBytes: 100, updates: 10 },
  { compression: 'none', valueBytes: 100, updates: 1.1 },
  { compression: 'lz4', valueBytes: 100, updates: 10 },
  { compression: 'zstd', valueBytes: 100, updates: 10 },
]

async function clean(workload: Workload, bytes: number): Promise<void> {
  const { compression, valueBytes, updates } = workload
  const path = mkdtempSync(join(tmpdir(), 'sluice-bench-'))
  const fs = new NodeFileSystem()
  const directory = LogDirectory.open({
    fs,
    path,
    clock: systemClock,
    random: systemRandom,
    logger: silentLogger,
  })
  try {
    const log = directory.openOrCreate(
      { topic: 't', topicId: 'AAAAAAAAAAAAAAAAAAAAAQ', partition: 0 },
      {
        ...defaultLogConfig,
        cleanupPolicy: ['compact'],
        minCleanableDirtyRatio: 0,
        segmentBytes: 16 * MEGABYTE,
        fileDeleteDelayMs: 0,
      },
    )
    const random = new SeededRandom(1)
    const perBatch = Math.ceil(BATCH_BYTES / (valueBytes + 20))
    const keys = Math.ceil(bytes / (valueBytes + 20) / updates)
    const text = Buffer.from(random.bytes(MEGABYTE).toString('base64'))
    const value = () => {
      const at = random.integer(0, text.length - valueBytes)
      return text.subarray(at, at + valueBytes)
    }
    let raw = 0
    while (raw < bytes) {
      const records = Array.from({ length: perBatch }, () => ({
        key: Buffer.from(`key-${random.integer(0, keys)}`),
        value: value(),
      }))
      const batch = encodeBatch({ baseTimestamp: systemClock.now(), compression, records })
      raw += perBatch * (valueBytes + 20)
      log.appendAsLeader(batch, { leaderEpoch: 0, origin: 'client' })
      log.updateHighWatermark(log.logEndOffset)
    }
    await log.flush()
    const before = log.size
    const results: CleaningResult[] = []
    const cleaner = new LogCleaner({
      directories: () => [directory],
      config: () => ({
        threads: 1,
        dedupeBufferBytes: 512 * MEGABYTE,
        mapLoadFactor: 0.9,
        ioBufferBytes: 512 * 1024,
        maxBytesPerSecond: Number.MAX_VALUE,
        backoffMs: 0,
      }),
      clock: systemClock,
      random: systemRandom,
      logger: {
        ...silentLogger,
        // The line of a cleaning has its result.
        info: (_, fields) => void results.push(fields as unknown as CleaningResult),
      },
    })
    const runner = new InProcessRunner(fs, async () => {})
    const startMs = performance.now()
    const cpu = process.cpuUsage()
    if (!(await cleaner.cleanOnce(runner))) throw new Error('nothing was cleaned')
    const seconds = (performance.now() - startMs) / 1000
    const { user, system } = process.cpuUsage(cpu)
    const cpuSeconds = (user + system) / 1e6
    const [result] = results
    if (result === undefined) throw new Error('a cleaning without a result')
    const cleaned = result.bytesRead / MEGABYTE
    process.stdout.write(
      `${compression.padEnd(5)} ${String(valueBytes).padStart(5)} B values, ${updates} a key: ` +
        `${(cleaned / seconds).toFixed(0)} MB/s of log, ${(cleaned / cpuSeconds).toFixed(0)} MB per second of CPU, ` +
        `${(before / MEGABYTE).toFixed(0)} MB to ${(log.size / MEGABYTE).toFixed(0)} MB, ` +
        `${(result.recordsRead / cpuSeconds / 1e6).toFixed(2)} M records per second of CPU, ` +
        `map ${(result.mapBytes / MEGABYTE).toFixed(0)} MB for ${(result.mapKeys / 1e6).toFixed(2)} M keys\n`,
    )
  } finally {
    await directory.close()
    rmSync(path, { recursive: true })
  }
}

/** With the smallest `log.cleaner.dedupe.buffer.size`, in powers of two, that so many keys fit into. */
function fillMap(keys: number, maxBytes: number): void {
  const map = new OffsetMap(maxBytes, systemRandom.bytes(HASH_KEY_BYTES))
  const key = Buffer.from('a key of 20 bytes ..')
  const nanosecondsOfCpu = (use: (n: number) => unknown) => {
    const cpu = process.cpuUsage()
    for (let n = 0; n < keys; n++) {
      key.writeUInt32LE(n, 8)
      use(n)
    }
    const { user, system } = process.cpuUsage(cpu)
    return ((user + system) * 1000) / keys
  }
  const putNs = nanosecondsOfCpu((n) => map.put(key, 0, key.length, n))
  const getNs = nanosecondsOfCpu(() => map.get(key, 0, key.length))
  const { rss, arrayBuffers } = process.memoryUsage()
  process.stdout.write(
    `map of ${map.size / 1e6} M keys: ${(map.bytes / MEGABYTE).toFixed(0)} MB (${(map.bytes / map.size).toFixed(1)} bytes a key), ` +
      `put ${putNs.toFixed(0)} ns, get ${getNs.toFixed(0)} ns of CPU; process ${(rss / MEGABYTE).toFixed(0)} MB resident, ` +
      `${(arrayBuffers / MEGABYTE).toFixed(0)} MB of it buffers\n`,
  )
}

const megabytes = Number(process.argv[2] ?? 256)
fillMap(10_000_000, 256 * MEGABYTE)
for (const workload of workloads) await clean(workload, megabytes * MEGABYTE)
