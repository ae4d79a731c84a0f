import { distinct } from './checks.ts'
import { int, list } from './table.ts'

/** Keys of a subscription to client metrics (KIP-714). Kafka: `ClientMetricsConfigs`. */
// biome-ignore format: a table reads by the line
export const clientMetricsKeys = {
  'interval.ms': int(300_000, { doc: 'How often a client pushes its metrics.' }),
  'match': list([], { check: distinct, doc: 'Which clients the subscription is for: `client_id=` and the like with a regular expression.' }),
  'metrics': list([], { check: distinct, doc: 'Prefixes of the names of metrics to push; empty for none, `*` for all.' }),
}
