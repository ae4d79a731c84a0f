import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { BatchReader } from '../../src/wire/batch.ts'

/**
 * What is wrong with the segments of a stopped broker, a line each: batches that are not whole, have a wrong CRC, or do not
 * ascend. After a kill the last write of the last segment of a log may be there in part.
 */
export function* inspectLogFiles(dir: string, stop: 'clean' | 'killed'): Generator<string> {
  for (const partition of readdirSync(dir, { withFileTypes: true })) {
    if (!partition.isDirectory()) continue
    const segments = readdirSync(join(dir, partition.name))
      .filter((name) => name.endsWith('.log'))
      .sort()
    let next = 0
    for (const [index, name] of segments.entries()) {
      const bytes = readFileSync(join(dir, partition.name, name))
      const mayEndTorn = stop === 'killed' && index === segments.length - 1
      let end = 0
      for (const batch of new BatchReader(bytes)) {
        const where = `${partition.name}/${name} at ${batch.position}`
        if (!batch.crcIsRight()) {
          if (!mayEndTorn) yield `${where}: wrong CRC`
          break
        }
        if (batch.baseOffset < next) yield `${where}: offset ${batch.baseOffset} where ${next} was due`
        next = batch.nextOffset
        end = batch.end
      }
      if (end < bytes.length && !mayEndTorn)
        yield `${partition.name}/${name}: ${bytes.length - end} bytes after ${end}`
    }
  }
}
