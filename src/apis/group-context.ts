/** What a group command is told of its request. */
import type { RequestContext as GroupRequestContext } from '../groups/commands.ts'
import type { RequestContext } from './handler.ts'

/** A host is written as Java prints an address without a name: tools show it so, and Kafka stores it so. */
export function groupContext(context: RequestContext): GroupRequestContext {
  return {
    version: context.apiVersion,
    clientId: context.clientId ?? '',
    clientHost: `/${context.clientHost}`,
  }
}
