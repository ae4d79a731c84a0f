/**
 * What it costs to dispatch a request, apart from what its handler does: `node bench/dispatch-cost.ts`. CPU time of
 * this process for each of a million requests, without quotas, with a quota on time for others, and with one for the
 * client. Best of five rounds, since other work on the machine only adds.
 */
import { systemClock } from '../src/base/clock.ts'
import { silentLogger } from '../src/base/logger.ts'
import type { Connection } from '../src/net/connection.ts'
import { dispatcher } from '../src/net/dispatch.ts'
import { noNetMetrics } from '../src/net/metrics.ts'
import { ANONYMOUS } from '../src/security/principal.ts'
import { ClientLimits } from '../src/security/quotas/client-limits.ts'
import { RateQuota } from '../src/security/quotas/rate-quota.ts'
import { apiByKey } from '../src/wire/apis.ts'
import { encodeRequest } from '../src/wire/frame.ts'
import { heartbeatRequest, heartbeatResponse } from '../src/wire/schemas/12-heartbeat.ts'

const REQUESTS = 1_000_000
const ROUNDS = 5
const LIMIT = 1e9

const frame = Buffer.concat(
  encodeRequest(
    apiByKey(12)!,
    4,
    { correlationId: 1, clientId: 'bench' },
    {
      groupId: 'group',
      generationId: 1,
      memberId: 'member',
    },
  ),
).subarray(4)
// As much of a connection as the dispatcher asks for.
const connection = { principal: ANONYMOUS, listenerName: 'PLAINTEXT' } as unknown as Connection

function nanosPerRequest(requestQuota: RateQuota): number {
  const serve = dispatcher({
    handlers: [
      {
        request: heartbeatRequest,
        response: heartbeatResponse,
        minVersion: 0,
        maxVersion: 4,
        handle: () => ({ errorCode: 0 }),
        refuse: (_request, errorCode) => ({ errorCode }),
      },
    ],
    clock: systemClock,
    logger: silentLogger,
    metrics: noNetMetrics,
    requestQuota,
    nextTurn: () => Promise.resolve(),
  })
  let best = Number.POSITIVE_INFINITY
  for (let round = 0; round < ROUNDS; round++) {
    const before = process.cpuUsage()
    for (let i = 0; i < REQUESTS; i++) void serve(frame, connection)
    const { user, system } = process.cpuUsage(before)
    best = Math.min(best, ((user + system) * 1000) / REQUESTS)
  }
  return best
}

function quotaFor(clientId: string | undefined): RateQuota {
  const quota = new RateQuota({ windows: { samples: 11, windowMs: 1000 } })
  const entities = clientId === undefined ? [] : [{ entity: { clientId }, values: new Map([['q', LIMIT]]) }]
  quota.setLimits(new ClientLimits('q', entities))
  return quota
}

for (const [name, clientId] of [
  ['without quotas', undefined],
  ['quota of another client', 'other'],
  ['quota of the client', 'bench'],
] as const) {
  console.log(`${name.padEnd(24)} ${nanosPerRequest(quotaFor(clientId)).toFixed(0)} ns of CPU a request`)
}
