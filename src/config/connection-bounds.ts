import { InvalidValue } from './values.ts'

/** Bounds on connections from single hosts: address or name, to the most connections at a time. */
export type ConnectionBounds = ReadonlyMap<string, number>

/** Reads `max.connections.per.ip.overrides`: `host:count` entries, an IPv6 address in brackets or not. Throws InvalidValue. */
export function parseConnectionBounds(text: string): ConnectionBounds {
  const bounds = new Map<string, number>()
  for (const entry of text.split(',').map((part) => part.trim())) {
    if (entry === '') continue
    const match = /^\[?([^[\]]+?)\]?:(\d+)$/.exec(entry)
    if (match === null)
      throw new InvalidValue(
        `Invalid value ${entry} for configuration max.connections.per.ip.overrides: each entry should have the form host:count`,
      )
    bounds.set(match[1]!, Number(match[2]))
  }
  return bounds
}
