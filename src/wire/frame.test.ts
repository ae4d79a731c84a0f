import { expect, test } from 'vitest'
import { type Bytes, inMemory } from '../base/file-slice.ts'
import { type Api, apiByKey } from './apis.ts'
import { decode } from './codec.ts'
import { ErrorCode } from './error-codes.ts'
import {
  encodeRequest,
  encodeResponse,
  FRAME_LENGTH_BYTES,
  readRequestHead,
  readResponseHead,
  requestHeaderVersion,
  responseHeaderVersion,
} from './frame.ts'
import { Reader } from './reader.ts'
import { fetchResponse } from './schemas/01-fetch.ts'
import { apiVersionsResponse } from './schemas/18-api-versions.ts'
import { WireError } from './wire-error.ts'

function api(key: number): Api {
  const found = apiByKey(key)
  if (found === undefined) throw new Error(`no API ${key}`)
  return found
}

/** The content of a frame, its length checked. */
function content(parts: readonly Bytes[]): Buffer {
  const frame = Buffer.concat(inMemory(parts))
  expect(frame.readInt32BE()).toBe(frame.length - FRAME_LENGTH_BYTES)
  return frame.subarray(FRAME_LENGTH_BYTES)
}

function hexReader(hex: string): Reader {
  return new Reader(Buffer.from(hex, 'hex'))
}

test('an ApiVersions answer has header version 0 in every version, even a flexible one', () => {
  for (const version of [0, 1, 2, 3, 4, 99]) expect(responseHeaderVersion(api(18), version)).toBe(0)
  const frame = content(encodeResponse(api(18), 3, 7, { errorCode: 0, apiKeys: [] }))
  // correlation id, error 0, no keys, throttle time 0, no tagged fields: nothing between id and error
  expect(frame.toString('hex')).toBe(`00000007${'0000'}${'01'}${'00000000'}${'00'}`)
})

test('other flexible answers have header version 1, with its tagged fields', () => {
  expect(responseHeaderVersion(api(1), 11)).toBe(0)
  expect(responseHeaderVersion(api(1), 12)).toBe(1)
  const frame = content(encodeResponse(api(12), 4, 7, { errorCode: 0 }))
  expect(frame.toString('hex')).toBe(`00000007${'00'}${'00000000'}${'0000'}${'00'}`)
})

test('flexible requests have header version 2, where the client id keeps its old length prefix', () => {
  expect(requestHeaderVersion(api(12), 3)).toBe(1)
  expect(requestHeaderVersion(api(12), 4)).toBe(2)
  const head = readRequestHead(hexReader('000c000400000005000361626300'))
  expect(head).toEqual({ api: api(12), version: 4, correlationId: 5, clientId: 'abc' })
  const reader = hexReader('000c000300000005ffff')
  expect(readRequestHead(reader)).toEqual({ api: api(12), version: 3, correlationId: 5, clientId: null })
  expect(reader.remaining).toBe(0)
})

test('unknown tagged fields of a header are skipped', () => {
  const reader = hexReader('000c0004000000050003616263010502ffff')
  expect(readRequestHead(reader).clientId).toBe('abc')
  expect(reader.remaining).toBe(0)
})

test('a version that the API does not have is read all the same, so that ApiVersions can be answered', () => {
  const reader = hexReader('0012006300000005000361626300')
  expect(readRequestHead(reader)).toMatchObject({ version: 99, correlationId: 5, clientId: 'abc' })
  // Kafka answers a newer ApiVersions in version 0 with error 35.
  const answer = {
    errorCode: ErrorCode.UNSUPPORTED_VERSION,
    apiKeys: [{ apiKey: 18, minVersion: 0, maxVersion: 4 }],
  }
  const frame = new Reader(content(encodeResponse(api(18), 0, 5, answer)))
  expect(readResponseHead(api(18), 99, frame).correlationId).toBe(5)
  expect(decode(apiVersionsResponse, 0, frame)).toMatchObject(answer)
})

test('a header of an unknown API, cut short or with a client id beyond the frame is refused', () => {
  expect(() => readRequestHead(hexReader('03e7000000000001ffff'))).toThrow(/unknown API key 999/)
  const whole = '000c000400000005000361626300'
  for (let bytes = 0; bytes < whole.length / 2; bytes++) {
    expect(() => readRequestHead(hexReader(whole.slice(0, bytes * 2)))).toThrow(WireError)
  }
  expect(() => readRequestHead(hexReader('000c0004000000057fff61626300'))).toThrow(WireError)
})

test('a request that was written reads back in old and in flexible versions', () => {
  const body = { groupId: 'g', generationId: 3, memberId: 'm' }
  for (const version of [0, 3, 4]) {
    const frame = content(encodeRequest(api(12), version, { correlationId: 9, clientId: 'c' }, body))
    const reader = new Reader(frame)
    expect(readRequestHead(reader)).toEqual({ api: api(12), version, correlationId: 9, clientId: 'c' })
    expect(decode(api(12).request, version, reader)).toEqual({ ...body, groupInstanceId: null })
    expect(reader.remaining).toBe(0)
  }
})

test('large record sets of an answer are part of its frame without a copy, and its length counts them', () => {
  const records = [Buffer.alloc(100_000, 1), Buffer.alloc(50, 2)]
  const partition = { partitionIndex: 0, errorCode: 0, highWatermark: 1, abortedTransactions: null, records }
  const buffers = encodeResponse(api(1), 12, 3, { responses: [{ topic: 't', partitions: [partition] }] })
  expect(buffers).toContain(records[0])
  expect(buffers).toContain(records[1])
  const reader = new Reader(content(buffers))
  expect(readResponseHead(api(1), 12, reader).correlationId).toBe(3)
  expect(decode(fetchResponse, 12, reader).responses[0]?.partitions[0]?.records).toHaveLength(100_050)
})
