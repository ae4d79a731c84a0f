import type { CompatClient } from './client.ts'
import { kafkajsClient } from './kafkajs-client.ts'
import { platformaticClient } from './platformatic-client.ts'

/** The client libraries that `npm test` runs. */
export const clients: readonly CompatClient[] = [kafkajsClient, platformaticClient]
