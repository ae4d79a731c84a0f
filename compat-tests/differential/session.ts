import { setTimeout as sleep } from 'node:timers/promises'
import { TestClient } from '../../src/testing/test-client.ts'
import { api, type Call, inVersion, withoutDroppedFields } from './apis.ts'
import { Normaliser } from './normalise.ts'

const ANSWER_WITHIN_MS = 15_000
const SETTLED_WITHIN_MS = 15_000
const POLL_MS = 10

/** What a broker answered, by the names of the steps. */
export type Transcript = Map<string, unknown>

interface Shared {
  readonly host: string
  readonly port: number
  readonly normaliser: Normaliser
  readonly transcript: Transcript
  readonly clients: Set<TestClient>
}

/** One connection to a broker that notes every answer in a transcript. */
export class Session {
  readonly #shared: Shared
  readonly #clientId: string | null
  #client: TestClient

  private constructor(shared: Shared, client: TestClient) {
    this.#shared = shared
    this.#client = client
    this.#clientId = client.clientId
    shared.clients.add(client)
  }

  static async connect(host: string, port: number): Promise<Session> {
    const shared = {
      host,
      port,
      normaliser: new Normaliser(port),
      transcript: new Map(),
      clients: new Set<TestClient>(),
    }
    return new Session(shared, await TestClient.connect(host, port, 'differential'))
  }

