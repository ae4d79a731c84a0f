/** The page of documentation that is made of the results. */
import { cpus, totalmem } from 'node:os'
import { type Row, table } from './report.ts'
import type { Scale } from './scale.ts'

export function page(rows: readonly Row[], scale: Scale): string {
  const gigabytes = Math.round(totalmem() / 2 ** 30)
  const processors = cpus()
  return `# Beside Apache Kafka

\`npm run bench\`: ${processors.length} cores (${processors[0]!.model.trim()}), ${gigabytes} GB of memory, Node ${process.versions.node}; Apache Kafka 4.3.1 as it ships, with 1 GB of heap. Clients and brokers share the machine. Both brokers are up and warm, and are measured in turns; the figures are medians of the rounds. CPU is the broker process's own.

${table(rows)}

![Ratios](benchmarks.svg)

Every figure is made again by itself with \`npm run bench -- --only 'its name'\`, and \`-- --profile --only 'its name'\` shows where the event loop spends its time. [benchmarks.json](benchmarks.json) has the values of all rounds.

- *Java* is Kafka's ProducerPerformance and ConsumerPerformance with the clients' defaults, ${scale.javaBytes / 1e6} MB of a row's records (a quarter of that at 100 B); *native* is \`bench/load\`, a Go program on franz-go, with ${scale.loadBytes / 1e6} MB. Half of each value is random and the other half one letter. Everything that isn't Java's is native.
- Before each run of producing as fast as it goes, as much is written to a file that is removed: memory that the machine has used before is there for the log. Otherwise a virtual machine's host has to give it, which costs either broker up to five times as much as writing.
- Near the end of the log, 40 MB are read ${scale.tailRounds} times; old data is ${scale.oldBytes / 1e6} MB, read once through before it is read from the page cache, and synced and dropped from it with \`posix_fadvise\`, file by file, before it is read from the disk.
- Latencies are those of an open loop with records of 1 KB, for ${scale.steadySeconds} seconds. End to end is one record at a time, as in Kafka's EndToEndLatency.
- A start lasts from spawning the process to a Metadata that names a leader and a Produce that is acknowledged; Kafka's data is formatted before. The 10 GB are dropped from the page cache before each start, and before the kill every partition has got a record.
`
}
