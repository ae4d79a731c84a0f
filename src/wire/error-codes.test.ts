import { expect, test } from 'vitest'
import { documentedErrors } from '../testing/wire-fixtures.ts'
import { defaultErrorMessage, ErrorCode, errorName, isRetriable, KafkaError } from './error-codes.ts'

test("codes, names and retriability are Kafka's", () => {
  const ours = Object.entries(ErrorCode).map(([name, code]) => ({ code, name, retriable: isRetriable(code) }))
  const byCode = (a: { code: number }, b: { code: number }) => a.code - b.code
  expect(documentedErrors()).toHaveLength(135)
  expect(ours.sort(byCode)).toEqual(documentedErrors().sort(byCode))
})

test('every code has a name that leads back to it, and a text', () => {
  for (const [name, code] of Object.entries(ErrorCode)) {
    expect(errorName(code)).toBe(name)
    expect(defaultErrorMessage(code).length).toBeGreaterThan(0)
  }
})

test('a code that Kafka does not know is UNKNOWN_SERVER_ERROR', () => {
  expect(errorName(9999)).toBe('UNKNOWN_SERVER_ERROR')
  expect(isRetriable(9999)).toBe(false)
})

test('a KafkaError carries its code, a text of its own or the default one, and its cause', () => {
  const cause = new Error('disk')
  expect(new KafkaError(ErrorCode.NOT_COORDINATOR)).toMatchObject({
    code: 16,
    message: 'This is not the correct coordinator.',
  })
  expect(new KafkaError(ErrorCode.KAFKA_STORAGE_ERROR, 'no space', { cause })).toMatchObject({
    name: 'KafkaError',
    code: 56,
    message: 'no space',
    cause,
  })
})