  /** A further connection with the same transcript. */
  async another(clientId: string | null = this.#clientId): Promise<Session> {
    const { host, port } = this.#shared
    return new Session(this.#shared, await TestClient.connect(host, port, clientId))
  }

  get transcript(): Transcript {
    return this.#shared.transcript
  }

  /** Closes all connections. */
  async close(): Promise<void> {
    await Promise.all(Array.from(this.#shared.clients, (client) => client.close()))
  }

  note(step: string, answer: unknown): void {
    const { transcript, normaliser } = this.#shared
    if (transcript.has(step)) throw new Error(`two steps are called ${step}`)
    transcript.set(step, normaliser.normalise(answer))
  }

  /** Sends and gives the answer without noting it. Fields that the version lacks are left out. */
  async quiet<Input, Value>(
    [request, response]: Call<Input, Value>,
    version: number,
    input: NoInfer<Input>,
  ): Promise<Value> {
    const answer = this.#client
      .send(request, response, version, inVersion(request, version, input))
      // It has every field that the answer's version has.
      .then((value) => withoutDroppedFields(response, version, value) as Value)
    const late = new AbortController()
    try {
      return await Promise.race([
        answer,
        sleep(ANSWER_WITHIN_MS, undefined, { signal: late.signal }).then(() => {
          throw new Error(`no answer to ${request.name} v${version}`)
        }),
      ])
    } finally {
      late.abort()
    }
  }

  /** Sends, notes the answer under the step's name (`part` of it, if given) and gives it. */
  async ask<Input, Value>(
    step: string,
    call: Call<Input, Value>,
    version: number,
    input: NoInfer<Input>,
    part: (answer: Value) => unknown = (answer) => answer,
  ): Promise<Value> {
    try {
      const answer = await this.quiet(call, version, input)
      this.note(step, part(answer))
      return answer
    } catch (error) {
      throw new Error(`step ${step} has no answer`, { cause: error })
    }
  }

  /** As `ask`, again until the answer is `settled`; only that one is noted. */
  async askUntil<Input, Value>(
    step: string,
    call: Call<Input, Value>,
    version: number,
    input: NoInfer<Input>,
    settled: (answer: Value) => boolean,
  ): Promise<Value> {
    const answer = await this.until(call, version, input, settled)
    this.note(step, answer)
    return answer
  }

  /** Notes that the broker closes the connection on a request, or that it answers; then connects anew. */
  async askClosed<Input, Value>(
    step: string,
    call: Call<Input, Value>,
    version: number,
    input: NoInfer<Input>,
  ): Promise<void> {
    try {
      this.note(step, await this.quiet(call, version, input))
    } catch (error) {
      this.note(
        step,
        error instanceof Error && /closed/.test(error.message) ? 'connection closed' : String(error),
      )
    }
    await this.reconnect()
  }

  async reconnect(): Promise<void> {
    await this.#client.close()
    this.#shared.clients.delete(this.#client)
    this.#client = await TestClient.connect(this.#shared.host, this.#shared.port, this.#clientId)
    this.#shared.clients.add(this.#client)
  }

  /** Sends what has no answer, then what has one: notes whether the connection lived that long. */
  async askNothing<Input>(
    step: string,
    [request]: Call<Input, unknown>,
    version: number,
    input: NoInfer<Input>,
  ): Promise<void> {
    this.#client.sendOneWay(request, version, inVersion(request, version, input))
    try {
      await this.quiet(api.apiVersions, 0, {})
      this.note(step, 'no answer')
    } catch (error) {
      this.note(
        step,
        error instanceof Error && /closed/.test(error.message) ? 'connection closed' : String(error),
      )
      await this.reconnect()
    }
  }

  /** Asks again until `settled`, since Kafka's brokers learn of a change after the controller has confirmed it. */
  async until<Input, Value>(
    call: Call<Input, Value>,
    version: number,
    input: NoInfer<Input>,
    settled: (answer: Value) => boolean,
  ): Promise<Value> {
    const deadline = Date.now() + SETTLED_WITHIN_MS
    for (;;) {
      const answer = await this.quiet(call, version, input)
      if (settled(answer)) return answer
      if (Date.now() > deadline) throw new Error(`${call[0].name} does not settle: ${print(answer)}`)
      await sleep(POLL_MS)
    }
  }

  /** Makes a topic and waits until every partition of it is served; gives its id. */
  async makeTopic(name: string, partitions = 1, configs: Record<string, string> = {}): Promise<string> {
    const answer = await this.quiet(api.createTopics, 7, {
      topics: [
        {
          name,
          numPartitions: partitions,
          replicationFactor: 1,
          assignments: [],
          configs: Object.entries(configs).map(([key, value]) => ({ name: key, value })),
        },
      ],
      timeoutMs: 10_000,
      validateOnly: false,
    })
    const topic = answer.topics[0]!
    if (topic.errorCode !== 0) throw new Error(`${name} not made: ${topic.errorMessage}`)
    await this.topicIsServed(name, partitions)
    return this.nameTopic(topic)
  }

  /** Lets the id appear by its topic's name from now on; gives the id. */
  nameTopic({ name, topicId }: { readonly name: string | null; readonly topicId: string }): string {
    this.#shared.normaliser.nameId(topicId, name ?? '')
    return topicId
  }

  /** Waits until the topic's partitions have a leader that serves them. */
  async topicIsServed(name: string, partitions: number): Promise<void> {
    const indexes = Array.from({ length: partitions }, (_, index) => index)
    await this.until(
      api.listOffsets,
      7,
      {
        replicaId: -1,
        isolationLevel: 0,
        topics: [{ name, partitions: indexes.map((partitionIndex) => ({ partitionIndex, timestamp: -1 })) }],
      },
      (answer) => answer.topics[0]!.partitions.every(({ errorCode }) => errorCode === 0),
    )
  }

  /** Waits until the coordinator of a group serves it. */
  async groupIsServed(groupId: string): Promise<void> {
    await this.until(
      api.findCoordinator,
      4,
      { keyType: 0, coordinatorKeys: [groupId] },
      ({ coordinators }) => coordinators[0]!.errorCode === 0,
    )
    await this.until(
      api.offsetFetch,
      8,
      { groups: [{ groupId, topics: [] }], requireStable: false },
      ({ groups }) => groups[0]!.errorCode === 0,
    )
  }
}

export function print(value: unknown): string {
  return JSON.stringify(value, (_key, inner) => (typeof inner === 'bigint' ? `${inner}n` : inner))
}
