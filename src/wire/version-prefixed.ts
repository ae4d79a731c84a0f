/**
 * Messages with a number before them: what coordinators keep in their logs (Kafka's CoordinatorRecordSerde) and
 * what consumers hand each other through the group coordinator (ConsumerProtocol).
 */

import { decode, encode } from './codec.ts'
import { Reader } from './reader.ts'
import type { Message } from './schema.ts'
import { EncodeError, WireError } from './wire-error.ts'
import { Writer } from './writer.ts'

/** The key of a coordinator's record: the record type, then the key in its version 0. */
export function encodeRecordKey<Input>(message: Message<unknown, Input>, key: NoInfer<Input>): Buffer {
  if (message.key === undefined) throw new EncodeError(`${message.name} has no record type`)
  return prefixed(message.key, message, 0, key)
}

/** Type of a coordinator's record, from its key. Throws WireError on a key of fewer than two bytes. */
export function recordType(key: Buffer): number {
  return new Reader(key).int16()
}

/** The key of a coordinator's record whose type is the message's. Throws WireError. */
export function decodeRecordKey<Value>(message: Message<Value, unknown>, key: Buffer): Value {
  const reader = new Reader(key)
  const type = reader.int16()
  if (type !== message.key) throw new WireError(`record type ${type} where ${message.name} is ${message.key}`)
  return decode(message, 0, reader)
}

/** A message after its own version: a coordinator's record value, a consumer's subscription or assignment. */
export function encodeVersionPrefixed<Input>(
  message: Message<unknown, Input>,
  version: number,
  value: NoInfer<Input>,
): Buffer {
  return prefixed(version, message, version, value)
}

/** Reads what encodeVersionPrefixed wrote. Throws WireError, also for a version that the message does not have. */
export function decodeVersionPrefixed<Value>(message: Message<Value, unknown>, bytes: Buffer): Value {
  const reader = new Reader(bytes)
  return decode(message, reader.int16(), reader)
}

function prefixed<Input>(
  prefix: number,
  message: Message<unknown, Input>,
  version: number,
  value: NoInfer<Input>,
): Buffer {
  const writer = new Writer(256)
  writer.int16(prefix)
  encode(message, version, value, writer)
  return writer.toBuffer()
}
