import { decodeSource } from './compile-decode.ts'
import { encodeSource } from './compile-encode.ts'
import type { Reader } from './reader.ts'
import { type MessageSchema, ZERO_UUID } from './schema.ts'
import * as valueChecks from './value-checks.ts'
import type { Writer } from './writer.ts'

export type Decoder = (reader: Reader) => unknown
export type Encoder = (writer: Writer, value: unknown) => void

/** What generated code may call besides the reader and the writer, by the names it uses. */
const runtime: Readonly<Record<string, unknown>> = {
  ...valueChecks,
  ZERO_UUID,
  EMPTY: Buffer.alloc(0),
  isEmpty: (value: unknown) => (Array.isArray(value) || Buffer.isBuffer(value)) && value.length === 0,
  isObject: (value: unknown) => typeof value === 'object' && value !== null,
}

/** Generates the decoder of one version. Throws EvalError where code generation is forbidden. */
export function compileDecoder(message: MessageSchema, version: number): Decoder {
  // The text comes from decodeSource, whose function takes a reader and returns the value.
  return generate(decodeSource(message, version)) as Decoder
}

/** Generates the encoder of one version. Throws EvalError where code generation is forbidden. */
export function compileEncoder(message: MessageSchema, version: number): Encoder {
  // The text comes from encodeSource, whose function takes a writer and a value.
  return generate(encodeSource(message, version)) as Encoder
}

/** Whether this process may generate code; Node forbids it under --disallow-code-generation-from-strings. */
export function mayGenerateCode(): boolean {
  try {
    return new Function('return true')() === true
  } catch {
    return false
  }
}

/** Only text made from our own schemas gets here: no byte that was received ever becomes source. */
function generate(source: string): unknown {
  return new Function(...Object.keys(runtime), source)(...Object.values(runtime))
}
