import { atLeast, oneOf } from '../checks.ts'
import { boolean, int, long, string } from '../table.ts'

/** Keys of our own. */
// biome-ignore format: a table reads by the line
export const sluiceKeys = {
  'sluice.http.listener': string(null, { use: 'acted', doc: 'Address for metrics and health over HTTP, as host:port; nothing is opened when not set.' }),
  'sluice.log.format': string('auto', { check: oneOf('auto', 'json', 'text'), use: 'acted', doc: 'Log as JSON lines or as readable text; `auto` is text on a terminal and JSON elsewhere.' }),
  'sluice.log.level': string('info', { check: oneOf('debug', 'info', 'warn', 'error'), use: 'acted', doc: 'Least severe messages that are logged.' }),
  'sluice.max.bytes.in.flight': long(134_217_728, { check: atLeast(1), use: 'acted', doc: 'Bytes of unanswered requests over all connections at which no more are read; an eighth of it as long as no connection waits for more than a second or two.' }),
  'sluice.max.connection.bytes.in.flight': long(262_144, { check: atLeast(1), use: 'acted', doc: 'Bytes of requests that one connection may have waiting behind the one being served; beyond it no more are read from it.' }),
  'sluice.max.request.entries': int(100_000, { check: atLeast(1000), use: 'acted', doc: 'Elements of arrays that one request may have, a long string counting for several; the connection of one with more is closed.' }),
  'sluice.tail.cache.bytes': long(16_777_216, { check: atLeast(0), use: 'acted', doc: 'Memory for the newest batches of all partitions, from which consumers near the end are served; 0 for none.' }),
  'sluice.validate.records': boolean(false, { use: 'acted', doc: 'Whether every record inside a batch is checked on arrival, as Kafka does, and not the header of the batch alone.' }),
}
