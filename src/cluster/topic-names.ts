/** Names of topics: what is allowed, what collides, what is internal (Kafka's `org.apache.kafka.common.internals.Topic`). */

export const GROUP_METADATA_TOPIC = '__consumer_offsets'
export const TRANSACTION_STATE_TOPIC = '__transaction_state'
export const SHARE_GROUP_STATE_TOPIC = '__share_group_state'
/** Kafka's own metadata log; no client may make a topic of that name. */
export const CLUSTER_METADATA_TOPIC = '__cluster_metadata'

const INTERNAL_TOPICS: ReadonlySet<string> = new Set([
  GROUP_METADATA_TOPIC,
  TRANSACTION_STATE_TOPIC,
  SHARE_GROUP_STATE_TOPIC,
])

export function isInternalTopic(name: string): boolean {
  return INTERNAL_TOPICS.has(name)
}

const MAX_NAME_LENGTH = 249
const LEGAL_NAME = /^[a-zA-Z0-9._-]+$/

/** Why `name` cannot be a topic's name, in Kafka's words; undefined where it can. */
export function topicNameProblem(name: string): string | undefined {
  const reason = nameProblem(name)
  return reason === undefined ? undefined : `Topic name is invalid: ${reason}`
}

function nameProblem(name: string): string | undefined {
  if (name === '') return 'the empty string is not allowed'
  if (name === '.' || name === '..') return `'${name}' is not allowed`
  if (name.length > MAX_NAME_LENGTH) {
    return `the length of '${name}' is longer than the max allowed length ${MAX_NAME_LENGTH}`
  }
  if (!LEGAL_NAME.test(name)) {
    return `'${name}' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'`
  }
  return undefined
}

/** Names that differ only in `.` and `_` share this form: their metric names would collide. */
export function unifiedTopicName(name: string): string {
  return name.replaceAll('.', '_')
}

/** True where a name can collide at all. */
export function hasCollisionCharacters(name: string): boolean {
  return name.includes('.') || name.includes('_')
}
