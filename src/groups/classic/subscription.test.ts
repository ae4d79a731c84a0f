import fc from 'fast-check'
import { expect, test } from 'vitest'
import { encodeBuffer } from '../../wire/codec.ts'
import { consumerProtocolSubscription } from '../../wire/log-schemas/consumer-protocol-subscription.ts'
import { subscribedTopicsOf } from './subscription.ts'

/** As Kafka's `ConsumerProtocol` serializes it: the version, then the message. */
function serialized(version: number, topics: readonly string[]): Buffer {
  const head = Buffer.alloc(2)
  head.writeInt16BE(version)
  const body = encodeBuffer(consumerProtocolSubscription, version, {
    topics,
    userData: Buffer.from('user data'),
    ownedPartitions: version >= 1 ? [{ topic: 'owned', partitions: [1] }] : [],
    rackId: version >= 3 ? 'rack' : null,
  })
  return Buffer.concat([head, body])
}

test.each([0, 1, 2, 3])('the topics of a subscription in version %i are read', (version) => {
  expect(subscribedTopicsOf(serialized(version, ['t', 'ü', 'a.topic']))).toEqual(['t', 'ü', 'a.topic'])
  expect(subscribedTopicsOf(serialized(version, []))).toEqual([])
})

test('a later version is read as the versions that are known', () => {
  const bytes = serialized(3, ['t'])
  bytes.writeInt16BE(7)
  expect(subscribedTopicsOf(bytes)).toEqual(['t'])
})

test('bytes that are not a subscription are none, and never an exception', () => {
  const bytes = serialized(0, ['topic'])
  for (let length = 0; length < 6 + 2 + 5; length++) {
    expect(subscribedTopicsOf(bytes.subarray(0, length))).toBeUndefined()
  }
  fc.assert(
    fc.property(fc.uint8Array(), (random) => {
      subscribedTopicsOf(Buffer.from(random))
    }),
  )
})
