/**
 * Bytes that claim to be records and are not: a batch, a compressed block or a record that breaks the format, or one
 * that would decompress to more than the caller allows. What Kafka answers depends on where the bytes came from, so
 * the caller chooses: INVALID_RECORD or CORRUPT_MESSAGE to a producer, a cut or an offline log when read from disk.
 */
export class CorruptRecordError extends Error {
  override name = 'CorruptRecordError'
  /** The bytes may be sound but hold more than the caller's bound on decompressed size. */
  readonly exceedsLimit: boolean

  constructor(message: string, options?: { cause?: unknown; exceedsLimit?: boolean }) {
    super(message, options)
    this.exceedsLimit = options?.exceedsLimit ?? false
  }

  static tooLarge(codec: string, maxOutputBytes: number): CorruptRecordError {
    return new CorruptRecordError(`${codec}: more than ${maxOutputBytes} bytes when decompressed`, {
      exceedsLimit: true,
    })
  }
}
