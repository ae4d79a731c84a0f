/** What the requests about ACLs have in common. */
import type { RequestContext } from './handler.ts'

export const NO_AUTHORIZER = 'No Authorizer is configured.'

/** Kafka's code for a kind of resource, pattern, operation or permission that it doesn't know. */
const UNKNOWN = 0

/** Kafka takes a request with such an element for one that it cannot read, and closes the connection. */
export function closeOnUnknownElement(context: RequestContext, elements: readonly number[]): boolean {
  if (!elements.includes(UNKNOWN)) return false
  context.closeConnection('a request about ACLs has an unknown element')
  return true
}
