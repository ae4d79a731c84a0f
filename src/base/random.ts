import { randomBytes } from 'node:crypto'

/** Chance. Handed in wherever something has to be unpredictable, so that a test can make it predictable. */
export interface Random {
  bytes(length: number): Buffer
}

export const systemRandom: Random = { bytes: (length) => randomBytes(length) }

/** A version 4 UUID in Kafka's text form: 22 characters of base64url. Never one that starts with `-`, as Kafka's `Uuid.randomUuid`, so that it can be a command-line argument. */
export function randomUuid(random: Random): string {
  for (;;) {
    const text = randomUuidBytes(random).toString('base64url')
    if (!text.startsWith('-')) return text
  }
}

/** A version 4 UUID in the form of RFC 4122 (`java.util.UUID.toString`), as member ids carry it. */
export function randomUuidHex(random: Random): string {
  const hex = randomUuidBytes(random).toString('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}

function randomUuidBytes(random: Random): Buffer {
  const bytes = random.bytes(16)
  bytes[6] = (bytes[6]! & 0x0f) | 0x40
  bytes[8] = (bytes[8]! & 0x3f) | 0x80
  return bytes
}
