import { atLeast, distinct, someDistinct } from '../checks.ts'
import { INT_MAX, int, list, long, string } from '../table.ts'

/** Listeners, connections and requests. */
// biome-ignore format: a table reads by the line
export const networkKeys = {
  'advertised.listeners': list(null, { check: someDistinct, use: 'acted', doc: 'Addresses that clients are told to connect to; `listeners` when not set.' }),
  'connections.max.idle.ms': long(600_000, { use: 'acted', doc: 'A connection without a request for this long is closed.' }),
  'early.start.listeners': list(null, { check: distinct, doc: 'Listeners that take requests before the authorizer is ready.' }),
  'fetch.max.bytes': int(57_671_680, { check: atLeast(1024), use: 'acted', doc: 'Most bytes in one answer to a fetch.' }),
  'inter.broker.listener.name': string(null, { use: 'acted', doc: 'Listener that brokers use among themselves.' }),
  'listener.security.protocol.map': string('SASL_SSL:SASL_SSL,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT', { use: 'acted', update: 'per-broker', doc: 'Security protocol of each listener name.' }),
  'listeners': list(['PLAINTEXT://:9092'], { check: someDistinct, use: 'acted', update: 'per-broker', doc: 'Addresses to listen on, as NAME://host:port, separated by commas; an empty host means every interface.' }),
  'max.connection.creation.rate': int(INT_MAX, { check: atLeast(0), use: 'acted', update: 'cluster-wide', doc: 'New connections a second, over all listeners.' }),
  'max.connections': int(INT_MAX, { check: atLeast(0), use: 'acted', update: 'cluster-wide', doc: 'Most connections at a time.' }),
  'max.connections.per.ip': int(INT_MAX, { check: atLeast(0), use: 'acted', update: 'cluster-wide', doc: 'Most connections at a time from one address.' }),
  'max.connections.per.ip.overrides': string('', { use: 'acted', update: 'cluster-wide', doc: 'Bounds for single addresses or host names, as host:count, separated by commas.' }),
  'max.incremental.fetch.session.cache.slots': int(1000, { check: atLeast(0), use: 'acted', doc: 'Most fetch sessions kept at a time.' }),
  'max.request.partition.size.limit': int(2000, { check: atLeast(1), use: 'acted', doc: 'Most partitions that one DescribeTopicPartitions answer covers.' }),
  'num.io.threads': int(8, { check: atLeast(1), update: 'cluster-wide', doc: 'Threads that handle requests.' }),
  'num.network.threads': int(3, { check: atLeast(1), update: 'cluster-wide', doc: 'Threads that read and write sockets.' }),
  'queued.max.request.bytes': long(-1, { doc: 'Bytes of waiting requests at which no more are read; `sluice.max.bytes.in.flight` is the bound here.' }),
  'queued.max.requests': int(500, { check: atLeast(1), doc: 'Waiting requests at which no more are read.' }),
  'request.timeout.ms': int(30_000, { doc: 'How long the broker waits for the answer to a request of its own.' }),
  'socket.connection.setup.timeout.max.ms': long(30_000, { doc: "Longest wait for a connection of the broker's own to be set up." }),
  'socket.connection.setup.timeout.ms': long(10_000, { doc: "First wait for a connection of the broker's own to be set up." }),
  'socket.listen.backlog.size': int(50, { check: atLeast(1), use: 'acted', doc: 'Connections that the operating system may hold before they are accepted.' }),
  'socket.receive.buffer.bytes': int(102_400, { doc: 'Receive buffer of a socket; -1 leaves it to the operating system.' }),
  'socket.request.max.bytes': int(104_857_600, { check: atLeast(1), use: 'acted', doc: 'Largest request that is read.' }),
  'socket.send.buffer.bytes': int(102_400, { doc: 'Send buffer of a socket; -1 leaves it to the operating system.' }),
}
