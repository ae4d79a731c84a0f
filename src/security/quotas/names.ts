/** Kafka's names of the quotas (`QuotaConfig`). */
export const PRODUCER_BYTE_RATE = 'producer_byte_rate'
export const CONSUMER_BYTE_RATE = 'consumer_byte_rate'
export const REQUEST_PERCENTAGE = 'request_percentage'
export const CONTROLLER_MUTATION_RATE = 'controller_mutation_rate'
export const CONNECTION_CREATION_RATE = 'connection_creation_rate'

export const USER_AND_CLIENT_QUOTAS: ReadonlySet<string> = new Set([
  PRODUCER_BYTE_RATE,
  CONSUMER_BYTE_RATE,
  REQUEST_PERCENTAGE,
  CONTROLLER_MUTATION_RATE,
])

export const IP_QUOTAS: ReadonlySet<string> = new Set([CONNECTION_CREATION_RATE])

/** Those that Kafka keeps as whole numbers, with the type of these. */
export const INTEGRAL_QUOTAS: ReadonlyMap<string, 'a LONG' | 'an INT'> = new Map([
  [PRODUCER_BYTE_RATE, 'a LONG'],
  [CONSUMER_BYTE_RATE, 'a LONG'],
  [CONNECTION_CREATION_RATE, 'an INT'],
])
