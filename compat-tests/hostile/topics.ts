/** Topics that attacks make, and take away again. */
import { newTopic } from '../../src/testing/new-topic.ts'
import type { TestClient } from '../../src/testing/test-client.ts'
import { createTopicsRequest, createTopicsResponse } from '../../src/wire/schemas/19-create-topics.ts'
import { deleteTopicsRequest, deleteTopicsResponse } from '../../src/wire/schemas/20-delete-topics.ts'
import { expectNone } from '../support/expect-none.ts'

/** The topic of the client that is measured. */
export const WELL_BEHAVED_TOPIC = 'well-behaved'
const TIMEOUT_MS = 10_000
const AT_ONCE = 500

export async function createTopics(
  client: TestClient,
  names: readonly string[],
  configs: Readonly<Record<string, string>> = {},
): Promise<void> {
  for (let from = 0; from < names.length; from += AT_ONCE) {
    const { topics } = await client.send(createTopicsRequest, createTopicsResponse, 7, {
      topics: names.slice(from, from + AT_ONCE).map((name) => newTopic(name, 1, configs)),
      timeoutMs: TIMEOUT_MS,
    })
    for (const { name, errorCode } of topics) expectNone(name!, errorCode)
  }
}

/** Those that are there. */
export async function deleteTopics(client: TestClient, names: readonly string[]): Promise<void> {
  for (let from = 0; from < names.length; from += AT_ONCE)
    await client.send(deleteTopicsRequest, deleteTopicsResponse, 5, {
      topicNames: names.slice(from, from + AT_ONCE),
      timeoutMs: TIMEOUT_MS,
    })
}
