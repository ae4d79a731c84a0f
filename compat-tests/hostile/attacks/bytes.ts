/** Bytes that are no requests, or nearly. */

import { servedRanges } from '../../../src/apis/table.ts'
import { broadRequests } from '../../../src/testing/broad-requests.ts'
import type { SeededRandom } from '../../../src/testing/seeded-random.ts'
import { apis } from '../../../src/wire/apis.ts'
import { metadataRequest, metadataResponse } from '../../../src/wire/schemas/03-metadata.ts'
import type { Attack, AttackContext, Peer } from '../attack.ts'
import {
  absurdLength,
  framed,
  mutated,
  randomBody,
  truncated,
  type ValidRequest,
  validRequests,
} from '../frames.ts'
import { deleteTopics, WELL_BEHAVED_TOPIC } from '../topics.ts'

const CONNECTIONS = 16

/** Requests of every API and version one after the other, in an order of chance, until time is over. */
async function spoiled(
  context: AttackContext,
  spoil: (request: ValidRequest, random: SeededRandom) => Buffer,
): Promise<void> {
  const requests = context.random.shuffled(validRequests())
  let next = 0
  const work = async () => {
    let peer: Peer | undefined
    while (!context.isOver()) {
      if (peer === undefined || peer.isClosed) peer = await context.peer()
      const frames = Array.from({ length: context.random.integer(1, 4) }, () =>
        framed(spoil(requests[next++ % requests.length]!, context.random)),
      )
      const heard = peer.heard()
      await peer.send(Buffer.concat(frames))
      await heard
    }
  }
  await Promise.all(Array.from({ length: CONNECTIONS }, work))
}

/** What happened to be right made topics. */
async function removeTopics(context: AttackContext): Promise<void> {
  const client = await context.client()
  const { topics } = await client.send(metadataRequest, metadataResponse, 12, { topics: null })
  const made = (topics ?? []).filter(({ name, isInternal }) => !isInternal && name !== WELL_BEHAVED_TOPIC)
  await deleteTopics(
    client,
    made.flatMap(({ name }) => name ?? []),
  )
}

export const mutatedBodies: Attack = {
  name: 'every API, mutated bodies',
  cleanUp: removeTopics,
  run: (context) => spoiled(context, mutated),
}

export const truncatedBodies: Attack = {
  name: 'every API, truncated bodies',
  run: (context) => spoiled(context, truncated),
}

export const randomBodies: Attack = {
  name: 'every API, random bodies',
  run: (context) => spoiled(context, randomBody),
}

export const absurdLengths: Attack = {
  name: 'every API, absurd lengths within',
  cleanUp: removeTopics,
  run: (context) => spoiled(context, absurdLength),
}

const FRAME_LENGTHS = [-1, -(2 ** 31), 0, 1, 2, 2 ** 31 - 1, 100 * 1024 * 1024 + 1]
const CLIENT_HELLO = Buffer.from('16030100f8010000f40303', 'hex')
const OTHER_PROTOCOLS = [
  Buffer.concat([CLIENT_HELLO, Buffer.alloc(500, 7)]),
  Buffer.from('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'),
  Buffer.from('POST /topics HTTP/1.1\r\nContent-Length: 100000\r\n\r\n'),
  Buffer.from('SSH-2.0-OpenSSH_9.9\r\n'),
  Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
  Buffer.alloc(100_000),
  Buffer.alloc(100_000, 0xff),
]

/** Connections that come, send one thing, and are closed. */
async function oneByOne(context: AttackContext, bytes: () => Buffer): Promise<void> {
  const work = async () => {
    while (!context.isOver()) {
      const peer = await context.peer()
      await peer.send(bytes())
      await peer.heard()
      peer.destroy()
    }
  }
  await Promise.all(Array.from({ length: CONNECTIONS }, work))
}

export const frameLengths: Attack = {
  name: 'frames of absurd lengths',
  run: (context) => oneByOne(context, () => framed(Buffer.alloc(8), context.random.pick(FRAME_LENGTHS))),
}

export const otherProtocols: Attack = {
  name: 'TLS, HTTP and others on the port',
  run: (context) => oneByOne(context, () => context.random.pick(OTHER_PROTOCOLS)),
}

const BROAD_ENTRIES = 90_000
const TOO_BROAD_ENTRIES = 2_000_000

/** Of the newest version of every API, valid in all but their size. */
function broadAttack(name: string, entries: number, paths: (path: string) => boolean): Attack {
  return {
    name,
    cleanUp: removeTopics,
    async run(context) {
      let peer = await context.peer()
      const ranges = context.random.shuffled(servedRanges)
      for (let at = 0; !context.isOver(); at++) {
        const range = ranges[at % ranges.length]!
        const api = apis.find(({ key }) => key === range.apiKey)!
        for (const { path, bytes } of broadRequests(api, range.maxVersion, entries)) {
          if (context.isOver()) break
          if (!paths(path)) continue
          if (peer.isClosed) peer = await context.peer()
          const heard = peer.heard()
          await peer.send(bytes)
          await heard
        }
      }
    },
  }
}

export const broad = broadAttack(
  'as many valid entries as may be',
  BROAD_ENTRIES,
  (path) => !path.endsWith('in many'),
)
export const tooBroad = broadAttack(
  'far more valid entries',
  TOO_BROAD_ENTRIES,
  (path) => !path.includes('.'),
)
