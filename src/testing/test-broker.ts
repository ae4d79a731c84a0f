import { BufferPool } from '../base/buffer-pool.ts'
import { type Clock, systemClock } from '../base/clock.ts'
import { silentLogger } from '../base/logger.ts'
import { systemRandom } from '../base/random.ts'
import { Broker } from '../broker.ts'
import { loadConfig } from '../config/load.ts'
import type { FileSystem } from '../logstore/file-system.ts'

export interface TestBrokerOptions {
  readonly clock?: Clock
  /** Keys beside a listener on a free port and `log.dirs=/data`, or in their place. */
  readonly overrides?: Readonly<Record<string, string>>
}

/** A broker in the process of the test, which closes it. */
export function startTestBroker(
  fs: FileSystem,
  { clock = systemClock, overrides }: TestBrokerOptions = {},
): Promise<Broker> {
  return Broker.start({
    config: loadConfig({
      overrides: { listeners: 'PLAINTEXT://127.0.0.1:0', 'log.dirs': '/data', ...overrides },
    }),
    fs,
    clock,
    random: systemRandom,
    logger: silentLogger,
    startedMs: clock.now(),
    version: 'test',
    buffers: new BufferPool({ isChecked: true }),
  })
}
