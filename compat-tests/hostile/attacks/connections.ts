/** Connections that are there and give nothing, or take nothing. */
import { setTimeout as delay } from 'node:timers/promises'
import { encodeBatch } from '../../../src/wire/records.ts'
import { produceRequest } from '../../../src/wire/schemas/00-produce.ts'
import { fetchRequest } from '../../../src/wire/schemas/01-fetch.ts'
import { metadataRequest } from '../../../src/wire/schemas/03-metadata.ts'
import type { Attack, AttackContext } from '../attack.ts'
import { fetchInput } from '../fetch-input.ts'
import { framed, requestFrame } from '../frames.ts'
import { createTopics, deleteTopics } from '../topics.ts'

const ANNOUNCED_BYTES = 90 * 1024 * 1024
const TOPIC = 'hostile-large'

export const halfFrames: Attack = {
  name: '500 frames of 90 MB, two bytes each',
  async run(context) {
    const frame = framed(Buffer.alloc(2), ANNOUNCED_BYTES)
    for (const peer of await context.peers(500)) await peer.send(frame)
    await context.rest()
  },
}

export const largerHalfFrames: Attack = {
  name: '500 frames of 90 MB, a megabyte each',
  async run(context) {
    const frame = framed(Buffer.alloc(1024 * 1024), ANNOUNCED_BYTES)
    const work = async () => {
      while (!context.isOver()) {
        const peer = await context.peer()
        await peer.send(frame)
        await Promise.race([peer.closed, context.rest()])
      }
    }
    await Promise.all(Array.from({ length: 500 }, work))
  },
}

export const idle: Attack = {
  name: '5,000 connections without a word',
  async run(context) {
    await context.peers(context.scaled(5000, 1000))
    await context.rest()
  },
}

export const churn: Attack = {
  name: 'connections that come and go',
  async run(context) {
    const work = async () => {
      while (!context.isOver()) (await context.peer()).destroy()
    }
    await Promise.all(Array.from({ length: 32 }, work))
  },
}

function fetchAll(): Buffer {
  return requestFrame(fetchRequest, 12, fetchInput(TOPIC, 0, { maxWaitMs: 0, maxBytes: 50_000_000 }))
}

/** 20 MB to be fetched. */
async function fillTopic(context: AttackContext): Promise<void> {
  const client = await context.client()
  await deleteTopics(client, [TOPIC])
  await createTopics(client, [TOPIC])
  const records = encodeBatch({ records: [{ value: Buffer.alloc(900_000, 1) }] })
  const frame = requestFrame(produceRequest, 9, {
    transactionalId: null,
    acks: 0,
    timeoutMs: 1000,
    topicData: [{ name: TOPIC, partitionData: [{ index: 0, records }] }],
  })
  for (let count = 0; count < 22; count++) client.sendRaw(frame)
}

async function removeTopic(context: AttackContext): Promise<void> {
  const client = await context.client()
  await deleteTopics(client, [TOPIC])
  await client.close()
}

export const neverRead: Attack = {
  name: 'clients that send and never read',
  prepare: fillTopic,
  cleanUp: removeTopic,
  async run(context) {
    const frames = Buffer.concat([
      fetchAll(),
      fetchAll(),
      requestFrame(metadataRequest, 12, { topics: null }),
    ])
    const work = async () => {
      while (!context.isOver()) {
        const peer = await context.peer({ reads: false })
        while (!peer.isClosed && !context.isOver()) {
          await peer.send(frames)
          await delay(50)
        }
      }
    }
    await Promise.all(Array.from({ length: 100 }, work))
  },
}

export const slowRead: Attack = {
  name: 'clients that read a byte a second',
  prepare: fillTopic,
  cleanUp: removeTopic,
  async run(context) {
    const work = async () => {
      while (!context.isOver()) {
        const peer = await context.peer({ reads: false })
        // In paused mode, so that nothing but what is read leaves the kernel's buffer and Node's small one.
        peer.socket.on('readable', () => {})
        await peer.send(fetchAll())
        while (!peer.isClosed && !context.isOver()) {
          peer.socket.read(1)
          await delay(Math.min(1000, 200))
        }
      }
    }
    await Promise.all(Array.from({ length: 100 }, work))
  },
}
