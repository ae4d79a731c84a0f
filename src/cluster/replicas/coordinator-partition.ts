/** A partition of an internal topic as its coordinator uses it. */
import type { CoordinatorLog } from '../coordinator/coordinator-log.ts'
import type { HostedPartition } from './hosted-partition.ts'

export function coordinatorLog(partition: HostedPartition): CoordinatorLog {
  return {
    get logStartOffset() {
      return partition.log.logStartOffset
    },
    get logEndOffset() {
      return partition.log.logEndOffset
    },
    get highWatermark() {
      return partition.log.highWatermark
    },
    append: (batch) => partition.append(batch, { origin: 'coordinator', acksAll: true }).lastOffset,
    read: (offset, maxBytes) => readAll(partition, offset, maxBytes),
    onHighWatermark: (listener) => {
      const watcher = { readable: listener, changed: listener }
      partition.watch(watcher)
      return () => partition.unwatch(watcher)
    },
  }
}

function readAll(
  partition: HostedPartition,
  offset: number,
  maxBytes: number,
): readonly Buffer[] | Promise<readonly Buffer[]> {
  const { log } = partition
  const read = log.read(offset, maxBytes, log.logEndOffset, true)
  if (!(read instanceof Promise)) return read.buffers
  return read.then(
    ({ buffers }) => buffers,
    (error: unknown) => {
      // The log has given its place to a copy meanwhile, which holds the same.
      if (log !== partition.log) return readAll(partition, offset, maxBytes)
      throw error
    },
  )
}
