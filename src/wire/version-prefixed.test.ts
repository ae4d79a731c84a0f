import { expect, test } from 'vitest'
import { consumerProtocolSubscription } from './log-schemas/consumer-protocol-subscription.ts'
import { groupMetadataKey } from './log-schemas/group-metadata-key.ts'
import { offsetCommitKey } from './log-schemas/offset-commit-key.ts'
import { offsetCommitValue } from './log-schemas/offset-commit-value.ts'
import {
  decodeRecordKey,
  decodeVersionPrefixed,
  encodeRecordKey,
  encodeVersionPrefixed,
  recordType,
} from './version-prefixed.ts'
import { WireError } from './wire-error.ts'

test("a record's key begins with its type and reads back", () => {
  const key = { group: 'g', topic: 't', partition: 5 }
  const bytes = encodeRecordKey(offsetCommitKey, key)
  expect(bytes.toString('hex')).toBe('0001000167000174' + '00000005')
  expect(recordType(bytes)).toBe(1)
  expect(decodeRecordKey(offsetCommitKey, bytes)).toEqual(key)
  expect(() => decodeRecordKey(groupMetadataKey, bytes)).toThrow(/record type 1/)
  expect(() => recordType(Buffer.alloc(1))).toThrow(WireError)
})

test("a record's value begins with its version and reads back", () => {
  const value = { offset: 7n, leaderEpoch: 2, metadata: 'm', commitTimestamp: 9 }
  const bytes = encodeVersionPrefixed(offsetCommitValue, 3, value)
  expect(bytes.readInt16BE()).toBe(3)
  expect(decodeVersionPrefixed(offsetCommitValue, bytes)).toMatchObject(value)
  expect(() => decodeVersionPrefixed(offsetCommitValue, Buffer.from('0009', 'hex'))).toThrow(/no version 9/)
})

test('a subscription of a consumer reads back with what its version has', () => {
  const bytes = encodeVersionPrefixed(consumerProtocolSubscription, 1, {
    topics: ['t'],
    ownedPartitions: [{ topic: 't', partitions: [0, 1] }],
  })
  expect(decodeVersionPrefixed(consumerProtocolSubscription, bytes)).toEqual({
    topics: ['t'],
    userData: null,
    ownedPartitions: [{ topic: 't', partitions: [0, 1] }],
    generationId: -1,
    rackId: null,
  })
})
