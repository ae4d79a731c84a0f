import type { Scenario } from './scenario.ts'
import { clusterAdmin } from './scenarios/cluster-admin.ts'
import { configResources } from './scenarios/config-resources.ts'
import { configs } from './scenarios/configs.ts'
import { consumerGroups } from './scenarios/consumer-groups.ts'
import { consumerOffsets } from './scenarios/consumer-offsets.ts'
import { described } from './scenarios/described.ts'
import { discovery } from './scenarios/discovery.ts'
import { features } from './scenarios/features.ts'
import { fetching, fetchSessions } from './scenarios/fetch.ts'
import { groups } from './scenarios/groups.ts'
import { idempotence } from './scenarios/idempotence.ts'
import { legacyScenarios } from './scenarios/legacy.ts'
import { legacyLogDirs, logDirs } from './scenarios/log-dirs.ts'
import { lookups } from './scenarios/lookups.ts'
import { offsets } from './scenarios/offsets.ts'
import { produce } from './scenarios/produce.ts'
import { quotas } from './scenarios/quotas.ts'
import { topicRules } from './scenarios/topic-rules.ts'
import { topics } from './scenarios/topics.ts'
import { transactionEnds } from './scenarios/transaction-ends.ts'
import { transactionRecords } from './scenarios/transaction-records.ts'
import { transactions } from './scenarios/transactions.ts'

/** In the order in which they are recorded, all of one judge on one Kafka. */
export const scenarios: readonly Scenario[] = [
  discovery,
  topics,
  topicRules,
  described,
  logDirs,
  configs,
  configResources,
  features,
  clusterAdmin,
  lookups,
  produce,
  idempotence,
  fetching,
  fetchSessions,
  groups,
  offsets,
  consumerGroups,
  consumerOffsets,
  quotas,
  transactions,
  transactionEnds,
  transactionRecords,
  ...legacyScenarios,
  legacyLogDirs,
]
