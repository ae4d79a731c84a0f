/**
 * The topics of a consumer's subscription, as a member of a group of protocol type 'consumer' sends it in its
 * metadata. Read as version 0 whatever the version says: later ones only add fields behind, and the coordinator must
 * not depend on what a client's assignor adds (Kafka's `ClassicGroup.computeSubscribedTopics`).
 *
 * Undefined when the bytes are not a subscription; a client may send what it likes.
 */
export function subscribedTopicsOf(metadata: Buffer): string[] | undefined {
  let position = 2
  if (metadata.length < position + 4) return undefined
  const count = metadata.readInt32BE(position)
  position += 4
  if (count < 0 || count > (metadata.length - position) / 2) return undefined
  const topics: string[] = []
  for (let i = 0; i < count; i++) {
    if (metadata.length < position + 2) return undefined
    const length = metadata.readInt16BE(position)
    position += 2
    if (length < 0 || metadata.length < position + length) return undefined
    topics.push(metadata.toString('utf8', position, position + length))
    position += length
  }
  return topics
}
