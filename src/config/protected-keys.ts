import { brokerKey } from './broker-keys.ts'

/** Keys that Kafka's authorizer and its listeners know beside the table, and that guard something. */
const OTHERS =
  /^(?:super\.users|(?:ssl|sasl)\..+|listener\.name\..+\.(?:ssl|sasl)\..+|config\.providers\..+)$/

/**
 * Why a broker must not start with this key: it asks for protection that is not served yet, and to ignore it would
 * leave open what the user believes closed. Undefined for every other key. An empty value asks for nothing.
 */
export function protectionOf(name: string, text: string): string | undefined {
  const guards = brokerKey(name)?.use === 'protected' || OTHERS.test(name)
  if (guards && text.trim() !== '')
    return `${name} is set, but what it protects is not served yet: remove it to start without that protection`
  if (name === 'security.inter.broker.protocol' && /^(?:SSL|SASL_PLAINTEXT|SASL_SSL)$/.test(text.trim()))
    return `${name} is ${text.trim()}, which is not served yet: only PLAINTEXT is`
  return undefined
}
