import { loadFfi } from './ffi.ts'

/** `M_MMAP_THRESHOLD` of `mallopt(3)`. */
const MMAP_THRESHOLD = -3
const LARGE_BYTES = 1024 * 1024

/**
 * Makes the process give memory for buffers of a megabyte and more back to the system when they are freed. glibc does so
 * until the first of them is freed; from then on it keeps those of that size and smaller in its heap (up to 32 MB), where
 * what is freed between others stays resident. After fifty producers' requests of 5 MB each that was 75 MB.
 *
 * Once for the whole process. Where the C library is another one nothing happens.
 */
export function giveLargeBuffersBack(): void {
  if (process.platform !== 'linux') return
  const ffi = loadFfi()
  try {
    const library = ffi?.dlopen(null, { mallopt: { arguments: ['i32', 'i32'], return: 'i32' } })
    library?.functions.mallopt(MMAP_THRESHOLD, LARGE_BYTES)
  } catch {
    // No such function: musl's malloc maps large pieces on their own anyway.
  }
}
