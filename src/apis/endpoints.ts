/** Under which address a client reaches a broker: the one of the listener by which the client came. */
import type { BrokerRegistration } from '../cluster/metadata/image.ts'

/** Kafka's `Node.noNode`, for a broker without that listener. */
const NO_ENDPOINT = { host: '', port: -1 }

export function brokerEndpoint(
  broker: BrokerRegistration,
  listenerName: string,
): { host: string; port: number } {
  const listener = broker.listeners.find(({ name }) => name === listenerName)
  return listener === undefined ? NO_ENDPOINT : { host: listener.host, port: listener.port }
}
