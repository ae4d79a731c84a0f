/** OffsetDelete, version 0. A partition that does not exist is refused for itself, as in Kafka. */
import { partitionOf } from '../cluster/metadata/image.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import { offsetDeleteRequest, offsetDeleteResponse } from '../wire/schemas/47-offset-delete.ts'
import { handler } from './handler.ts'

export const offsetDelete = handler({
  request: offsetDeleteRequest,
  response: offsetDeleteResponse,
  minVersion: 0,
  maxVersion: 0,

  async handle(_context, request, { groups, metadata }) {
    const image = metadata.image()
    const known: typeof request.topics = []
    const refused = new Map<string, { partitionIndex: number; errorCode: number }[]>()
    for (const { name, partitions } of request.topics) {
      const existing = partitions.filter(({ partitionIndex }) => partitionOf(image, name, partitionIndex))
      if (existing.length > 0) known.push({ name, partitions: existing })
      const missing = partitions.filter((partition) => !existing.includes(partition))
      if (missing.length === 0) continue
      refused.set(
        name,
        missing.map(({ partitionIndex }) => ({
          partitionIndex,
          errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
        })),
      )
    }
    const reply = await groups.execute(request.groupId, {
      type: 'offsetDelete',
      request: { ...request, topics: known },
    })
    if (reply.errorCode !== ErrorCode.NONE) return reply
    const answered = reply.topics.map(({ name, partitions }) => {
      const more = refused.get(name) ?? []
      refused.delete(name)
      return { name, partitions: [...partitions, ...more] }
    })
    return {
      errorCode: ErrorCode.NONE,
      topics: [...answered, ...Array.from(refused, ([name, partitions]) => ({ name, partitions }))],
    }
  },

  refuse: (_request, errorCode) => ({ errorCode, topics: [] }),
})
