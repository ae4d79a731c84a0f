/**
 * Builders that declare the protocol's messages as data, and the types that follow from a declaration.
 *
 * A field's `versions`, `nullable` and `tag` are written as Kafka's message definitions write them; an
 * absent `versions` means every version. A field with a `tag` is a tagged field in all its versions.
 * Nothing here reads or writes bytes: compile.ts and interpret.ts do, from the same data.
 */

import type { Bytes } from '../base/file-slice.ts'

/** What Kafka's largest long becomes as a number; decoding and encoding saturate at it. */
export const MAX_INT64 = 2 ** 63

/** The all-zero uuid in Kafka's text form (base64url without padding). */
export const ZERO_UUID = 'AAAAAAAAAAAAAAAAAAAAAA'

export type ScalarKind =
  | 'int8'
  | 'int16'
  | 'uint16'
  | 'int32'
  | 'uint32'
  | 'int64'
  | 'int64Exact'
  | 'float64'
  | 'bool'
  | 'string'
  | 'uuid'
  | 'bytes'
  | 'records'

export interface FieldOptions<T> {
  /** Versions that carry the field, '0-12' or '3+'; every version when absent. */
  readonly versions?: string
  /** Versions in which the value may be null. */
  readonly nullable?: string
  /** Makes it a tagged field with this number. */
  readonly tag?: number
  /** Value that stands for an absent field; Kafka's own (0, '', [], false, zero uuid) when not given. */
  readonly default?: T | null
  /** A value other than the default may be dropped silently in versions that lack the field. */
  readonly ignorable?: true
  /** 'none' keeps the old length prefix in flexible versions (client id of the request header). */
  readonly flexible?: 'none'
}

/** The part of a field that codecs see. */
export interface FieldSchema extends FieldOptions<unknown> {
  readonly kind: ScalarKind | 'array' | 'struct'
  /** Element of an array. */
  readonly element?: FieldSchema
  /** Fields of a struct, in wire order. */
  readonly fields?: FieldMap
}

export type FieldMap = Readonly<Record<string, FieldSchema>>

declare const types: unique symbol

/** A field with the type of its decoded value, the type accepted for writing, and whether it may be left out. */
export interface Field<Value, Input, Optional extends boolean> extends FieldSchema {
  readonly [types]: { value: Value; input: Input; optional: Optional }
}

type AnyField = Field<unknown, unknown, boolean>
type Fields = Readonly<Record<string, AnyField>>

type Nullable<T, O> = O extends { nullable: string } ? T | null : T
type Optional<O> = O extends { default: unknown } | { versions: string } | { tag: number } ? true : false

export interface MessageOptions {
  /** Kafka's name, e.g. 'FetchRequest'. */
  readonly name: string
  /** API key, or the record type of a coordinator's log record. */
  readonly key?: number
  /** Versions that can be encoded and decoded. */
  readonly versions: string
  /** Versions with compact lengths and tagged fields; none when absent. */
  readonly flexible?: string
  /** The highest version is not final in Kafka 4.3 and is served only to those who enable unstable versions. */
  readonly latestVersionUnstable?: true
}

/** The part of a message that codecs see. */
export interface MessageSchema extends MessageOptions {
  readonly fields: FieldMap
}

/** A message with the type of its decoded value and the type accepted for writing. */
export interface Message<Value, Input> extends MessageSchema {
  readonly [types]: { value: Value; input: Input }
}

/** The decoded value of a message: every key present, in every version. */
export type Infer<M extends Message<unknown, unknown>> = M[typeof types]['value']

/** What may be written for a message: fields with a default, a version range or a tag may be left out. */
export type Input<M extends Message<unknown, unknown>> = M[typeof types]['input']

/** Adds the types, which exist for the compiler only: the one cast that every builder shares. */
function typed<T>(schema: object): T {
  return schema as T
}

export function message<const F extends Fields>(
  options: MessageOptions,
  fields: F,
): Message<
  { -readonly [K in keyof F]: F[K][typeof types]['value'] },
  {
    readonly [K in keyof F as F[K][typeof types]['optional'] extends true
      ? never
      : K]: F[K][typeof types]['input']
  } & {
    readonly [K in keyof F as F[K][typeof types]['optional'] extends true ? K : never]?:
      | F[K][typeof types]['input']
      | undefined
  }
> {
  return typed({ ...options, fields })
}

