import { compileDecoder, compileEncoder, type Decoder, type Encoder, mayGenerateCode } from './compile.ts'
import { interpretDecode, interpretEncode } from './interpret.ts'
import { Reader } from './reader.ts'
import type { Message, MessageSchema } from './schema.ts'
import { includesVersion } from './versions.ts'
import { EncodeError, WireError } from './wire-error.ts'
import { Writer } from './writer.ts'

/** Codecs of one message, by version; each is made when it is first needed. */
interface Codecs {
  readonly decoders: (Decoder | undefined)[]
  readonly encoders: (Encoder | undefined)[]
}

const cache = new WeakMap<MessageSchema, Codecs>()
let generating: boolean | undefined

/**
 * Reads one message, leaving the reader behind its last byte. Every key of the value is there: fields that the
 * version lacks hold their default. `bytes` and `records` are slices of the reader's buffer.
 * Throws WireError when the bytes are not such a message or the message has no such version.
 */
export function decode<Value>(message: Message<Value, unknown>, version: number, reader: Reader): Value {
  const decoder = codecsOf(message).decoders[version] ?? makeDecoder(message, version)
  try {
    // The decoder was made from the schema that Value is inferred from.
    return decoder(reader) as Value
  } catch (error) {
    if (error instanceof WireError) throw new WireError(`${message.name} v${version}: ${error.message}`)
    throw error
  }
}

/**
 * Writes one message. Throws EncodeError for a value that the version cannot carry: a wrong type, null where none
 * may be, a value other than the default for a field that the version lacks (unless that is ignorable).
 */
export function encode<Input>(
  message: Message<unknown, Input>,
  version: number,
  value: NoInfer<Input>,
  writer: Writer,
): void {
  const encoder = codecsOf(message).encoders[version] ?? makeEncoder(message, version)
  try {
    encoder(writer, value)
  } catch (error) {
    if (error instanceof EncodeError) throw new EncodeError(`${message.name} v${version}: ${error.message}`)
    throw error
  }
}

/** One message from the whole of a buffer; bytes left over are a WireError. */
export function decodeBuffer<Value>(
  message: Message<Value, unknown>,
  version: number,
  buffer: Buffer,
): Value {
  const reader = new Reader(buffer)
  const value = decode(message, version, reader)
  if (reader.remaining > 0) {
    throw new WireError(`${message.name} v${version}: ${reader.remaining} bytes left over`)
  }
  return value
}

/** One message in one buffer, for what is stored rather than sent. */
export function encodeBuffer<Input>(
  message: Message<unknown, Input>,
  version: number,
  value: NoInfer<Input>,
): Buffer {
  const writer = new Writer()
  encode(message, version, value, writer)
  return writer.toBuffer()
}

function codecsOf(message: MessageSchema): Codecs {
  let codecs = cache.get(message)
  if (codecs === undefined) {
    codecs = { decoders: [], encoders: [] }
    cache.set(message, codecs)
  }
  return codecs
}

function makeDecoder(message: MessageSchema, version: number): Decoder {
  if (!includesVersion(message.versions, version)) {
    throw new WireError(`${message.name} has no version ${version}`)
  }
  generating ??= mayGenerateCode()
  const decoder: Decoder = generating
    ? compileDecoder(message, version)
    : (reader) => interpretDecode(message, version, reader)
  codecsOf(message).decoders[version] = decoder
  return decoder
}

function makeEncoder(message: MessageSchema, version: number): Encoder {
  if (!includesVersion(message.versions, version)) {
    throw new EncodeError(`${message.name} has no version ${version}`)
  }
  generating ??= mayGenerateCode()
  const encoder: Encoder = generating
    ? compileEncoder(message, version)
    : (writer, value) => interpretEncode(message, version, value, writer)
  codecsOf(message).encoders[version] = encoder
  return encoder
}
