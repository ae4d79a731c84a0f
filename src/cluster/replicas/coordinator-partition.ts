/** A partition of an internal topic as its coordinator uses it. */
import type { CoordinatorLog } from '../coordinator/coordinator-log.ts'
import type { HostedPartition } from './hosted-partition.ts'

export function coordinatorLog(partition: HostedPartition): CoordinatorLog {
  const { log } = partition
  return {
    get logStartOffset() {
      return log.logStartOffset
    },
    get logEndOffset() {
      return log.logEndOffset
    },
    get highWatermark() {
      return log.highWatermark
    },
    append: (batch) => partition.append(batch, { origin: 'coordinator', acksAll: true }).lastOffset,
    read: (offset, maxBytes) => {
      const read = log.read(offset, maxBytes, log.logEndOffset, true)
      return read instanceof Promise ? read.then(({ buffers }) => buffers) : read.buffers
    },
    onHighWatermark: (listener) => {
      const watcher = { readable: listener, changed: listener }
      partition.watch(watcher)
      return () => partition.unwatch(watcher)
    },
  }
}
