/**
 * The operations that a client may do, as the bit sets that answers carry: bit n stands for Kafka's `AclOperation`
 * with code n. Without an authorizer a client may do all that the kind of resource supports.
 */
const READ = 3
const WRITE = 4
const CREATE = 5
const DELETE = 6
const ALTER = 7
const DESCRIBE = 8
const CLUSTER_ACTION = 9
const DESCRIBE_CONFIGS = 10
const ALTER_CONFIGS = 11
const IDEMPOTENT_WRITE = 12

export const TOPIC_OPERATIONS = bits(
  READ,
  WRITE,
  CREATE,
  DELETE,
  ALTER,
  DESCRIBE,
  DESCRIBE_CONFIGS,
  ALTER_CONFIGS,
)
export const GROUP_OPERATIONS = bits(READ, DELETE, DESCRIBE, DESCRIBE_CONFIGS, ALTER_CONFIGS)
export const CLUSTER_OPERATIONS = bits(
  CREATE,
  ALTER,
  DESCRIBE,
  CLUSTER_ACTION,
  DESCRIBE_CONFIGS,
  ALTER_CONFIGS,
  IDEMPOTENT_WRITE,
)
/** Kafka's sign that the client did not ask. */
export const OPERATIONS_NOT_ASKED = -(2 ** 31)

function bits(...operations: number[]): number {
  return operations.reduce((set, operation) => set | (1 << operation), 0)
}
