import type { Session } from './session.ts'

/** A sequence of requests that says everything about one subject. Topics and groups carry the subject in their names. */
export interface Scenario {
  readonly name: string
  /** The Apache Kafka that is asked, where it is not the one of today. */
  readonly judge?: '3.9.1'
  run(session: Session): Promise<void>
}

/** With what both brokers run: the records have fixed timestamps of long ago, which retention would delete. */
export const BROKER_CONFIG: Readonly<Record<string, string>> = {
  'log.retention.ms': '-1',
  'group.initial.rebalance.delay.ms': '0',
  'offsets.topic.num.partitions': '3',
  'offsets.topic.replication.factor': '1',
  'transaction.state.log.replication.factor': '1',
  'transaction.state.log.min.isr': '1',
  'transaction.abort.timed.out.transaction.cleanup.interval.ms': '200',
  'share.coordinator.state.topic.replication.factor': '1',
  'share.coordinator.state.topic.min.isr': '1',
}
