/**
 * V8 hashes longer strings by their length alone, so that a map of many such keys is a list. What clients name and the
 * broker keeps under that name has no longer one; Kafka takes all 32,767 bytes that the protocol has room for.
 */
export const LONGEST_KEY = 16_383
