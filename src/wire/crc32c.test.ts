import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { crc32c, loadPortableCrc32c } from './crc32c.ts'

test('the check value of CRC-32C comes out', () => {
  expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283)
  expect(crc32c(Buffer.alloc(0))).toBe(0)
})

test('the implementation without native code gives the same checksums, unsigned', () => {
  const portable = loadPortableCrc32c()
  for (const length of [0, 1, 15, 16, 17, 1000]) {
    const bytes = randomBytes(length)
    expect(portable(bytes)).toBe(crc32c(bytes))
  }
})
