import { type Bytes, isBytes } from '../base/file-slice.ts'
import { EncodeError, WireError } from './wire-error.ts'

/**
 * Checks of values on their way in and out, shared by the generated codecs and the interpreter. Each returns its
 * argument, so that it can stand where the value does, and names the field when it throws.
 */

export function checkInt8(value: unknown, name: string): number {
  if (typeof value === 'number' && (value << 24) >> 24 === value) return value
  throw unfit('int8', value, name)
}

export function checkInt16(value: unknown, name: string): number {
  if (typeof value === 'number' && (value << 16) >> 16 === value) return value
  throw unfit('int16', value, name)
}

export function checkUint16(value: unknown, name: string): number {
  if (typeof value === 'number' && (value & 0xffff) === value) return value
  throw unfit('uint16', value, name)
}

export function checkInt32(value: unknown, name: string): number {
  if (typeof value === 'number' && (value | 0) === value) return value
  throw unfit('int32', value, name)
}

export function checkUint32(value: unknown, name: string): number {
  if (typeof value === 'number' && value >>> 0 === value) return value
  throw unfit('uint32', value, name)
}

/** Any whole number: those beyond Kafka's long saturate when written. */
export function checkInt64(value: unknown, name: string): number {
  if (typeof value === 'number' && Math.floor(value) === value) return value
  throw unfit('int64', value, name)
}

export function checkInt64Exact(value: unknown, name: string): bigint {
  if (typeof value === 'bigint' && BigInt.asIntN(64, value) === value) return value
  throw unfit('int64 as a bigint', value, name)
}

export function checkFloat64(value: unknown, name: string): number {
  if (typeof value === 'number') return value
  throw unfit('float64', value, name)
}

export function checkBool(value: unknown, name: string): boolean {
  if (typeof value === 'boolean') return value
  throw unfit('bool', value, name)
}

export function checkString(value: unknown, name: string): string {
  if (typeof value === 'string') return value
  throw unfit('string', value, name)
}

export function checkUuid(value: unknown, name: string): string {
  if (typeof value === 'string' && value.length === 22) return value
  throw unfit('uuid', value, name)
}

export function checkBytes(value: unknown, name: string): Buffer {
  if (Buffer.isBuffer(value)) return value
  throw unfit('bytes', value, name)
}

export function checkRecords(value: unknown, name: string): Buffer | readonly Bytes[] {
  if (Buffer.isBuffer(value)) return value
  if (Array.isArray(value) && value.every(isBytes)) return value
  throw unfit('records', value, name)
}

export function checkArray(value: unknown, name: string): readonly unknown[] {
  if (Array.isArray(value)) return value
  throw unfit('array', value, name)
}

export function checkStruct(value: unknown, name: string): object {
  if (typeof value === 'object' && value !== null) return value
  throw unfit('struct', value, name)
}

/** A decoded value where the version allows no null. */
export function notNull<T>(value: T | null, name: string): T {
  if (value === null) throw new WireError(`${name} is null`)
  return value
}

/** Length of an array where the version allows no null. */
export function notNullLength(length: number, name: string): number {
  if (length < 0) throw new WireError(`${name} is null`)
  return length
}

/** A value other than the default for a field that the version lacks. */
export function lacking(name: string): EncodeError {
  return new EncodeError(`${name} is set, but the version has no such field`)
}

function unfit(type: string, value: unknown, name: string): EncodeError {
  const shown = typeof value === 'object' && value !== null ? value.constructor?.name : String(value)
  return new EncodeError(`${name}: ${type} expected, not ${shown}`)
}
