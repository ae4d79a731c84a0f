import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { FaultyFileSystem } from '../logstore/faulty-fs.ts'
import type { FileSystem } from '../logstore/file-system.ts'
import { defaultLogConfig, type LogConfig } from '../logstore/log-config.ts'
import { MemoryFileSystem } from '../logstore/memory-fs.ts'
import { NodeFileSystem } from '../logstore/node-fs.ts'
import { type LogReadResult, PartitionLog, type PartitionLogOptions } from '../logstore/partition-log.ts'
import { recordsOf } from '../logstore/read-records.ts'
import { type BatchInput, encodeBatch } from '../wire/records.ts'
import { ManualClock } from './manual-clock.ts'
import { SeededRandom } from './seeded-random.ts'

/** When tests begin. */
export const START_MS = 1_700_000_000_000

/** A batch with a record of that value each, as a producer sends it. */
export function batchOf(values: readonly string[], input: Partial<BatchInput> = {}): Buffer {
  return encodeBatch({
    baseTimestamp: START_MS,
    records: values.map((value, index) => ({ key: Buffer.from(`k${index}`), value: Buffer.from(value) })),
    ...input,
  })
}

export interface LogFixture {
  readonly fs: FileSystem
  readonly clock: ManualClock
  readonly directory: string
  open(overrides?: Partial<PartitionLogOptions>, config?: Partial<LogConfig>): PartitionLog
}

export function logFixture(fs: FileSystem = new MemoryFileSystem(), root = '/data'): LogFixture {
  const clock = new ManualClock(START_MS)
  const directory = `${root}/topic-0`
  return {
    fs,
    clock,
    directory,
    open: (overrides = {}, config = {}) =>
      PartitionLog.open({
        fs,
        directory,
        topic: 'topic',
        partition: 0,
        config: { ...defaultLogConfig, ...config },
        clock,
        random: new SeededRandom(1),
        ...overrides,
      }),
  }
}

/** Every file system that the log has to work on alike; `dispose` removes what they left on disk. */
export function everyFileSystem(): {
  readonly kinds: readonly (readonly [name: string, make: () => LogFixture])[]
  dispose(): void
} {
  const scratch = mkdtempSync(join(tmpdir(), 'sluice-log-'))
  let count = 0
  return {
    kinds: [
      ['node', () => logFixture(new NodeFileSystem(), join(scratch, String(count++)))],
      ['memory', () => logFixture()],
      ['faulty without faults', () => logFixture(new FaultyFileSystem(new MemoryFileSystem()))],
    ],
    dispose: () => rmSync(scratch, { recursive: true, force: true }),
  }
}

export function valuesOf(read: LogReadResult): string[] {
  return [...recordsOf(read)].map((record) => String(record.value))
}

/** Offset and value of every record, in as many reads as it takes. */
export async function contentsOf(log: PartitionLog): Promise<[number, string][]> {
  const contents: [number, string][] = []
  for (let offset = log.logStartOffset; offset < log.logEndOffset; ) {
    const read = await log.read(offset, 1000, log.logEndOffset, true)
    for (const record of recordsOf(read)) contents.push([record.offset, String(record.value)])
    if (read.nextOffset <= offset) break
    offset = read.nextOffset
  }
  return contents
}
