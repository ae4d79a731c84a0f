/** ListGroups, versions 0–5. v4: by state; v5: by type. Filters are compared without regard to case. */
import { ErrorCode } from '../wire/error-codes.ts'
import { listGroupsRequest, listGroupsResponse } from '../wire/schemas/16-list-groups.ts'
import { handler } from './handler.ts'

export const listGroups = handler({
  request: listGroupsRequest,
  response: listGroupsResponse,
  minVersion: 0,
  maxVersion: 5,

  async handle(_context, request, { groups }) {
    // Every partition of `__consumer_offsets` goes through them.
    const statesFilter = withoutNoise(request.statesFilter, STATES)
    const typesFilter = withoutNoise(request.typesFilter, TYPES)
    const replies = await groups.executeOnAll({
      type: 'listGroups',
      request: { ...request, statesFilter, typesFilter },
    })
    // Groups that another broker coordinates, or nobody, are not this one's to list.
    const failed = replies.find(
      ({ errorCode }) => errorCode !== ErrorCode.NONE && errorCode !== ErrorCode.NOT_COORDINATOR,
    )
    return {
      errorCode: failed?.errorCode ?? ErrorCode.NONE,
      groups: replies.flatMap((reply) => reply.groups),
    }
  },

  refuse: (_request, errorCode) => ({ errorCode, groups: [] }),
})

const STATES: ReadonlySet<string> = new Set([
  'empty',
  'preparingrebalance',
  'completingrebalance',
  'stable',
  'dead',
  'assigning',
  'reconciling',
])
const TYPES: ReadonlySet<string> = new Set(['classic', 'consumer'])

/** Those that name something, and one of the others: a filter that names nothing known matches nothing. */
function withoutNoise(filters: readonly string[], known: ReadonlySet<string>): string[] {
  const isKnown = (filter: string) => known.has(filter.trim().toLowerCase())
  const other = filters.find((filter) => !isKnown(filter))
  return [...new Set(filters.filter(isKnown)), ...(other === undefined ? [] : [other])]
}
