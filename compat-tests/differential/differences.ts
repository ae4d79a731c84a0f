import type { Disagreement } from './transcript.ts'

/** A difference from Apache Kafka that is meant. */
export interface Difference {
  readonly scenario: string
  readonly step: RegExp
  readonly path: RegExp
  /** Narrows it down where step and path say too little. */
  readonly when?: (disagreement: Disagreement) => boolean
  readonly reason: string
}

const kafkaSays = (value: unknown) => (disagreement: Disagreement) => disagreement.expected === value

export const differences: readonly Difference[] = [
  {
    scenario: 'discovery',
    step: /^ApiVersions v/,
    path: /^apiKeys\./,
    when: ({ actual }) => actual === undefined,
    reason: 'Only what is served is advertised.',
  },
  {
    scenario: 'discovery',
    step: /^ApiVersions v/,
    path: /^apiKeys\.(GetTelemetrySubscriptions|PushTelemetry)$/,
    when: kafkaSays(undefined),
    reason:
      'GetTelemetrySubscriptions and PushTelemetry, which Kafka advertises where a plugin receives what clients push: here the broker does.',
  },
  {
    scenario: 'discovery',
    step: /^ApiVersions v/,
    path: /^apiKeys\./,
    when: ({ expected, actual }) =>
      /^0-/.test(String(actual)) && String(expected).split('-')[1] === String(actual).split('-')[1],
    reason: 'Versions that Kafka 4 dropped are served to older clients.',
  },
  {
    scenario: 'discovery',
    step: /^ApiVersions v/,
    path: /^(supported|finalized)Features\./,
    when: ({ actual }) => actual === undefined,
    reason: 'A feature is named when all that its level promises is served.',
  },
  {
    scenario: 'discovery',
    step: /^by no name and the zero id v13$/,
    path: /^errorCode$/,
    when: kafkaSays(-1),
    reason: 'Kafka fails on it with an unexpected exception (-1); the request is what is wrong.',
  },
  {
    scenario: 'discovery',
    step: /^a share coordinator v[456]$/,
    path: /errorCode$|errorMessage$/,
    reason: 'Share groups are not served: refused with an error that clients do not retry.',
  },
  {
    scenario: 'topics',
    step: /^partitions of (a missing topic|an empty name) v/,
    path: /errorMessage$/,
    when: kafkaSays(null),
    reason: 'Kafka refuses these without a text; ours says what is wrong, and clients show it.',
  },
  {
    scenario: 'described',
    step: /^an empty name$/,
    path: /errorCode$|topicAuthorizedOperations$/,
    reason: 'Kafka fails on it with an unexpected exception (-1); the name is what is wrong.',
  },
  {
    scenario: 'topic-rules',
    step: /^grow: (good ones beside bad ones|an illegal name|the cluster metadata)$/,
    path: /errorMessage$/,
    when: kafkaSays(null),
    reason: 'Kafka refuses these without a text; ours says what is wrong, and clients show it.',
  },
  {
    scenario: 'configs',
    step: /^(a missing topic|several) v/,
    path: /errorMessage$/,
    when: kafkaSays(''),
    reason: 'Kafka refuses these without a text; ours says what is wrong, and clients show it.',
  },
  {
    scenario: 'configs',
    step: /^an? (unknown|negative) operation v/,
    path: /./,
    when: ({ expected }) => expected === -1 || expected === null,
    reason: 'Kafka fails on it with an unexpected exception (-1); the request is what is wrong.',
  },
  {
    scenario: 'configs',
    step: /^all of the broker$/,
    path: /^sluice\./,
    reason: 'Our own keys.',
  },
  {
    scenario: 'configs',
    step: /^all of the broker$/,
    path: /^(advertised\.listeners|broker\.id|node\.id|process\.roles|log\.dirs|listeners|listener\.security\.protocol\.map|controller\.(listener\.names|quorum\.voters))\./,
    reason: 'What a Kafka has to be told to start, Sluice has defaults for: src/config/deviations.ts.',
  },
  {
    scenario: 'configs',
    step: /^all of the broker$/,
    path: /^group\.initial\.rebalance\.delay\.ms\.synonyms/,
    reason: 'The default is 0: src/config/deviations.ts.',
  },
  {
    scenario: 'config-resources',
    step: /^client metrics: match='client_id=\(a\)\\1'$/,
    path: /./,
    reason: 'Patterns are RE2, which has no backreferences: hostile ones cannot stall the broker.',
  },
  {
    scenario: 'quotas',
    step: /^(infinitely much|no number) v/,
    path: /error(Code|Message)$/,
    reason:
      'Kafka takes an infinite percentage, or none that is a number, and limits nothing by it; here it is refused.',
  },
  {
    scenario: 'produce',
    step: /./,
    path: /errorMessage$/,
    when: kafkaSays(null),
    reason: 'Kafka refuses these without a text; ours says what is wrong, and clients show it.',
  },
  {
    scenario: 'idempotence',
    step: /./,
    path: /errorMessage$/,
    when: kafkaSays(null),
    reason: 'Kafka refuses these without a text; ours says what is wrong, and clients show it.',
  },
  {
    scenario: 'produce',
    step: /^batch: an unknown codec$/,
    path: /errorCode$|logStartOffset$/,
    reason: 'Kafka fails on the codec with an unexpected exception (-1); the batch is what is wrong.',
  },
  {
    scenario: 'produce',
    step: /^batches as they were stored$/,
    path: /records\[\d+\]$/,
    when: ({ expected, actual }) => actual === undefined && /of a further batch$/.test(String(expected)),
    reason: 'Kafka cuts a batch off at the limit, which consumers throw away; ours ends with a whole one.',
  },
  {
    scenario: 'fetch',
    step: /^a partition limit of \d+$|^a limit of \d+ for two partitions$/,
    path: /records\[\d+\]$/,
    when: ({ expected, actual }) => actual === undefined && /of a further batch$/.test(String(expected)),
    reason: 'Kafka cuts a batch off at the limit, which consumers throw away; ours ends with a whole one.',
  },
  {
    scenario: 'fetch',
    step: /^a partition limit of -1$|^a limit of -1 for two partitions$/,
    path: /./,
    reason: 'Kafka fails on a negative limit with an unexpected exception (-1); here it is as good as 0.',
  },
  {
    scenario: 'fetch',
    step: /^an unknown isolation level$/,
    path: /./,
    reason:
      'Kafka fails on it with an unexpected exception (-1); here all but 1 reads what is not committed.',
  },
  {
    scenario: 'fetch',
    step: /^a follower that is none$/,
    path: /^nodeEndpoints/,
    reason: 'Kafka names the leader without its address when the leader is itself; ours gives both.',
  },
  {
    scenario: 'consumer-offsets',
    step: /^fetch as no member in an epoch v/,
    path: /errorCode$/,
    when: kafkaSays(-1),
    reason: 'Kafka fails on it with an unexpected exception (-1); nobody is no member.',
  },
  {
    scenario: 'transaction-records',
    step: / v\d+$/,
    path: /errorMessage$/,
    when: kafkaSays(null),
    reason: 'Kafka refuses these without a text; ours says what is wrong, and clients show it.',
  },
  {
    scenario: 'transaction-records',
    step: /: one batch from \d+$/,
    path: /abortedTransactions\[\d\]$/,
    when: ({ actual }) => actual === undefined,
    reason:
      'Kafka names what was aborted up to the next entry of the offset index; ours only where records are sent.',
  },
  {
    scenario: 'transaction-records',
    step: /^markers: an old epoch v/,
    path: /errorCode$/,
    when: kafkaSays(-1),
    reason: 'Kafka fails on a negative epoch with an unexpected exception (-1); the epoch is what is wrong.',
  },
  {
    scenario: 'legacy-fetch',
    step: /^(zstd first|a topic of zstd|at the end of a topic of zstd) v/,
    path: /records$/,
    when: kafkaSays(null),
    reason: 'Kafka 3.9 refuses with null for records, which clients of the time cannot read; ours has none.',
  },
  {
    scenario: 'legacy-fetch',
    step: /^a tiny limit of the partition v[012]$/,
    path: /records\[0\]$/,
    when: kafkaSays(undefined),
    reason:
      'A batch above the limit: Kafka 3.9 sends nothing, and old consumers wait for ever. Ours sends what fits, cut off, as the brokers of their time did.',
  },
  {
    scenario: 'legacy-fetch',
    step: /^from offset \d v[23]$/,
    path: /records\[\d+\]$/,
    when: kafkaSays(undefined),
    reason:
      'Kafka 3.9 sends as many bytes as the records have in the log, and cuts off what goes beyond; ours fills the limit.',
  },
  {
    scenario: 'legacy-lookups',
    step: /^fewer than none v0$/,
    path: /errorCode$/,
    when: kafkaSays(-1),
    reason: 'Kafka fails on a negative count with an unexpected exception (-1); here it is as good as 0.',
  },
  {
    scenario: 'legacy-offsets',
    step: /^commit.* v0$/,
    path: /./,
    when: ({ expected }) => expected === 35 || expected === -1 || expected === '',
    reason: 'Version 0 spoke to ZooKeeper, which Kafka 3.9 may run without; here it is kept where all are.',
  },
  {
    scenario: 'legacy-admin',
    step: /^configs of (a topic|the broker) v0$/,
    path: /isDefault$/,
    when: ({ expected, actual }) => expected === false && actual === true,
    reason: 'Kafka 3.9 forgets to say of a config that it is the default; brokers of the time did.',
  },
  {
    scenario: 'legacy-admin',
    step: /^configs of a missing topic v0$/,
    path: /errorMessage$/,
    when: kafkaSays(''),
    reason: 'Kafka refuses these without a text; ours says what is wrong, and clients show it.',
  },
  {
    scenario: 'legacy-topics',
    step: /^with too many replicas v1$/,
    path: /errorMessage$/,
    reason: 'The text is that of Kafka 4.3.',
  },
]
