import { senderOf } from './partition-history.ts'
import type { BatchToSend } from './producing.ts'

/** Few, so that most records have successors. */
const KEYS = 7
const TOMBSTONE_IN = 6

/** The header that says what a tombstone is: it has no value to say so. */
export const TOMBSTONE_HEADER = 'tombstone'

/** The key that a value of a sequence is written under in a compacted topic. */
export function keyOf(value: string): string {
  return `key-${mixed(value) % KEYS}`
}

/** Whether it is written as a tombstone there. */
export function isTombstone(value: string): boolean {
  return Math.floor(mixed(value) / KEYS) % TOMBSTONE_IN === 0
}

/** What makes a batch of these values one for a compacted topic. */
export function keyed(values: readonly string[]): Pick<BatchToSend, 'keys' | 'tombstones'> {
  return { keys: values.map(keyOf), tombstones: new Set(values.filter(isTombstone)) }
}

function mixed(value: string): number {
  const { number } = senderOf(value)
  return Math.imul(number + 1, 0x9e3779b1) >>> 8
}
