import type { CompressionType } from '../wire/compression.ts'
import type { LogConfig } from './log-config.ts'

/** The codec that a leader writes what was sent with `source` in (`compression.type`). */
export function targetCodec(config: LogConfig, source: CompressionType): CompressionType {
  switch (config.compressionType) {
    case 'producer':
      return source
    case 'uncompressed':
      return 'none'
    default:
      return config.compressionType
  }
}
