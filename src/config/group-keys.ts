import { atLeast, oneOf, shareOffsetReset } from './checks.ts'
import { boolean, int, string } from './table.ts'

/** Keys of a group, of every kind of group. Kafka: `GroupConfig`. */
// biome-ignore format: a table reads by the line
export const groupKeys = {
  'consumer.assignment.interval.ms': int(1000, { check: atLeast(0), use: 'acted', doc: 'Pause between two assignments of the group.' }),
  'consumer.heartbeat.interval.ms': int(5000, { check: atLeast(1), use: 'acted', doc: "Heartbeat interval given to the group's members." }),
  'consumer.session.timeout.ms': int(45_000, { check: atLeast(1), use: 'acted', doc: 'Silence after which a member is removed.' }),
  'share.assignment.interval.ms': int(1000, { check: atLeast(0), doc: 'Pause between two assignments of the group.' }),
  'share.auto.offset.reset': string('latest', { check: shareOffsetReset, doc: 'Where a share group begins to read a partition: `latest`, `earliest`, or `by_duration:` and a duration before now.' }),
  'share.delivery.count.limit': int(5, { check: atLeast(2), doc: 'Deliveries after which a record counts as failed.' }),
  'share.heartbeat.interval.ms': int(5000, { check: atLeast(1), doc: "Heartbeat interval given to the group's members." }),
  'share.isolation.level': string('read_uncommitted', { check: oneOf('read_committed', 'read_uncommitted'), doc: 'Whether a share group sees records of transactions that are open or aborted.' }),
  'share.partition.max.record.locks': int(2000, { check: atLeast(100), doc: 'Most records of a partition that the group may hold unacknowledged.' }),
  'share.record.lock.duration.ms': int(30_000, { check: atLeast(1000), doc: 'How long a delivered record stays with its consumer before it is delivered again.' }),
  'share.renew.acknowledge.enable': boolean(true, { doc: 'Whether a consumer may ask for more time for a record.' }),
  'share.session.timeout.ms': int(45_000, { check: atLeast(1), doc: 'Silence after which a member is removed.' }),
  'streams.assignment.interval.ms': int(1000, { check: atLeast(0), doc: 'Pause between two assignments of the group.' }),
  'streams.heartbeat.interval.ms': int(5000, { check: atLeast(1), doc: "Heartbeat interval given to the group's members." }),
  'streams.initial.rebalance.delay.ms': int(3000, { check: atLeast(0), doc: 'How long the first assignment of an empty group waits for more members.' }),
  'streams.num.standby.replicas': int(0, { check: atLeast(0), doc: 'Standby copies of each task.' }),
  'streams.session.timeout.ms': int(45_000, { check: atLeast(1), doc: 'Silence after which a member is removed.' }),
}
