import { brokerKey } from './broker-keys.ts'
import { refusalOf } from './table.ts'

/** Keys that may also stand under `listener.name.NAME.`, for that listener alone (Kafka's `DynamicListenerConfig`). */
export const perListenerKeys = ['max.connection.creation.rate', 'max.connections'] as const
export type PerListenerKey = (typeof perListenerKeys)[number]

const PREFIXED = /^listener\.name\.([^.]+)\.(.+)$/

/** The key that `name` sets for one listener; undefined for a name that is none of these. */
export function perListenerKey(name: string): PerListenerKey | undefined {
  const base = PREFIXED.exec(name)?.[2]
  return perListenerKeys.find((key) => key === base)
}

/** What is wrong with the value of a key for one listener; undefined for nothing, and for other keys. */
export function refusePerListener(name: string, text: string): string | undefined {
  const base = perListenerKey(name)
  const key = base === undefined ? undefined : brokerKey(base)
  return key === undefined ? undefined : refusalOf(name, key, text)
}

/** The number set for one listener, the later layers over the earlier ones; undefined where none is. */
export function listenerSetting(
  listenerName: string,
  key: PerListenerKey,
  layers: readonly ReadonlyMap<string, string>[],
): number | undefined {
  const name = `listener.name.${listenerName.toLowerCase()}.${key}`
  let value: number | undefined
  for (const layer of layers) {
    const text = layer.get(name)
    if (text !== undefined && refusePerListener(name, text) === undefined) value = Number(text)
  }
  return value
}
