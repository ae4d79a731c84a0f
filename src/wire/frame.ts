/**
 * Frames: a length, a header, a message. Requests come with header version 1 or 2, answers with 0 or 1; the
 * versions of API and message decide which. (Header version 0 of requests belonged to ControlledShutdown v0 alone,
 * which no client sends.)
 */

import { type Bytes, inMemory } from '../base/file-slice.ts'
import { invariant } from '../base/invariant.ts'
import { type Api, apiByKey } from './apis.ts'
import { decode, encode } from './codec.ts'
import { isFlexible } from './layout.ts'
import type { Reader } from './reader.ts'
import { requestHeader } from './schemas/request-header.ts'
import { responseHeader } from './schemas/response-header.ts'
import { WireError } from './wire-error.ts'
import { Writer } from './writer.ts'

/** Bytes of the length that stands before each frame and does not count itself. */
export const FRAME_LENGTH_BYTES = 4

/** Key, version and correlation id of a request. */
export const SMALLEST_HEADER_BYTES = 8

const API_VERSIONS_KEY = 18

export interface RequestHead {
  readonly api: Api
  /** As sent: it may be one that the API does not have. */
  readonly version: number
  readonly correlationId: number
  readonly clientId: string | null
}

/**
 * Reads the header of a request, leaving the reader at the body. Throws WireError when it is malformed or of an
 * API that does not exist: its header version is unknown then, so Kafka closes the connection, too. A version that
 * the API does not have is for the caller to answer (ApiVersions) or to refuse.
 */
export function readRequestHead(reader: Reader): RequestHead {
  const { position } = reader
  const key = reader.int16()
  const version = reader.int16()
  const api = apiByKey(key)
  if (api === undefined) throw new WireError(`unknown API key ${key} (version ${version})`)
  reader.position = position
  const header = decode(requestHeader, requestHeaderVersion(api, version), reader)
  return { api, version, correlationId: header.correlationId, clientId: header.clientId }
}

/** Kafka's ApiMessageType.requestHeaderVersion. */
export function requestHeaderVersion(api: Api, version: number): 1 | 2 {
  return isFlexible(api.request, version) ? 2 : 1
}

/**
 * Kafka's ApiMessageType.responseHeaderVersion. An ApiVersions answer always has version 0: a client that does not
 * know yet which versions the broker speaks must be able to read its correlation id and error (KIP-511).
 */
export function responseHeaderVersion(api: Api, version: number): 0 | 1 {
  return api.key !== API_VERSIONS_KEY && isFlexible(api.response, version) ? 1 : 0
}

/** The whole frame of an answer, as parts to be sent one after the other. Throws EncodeError. */
export function encodeResponse(api: Api, version: number, correlationId: number, response: unknown): Bytes[] {
  return frame((writer) => {
    encode(responseHeader, responseHeaderVersion(api, version), { correlationId }, writer)
    encode(api.response, version, response, writer)
  })
}

/** The whole frame of a request, as buffers to be sent one after the other. Throws EncodeError. */
export function encodeRequest(
  api: Api,
  version: number,
  head: { readonly correlationId: number; readonly clientId: string | null },
  request: unknown,
): readonly Buffer[] {
  const parts = frame((writer) => {
    const header = { requestApiKey: api.key, requestApiVersion: version, ...head }
    encode(requestHeader, requestHeaderVersion(api, version), header, writer)
    encode(api.request, version, request, writer)
  })
  return inMemory(parts)
}

/** Reads the header of an answer, leaving the reader at the body; the version is the one that was asked in. */
export function readResponseHead(api: Api, version: number, reader: Reader): { correlationId: number } {
  return decode(responseHeader, responseHeaderVersion(api, version), reader)
}

function frame(write: (writer: Writer) => void): Bytes[] {
  const writer = new Writer()
  writer.reserve(FRAME_LENGTH_BYTES)
  write(writer)
  const size = writer.length - FRAME_LENGTH_BYTES
  const parts = writer.finish()
  // The first part begins with the bytes reserved above.
  const [first] = parts
  invariant(Buffer.isBuffer(first), 'a frame begins in memory')
  first.writeInt32BE(size)
  return parts
}
