/**
 * What a consumer says of itself when it joins: ConsumerProtocolSubscription, version 0. Apache Kafka reads it to know
 * the topics, and its coordinator does not survive bytes that announce a list of a billion.
 */
export function subscription(topics: readonly string[], userData: string): Buffer {
  const names = topics.map((topic) => sized(2, topic))
  const head = Buffer.alloc(6)
  head.writeInt32BE(topics.length, 2)
  return Buffer.concat([head, ...names, sized(4, userData)])
}

function sized(lengthBytes: 2 | 4, content: string): Buffer {
  const bytes = Buffer.from(content)
  const length = Buffer.alloc(lengthBytes)
  length.writeIntBE(bytes.length, 0, lengthBytes)
  return Buffer.concat([length, bytes])
}
