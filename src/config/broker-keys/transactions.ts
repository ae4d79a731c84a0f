import { atLeast } from '../checks.ts'
import { boolean, int, short } from '../table.ts'

/** Transaction coordinator and idempotent producers. */
// biome-ignore format: a table reads by the line
export const transactionsKeys = {
  'add.partitions.to.txn.retry.backoff.max.ms': int(100, { check: atLeast(0), doc: 'Longest pause before AddPartitionsToTxn is tried again by the broker.' }),
  'add.partitions.to.txn.retry.backoff.ms': int(20, { check: atLeast(1), doc: 'First pause before AddPartitionsToTxn is tried again by the broker.' }),
  'producer.id.expiration.ms': int(86_400_000, { check: atLeast(1), use: 'acted', update: 'cluster-wide', doc: 'Silence after which a partition forgets a producer id.' }),
  'transaction.abort.timed.out.transaction.cleanup.interval.ms': int(10_000, { check: atLeast(1), use: 'acted', doc: 'How often transactions past their timeout are looked for and aborted.' }),
  'transaction.max.timeout.ms': int(900_000, { check: atLeast(1), use: 'acted', doc: 'Largest timeout that a transactional producer may ask for.' }),
  'transaction.partition.verification.enable': boolean(true, { use: 'acted', update: 'cluster-wide', doc: "Whether a transactional write is checked against its transaction's partitions." }),
  'transaction.remove.expired.transaction.cleanup.interval.ms': int(3_600_000, { check: atLeast(1), use: 'acted', doc: 'How often transactional ids past their expiry are looked for and removed.' }),
  'transaction.state.log.load.buffer.size': int(5_242_880, { check: atLeast(1), doc: 'Bytes read at a time when transaction state is loaded; a larger batch is read all the same.' }),
  'transaction.state.log.min.isr': int(2, { check: atLeast(1), use: 'acted', doc: 'In-sync replicas that a write to the transaction topic needs, at most the live brokers.' }),
  'transaction.state.log.num.partitions': int(50, { check: atLeast(1), use: 'acted', doc: 'Partitions of the transaction topic; not to be changed once it exists.' }),
  'transaction.state.log.replication.factor': short(3, { check: atLeast(1), use: 'acted', doc: 'Replicas of the transaction topic, at most the live brokers.' }),
  'transaction.state.log.segment.bytes': int(104_857_600, { check: atLeast(1), use: 'acted', doc: 'Segment size of the transaction topic; 1 MiB where it is less.' }),
  'transaction.two.phase.commit.enable': boolean(false, { doc: 'Whether producers may take part in two-phase commits that outlast their timeout.' }),
  'transactional.id.expiration.ms': int(604_800_000, { check: atLeast(1), use: 'acted', doc: 'Silence after which a transactional id is forgotten.' }),
}
