/** Functions of the C library. Node warns of its experimental modules; whoever uses this one looks at what it gives. */
export type Ffi = typeof import('node:ffi')

/** Undefined with an older Node and with `--no-experimental-ffi`. */
export function loadFfi(): Ffi | undefined {
  const { emitWarning } = process
  process.emitWarning = () => {}
  try {
    return process.getBuiltinModule('node:ffi')
  } finally {
    process.emitWarning = emitWarning
  }
}
