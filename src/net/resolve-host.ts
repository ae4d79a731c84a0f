import { lookup } from 'node:dns/promises'
import { canonicalAddress } from './connection-quotas.ts'

/** The address of a host in canonical form; undefined for a name that has none, or none that can be found now. */
export async function resolveHost(host: string): Promise<string | undefined> {
  try {
    const { address } = await lookup(host)
    return canonicalAddress(address)
  } catch {
    return undefined
  }
}
