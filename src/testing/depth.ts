/**
 * `npm test` tries a sample of the faults and schedules that the longest tests have; with DEEP_TESTS=1 they try all of
 * them, which takes minutes.
 */
export const isDeep = process.env.DEEP_TESTS === '1'

/** Of places in a row, how far to go from one to the next. The sample is a third. */
export const faultStride = isDeep ? 1 : 3
