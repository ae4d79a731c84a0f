import { atLeast, distinct } from '../checks.ts'
import { className, int, list, long, string } from '../table.ts'

/** Policies, metrics, quotas and telemetry. */
// biome-ignore format: a table reads by the line
export const operationsKeys = {
  'alter.config.policy.class.name': className(null, { doc: 'Java class that judges changes of configurations.' }),
  'client.quota.callback.class': className(null, { doc: 'Java class that decides on quotas.' }),
  'config.providers': list([], { check: distinct, use: 'protected', update: 'cluster-wide', doc: 'Names of providers from which other values are read.' }),
  'create.topic.policy.class.name': className(null, { doc: 'Java class that judges new topics.' }),
  'kafka.metrics.polling.interval.secs': int(10, { check: atLeast(1), doc: "How often Kafka's older reporters are called." }),
  'kafka.metrics.reporters': list([], { check: distinct, doc: "Java classes that report Kafka's older metrics." }),
  'metric.reporters': list(['org.apache.kafka.common.metrics.JmxReporter'], { check: distinct, update: 'cluster-wide', doc: 'Java classes that report metrics; see `sluice.http.listener` for metrics here.' }),
  'metrics.num.samples': int(2, { check: atLeast(1), doc: "Samples kept for each of Kafka's metrics." }),
  'metrics.recording.level': string('INFO', { doc: "Detail of Kafka's metrics." }),
  'metrics.sample.window.ms': long(30_000, { check: atLeast(1), doc: "Length of a sample of Kafka's metrics." }),
  'quota.window.num': int(11, { check: atLeast(1), use: 'acted', doc: 'Samples kept for the quotas of clients.' }),
  'quota.window.size.seconds': int(1, { check: atLeast(1), use: 'acted', doc: 'Length of a sample of the quotas of clients.' }),
  'telemetry.max.bytes': int(1_048_576, { check: atLeast(1), use: 'acted', doc: 'Largest report of metrics that a client may push.' }),
}
