/** Bytes that are not what the protocol says: too short, a length beyond the frame, null where none may be. */
export class WireError extends Error {
  override name = 'WireError'
}

/** A value that the schema cannot carry in the version asked for: a mistake of the writer, not of a client. */
export class EncodeError extends Error {
  override name = 'EncodeError'
}
