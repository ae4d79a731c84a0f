import type { Value } from './values.ts'

/**
 * Where the defaults differ from Kafka's on purpose: a broker has to come up from nothing, alone, on a developer's
 * machine. This is the only place for it.
 */
export const deviations: Readonly<Record<string, { readonly value: Value; readonly why: string }>> = {
  'log.dirs': { value: ['./data'], why: 'A directory that is easy to find and to remove.' },
  listeners: {
    value: ['PLAINTEXT://127.0.0.1:9092'],
    why: 'Nothing is open to other machines unless it is asked for.',
  },
  'node.id': { value: 1, why: 'Kafka has no default; tools expect the first node to be 1.' },
  'process.roles': {
    value: ['broker', 'controller'],
    why: 'Kafka has no default; there is nothing else here that a node could be.',
  },
  'controller.listener.names': {
    value: [],
    why: 'Kafka has no default; there is no KRaft quorum to listen for.',
  },
  'group.initial.rebalance.delay.ms': {
    value: 0,
    why: 'The first consumer of a test gets its partitions at once.',
  },
}

/**
 * Counts of replicas that are lowered to the number of live brokers when an internal topic is created, so that one
 * broker is enough under Kafka's own defaults of 3 and 2.
 */
export const cappedByLiveBrokers: ReadonlySet<string> = new Set([
  'offsets.topic.replication.factor',
  'transaction.state.log.replication.factor',
  'transaction.state.log.min.isr',
  'share.coordinator.state.topic.replication.factor',
  'share.coordinator.state.topic.min.isr',
])

/** The count to use for a key of `cappedByLiveBrokers`: at least 1. */
export function capAtLiveBrokers(configured: number, liveBrokers: number): number {
  return Math.max(1, Math.min(configured, liveBrokers))
}
