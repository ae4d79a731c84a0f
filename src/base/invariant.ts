/** A bug of ours, as opposed to an expected refusal or a failure of the world. */
export class InvariantError extends Error {
  override name = 'InvariantError'
}

/** Throws InvariantError, naming `what` should have held, when `condition` is false. */
export function invariant(condition: unknown, what: string): asserts condition {
  if (!condition) throw new InvariantError(`invariant violated: ${what}`)
}