export function struct<const F extends Fields, const O extends FieldOptions<never> = object>(
  fields: F,
  options?: O,
): Field<
  Nullable<{ -readonly [K in keyof F]: F[K][typeof types]['value'] }, O>,
  Nullable<
    {
      readonly [K in keyof F as F[K][typeof types]['optional'] extends true
        ? never
        : K]: F[K][typeof types]['input']
    } & {
      readonly [K in keyof F as F[K][typeof types]['optional'] extends true ? K : never]?:
        | F[K][typeof types]['input']
        | undefined
    },
    O
  >,
  Optional<O>
> {
  return typed({ kind: 'struct', fields, ...options })
}

/** An array of a scalar field, or of structs whose fields are given directly. */
export function array<Value, Input, const O extends FieldOptions<never> = object>(
  element: Field<Value, Input, boolean>,
  options?: O,
): Field<Nullable<Value[], O>, Nullable<readonly Input[], O>, Optional<O>>
export function array<const F extends Fields, const O extends FieldOptions<never> = object>(
  fields: F,
  options?: O,
): Field<
  Nullable<{ -readonly [K in keyof F]: F[K][typeof types]['value'] }[], O>,
  Nullable<
    readonly ({
      readonly [K in keyof F as F[K][typeof types]['optional'] extends true
        ? never
        : K]: F[K][typeof types]['input']
    } & {
      readonly [K in keyof F as F[K][typeof types]['optional'] extends true ? K : never]?:
        | F[K][typeof types]['input']
        | undefined
    })[],
    O
  >,
  Optional<O>
>
export function array(element: FieldSchema | FieldMap, options?: FieldOptions<never>): never {
  const item = isField(element) ? element : { kind: 'struct', fields: element }
  return typed({ kind: 'array', element: item, ...options })
}

/** A map of fields has fields as values; a field's `kind` is text. */
function isField(element: FieldSchema | FieldMap): element is FieldSchema {
  return typeof element.kind === 'string'
}

type Scalar<T, O> = Field<Nullable<T, O>, Nullable<T, O>, Optional<O>>

function scalar<T>(kind: ScalarKind, options: object | undefined): T {
  return typed({ kind, ...options })
}

export function int8<const O extends FieldOptions<number> = object>(options?: O): Scalar<number, O> {
  return scalar('int8', options)
}

export function int16<const O extends FieldOptions<number> = object>(options?: O): Scalar<number, O> {
  return scalar('int16', options)
}

export function uint16<const O extends FieldOptions<number> = object>(options?: O): Scalar<number, O> {
  return scalar('uint16', options)
}

export function int32<const O extends FieldOptions<number> = object>(options?: O): Scalar<number, O> {
  return scalar('int32', options)
}

export function uint32<const O extends FieldOptions<number> = object>(options?: O): Scalar<number, O> {
  return scalar('uint32', options)
}

/** A 64-bit integer as a number: exact up to 2^53, the extremes saturate. */
export function int64<const O extends FieldOptions<number> = object>(options?: O): Scalar<number, O> {
  return scalar('int64', options)
}

/** A 64-bit integer as a bigint, for values that a client chooses and reads back. */
export function int64Exact<const O extends FieldOptions<bigint> = object>(options?: O): Scalar<bigint, O> {
  return scalar('int64Exact', options)
}

export function float64<const O extends FieldOptions<number> = object>(options?: O): Scalar<number, O> {
  return scalar('float64', options)
}

export function bool<const O extends FieldOptions<boolean> = object>(options?: O): Scalar<boolean, O> {
  return scalar('bool', options)
}

/** At most 32,767 bytes of UTF-8. */
export function string<const O extends FieldOptions<string> = object>(options?: O): Scalar<string, O> {
  return scalar('string', options)
}

/** A uuid in Kafka's text form, 22 characters of base64url. */
export function uuid<const O extends FieldOptions<string> = object>(options?: O): Scalar<string, O> {
  return scalar('uuid', options)
}

/** Opaque bytes; decoded they are a slice of the message's own buffer. */
export function bytes<const O extends FieldOptions<Buffer> = object>(options?: O): Scalar<Buffer, O> {
  return scalar('bytes', options)
}

/** Record batches: decoded, a slice of the message's own buffer; written, one or more slices, never copied. */
export function records<const O extends FieldOptions<Buffer> = object>(
  options?: O,
): Field<Nullable<Buffer, O>, Nullable<Buffer | readonly Bytes[], O>, Optional<O>> {
  return scalar('records', options)
}
