import { readFileSync } from 'node:fs'

/** Key and value of each record of a `.jsonl` file beside this one, which Kafka 4.3.1 wrote: hex in the file. */
export function readKafkaRecords(file: string): { key: Buffer; value: Buffer | null }[] {
  return readFileSync(new URL(file, import.meta.url), 'utf8')
    .trim()
    .split('\n')
    .map((line): { key: string; value: string | null } => JSON.parse(line))
    .map(({ key, value }) => ({
      key: Buffer.from(key, 'hex'),
      value: value === null ? null : Buffer.from(value, 'hex'),
    }))
}
