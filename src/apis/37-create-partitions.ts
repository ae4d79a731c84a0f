/** CreatePartitions, versions 0–3. `count` is how many partitions there are to be in all. */
import { ErrorCode } from '../wire/error-codes.ts'
import { createPartitionsRequest, createPartitionsResponse } from '../wire/schemas/37-create-partitions.ts'
import { handler } from './handler.ts'
import { changingPartitions } from './partition-changes.ts'
import { repeated } from './repeated.ts'

/** Clients of this version know that a quota on changes may refuse them (KIP-599). */
const FIRST_STRICT_VERSION = 3

export const createPartitions = handler({
  request: createPartitionsRequest,
  response: createPartitionsResponse,
  minVersion: 0,
  maxVersion: 3,

  async handle(context, request, services) {
    const twice = repeated(request.topics.map(({ name }) => name))
    const topics = request.topics.filter(({ name }) => !twice.has(name))
    const { validateOnly } = request
    const outcomes = await changingPartitions(context, FIRST_STRICT_VERSION, services, (take) =>
      services.controller.createPartitions(topics, { validateOnly, take }),
    )
    for (const outcome of outcomes) context.refusedWith(outcome?.errorCode ?? ErrorCode.NONE)
    return {
      results: [
        ...Array.from(twice, (name) => ({
          name,
          errorCode: ErrorCode.INVALID_REQUEST,
          errorMessage: 'Duplicate topic name.',
        })),
        ...topics.map(({ name }, index) => ({
          name,
          errorCode: outcomes[index]?.errorCode ?? ErrorCode.NONE,
          errorMessage: outcomes[index]?.message ?? null,
        })),
      ],
    }
  },

  refuse: (request, errorCode) => ({
    results: request.topics.map(({ name }) => ({ name, errorCode })),
  }),
})
