import { expect, test } from 'vitest'
import { applyChanges, type MetadataChange } from '../cluster/metadata/changes.ts'
import { emptyImage, type MetadataImage } from '../cluster/metadata/image.ts'
import type { MetadataStore } from '../cluster/metadata/store.ts'
import { loadConfig } from '../config/load.ts'
import { ConfigService } from './config-service.ts'

const NODE_ID = 1

function serviceOver(first: MetadataImage) {
  let image = first
  // Nothing else of a store is asked for.
  const store = { image: () => image } as MetadataStore
  const configs = new ConfigService(loadConfig({}), NODE_ID, store)
  const change = (...changes: MetadataChange[]) => {
    image = applyChanges(image, changes, image.version + 1)
    return image
  }
  return { configs, change }
}

function set(type: 'topic' | 'broker', name: string, key: string, value: string): MetadataChange {
  return { type: 'setConfig', resource: { type, name }, key, value }
}

test('settings of topics without configs of their own are computed once', () => {
  const { configs } = serviceOver(emptyImage)
  expect(configs.topic('a')).toBe(configs.topic('b'))
  expect(configs.broker).toBe(configs.broker)
})

test('a change of a topic is seen at once, by that topic alone', () => {
  const { configs, change } = serviceOver(emptyImage)
  const before = configs.topic('b')
  change(set('topic', 'a', 'min.insync.replicas', '2'))
  expect(configs.topic('a').minInsyncReplicas).toBe(2)
  expect(configs.topic('b')).toBe(before)
  change(set('topic', 'a', 'min.insync.replicas', '3'))
  expect(configs.topic('a').minInsyncReplicas).toBe(3)
})

test('a change of the broker is seen at once, by topics too', () => {
  const { configs, change } = serviceOver(emptyImage)
  const before = configs.topic('a').maxMessageBytes
  const later = change(set('broker', String(NODE_ID), 'message.max.bytes', '2000000'))
  expect([configs.broker.messageMaxBytes, configs.topic('a').maxMessageBytes]).toEqual([2_000_000, 2_000_000])
  expect(configs.topic('a', emptyImage).maxMessageBytes).toBe(before)
  expect(configs.topic('a', later).maxMessageBytes).toBe(2_000_000)
})
