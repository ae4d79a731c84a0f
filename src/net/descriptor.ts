import type { Server, Socket } from 'node:net'

/** Of a socket of Linux's that is open; Node tells it of no socket by a name of its own. */
export function descriptorOf(socket: Socket | Server): number | undefined {
  const { _handle: handle } = socket as unknown as { readonly _handle?: { readonly fd?: number } | null }
  return handle?.fd !== undefined && handle.fd >= 0 ? handle.fd : undefined
}
