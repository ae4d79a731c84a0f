import type { Scenario } from './scenario.ts'
import { fetching, fetchSessions } from './scenarios/fetch.ts'
import { idempotence } from './scenarios/idempotence.ts'
import { produce } from './scenarios/produce.ts'

/** In the order in which they are recorded, all on one Kafka. */
export const scenarios: readonly Scenario[] = [produce, idempotence, fetching, fetchSessions]
