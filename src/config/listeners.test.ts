import { describe, expect, test } from 'vitest'
import { formatEndpoint, parseEndpoint, parseHttpListener } from './listeners.ts'
import { type ConfigSources, loadConfig } from './load.ts'

const load = (overrides: NonNullable<ConfigSources['overrides']>) =>
  loadConfig({ overrides, hostName: 'box' })
const written = (overrides: Record<string, string>) => {
  const { listeners, advertised, interBroker, warnings } = load(overrides).listeners
  return {
    listeners: listeners.map(formatEndpoint),
    advertised: advertised.map(formatEndpoint),
    interBroker,
    warnings: warnings.length,
  }
}

describe('what is opened and what is advertised', () => {
  test('several listeners, each advertised under its own address', () => {
    expect(
      written({
        listeners: 'INSIDE://:9093,OUTSIDE://0.0.0.0:9092',
        'advertised.listeners': 'INSIDE://broker:9093,OUTSIDE://localhost:19092',
        'listener.security.protocol.map': 'INSIDE:PLAINTEXT,OUTSIDE:PLAINTEXT',
        'inter.broker.listener.name': 'inside',
      }),
    ).toEqual({
      listeners: ['INSIDE://:9093', 'OUTSIDE://0.0.0.0:9092'],
      advertised: ['INSIDE://broker:9093', 'OUTSIDE://localhost:19092'],
      interBroker: 'INSIDE',
      warnings: 0,
    })
  })

  test('listeners of the controller are not opened', () => {
    const { listeners } = written({
      'process.roles': 'broker,controller',
      'controller.listener.names': 'CONTROLLER',
      'controller.quorum.voters': '1@localhost:9093',
      listeners: 'PLAINTEXT://localhost:9092,CONTROLLER://localhost:9093',
    })
    expect(listeners).toEqual(['PLAINTEXT://localhost:9092'])
  })

  test('a comma at the end is nothing', () => {
    const { advertised } = written({
      listeners: 'PLAINTEXT://:9092 ,',
      'advertised.listeners': 'PLAINTEXT://h:1,',
    })
    expect(advertised).toEqual(['PLAINTEXT://h:1'])
  })

  test.each(['PLAINTEXT://:9092', 'PLAINTEXT://0.0.0.0:9092', 'PLAINTEXT://[::]:9092'])(
    '%s alone advertises the name of the machine, with a warning',
    (listeners) => {
      expect(written({ listeners })).toMatchObject({ advertised: ['PLAINTEXT://box:9092'], warnings: 1 })
    },
  )

  test('IPv6 addresses stand in brackets, and may share a port with IPv4', () => {
    const config = load({
      listeners: 'PLAINTEXT://127.0.0.1:9092,SIX://[::1]:9092',
      'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,SIX:PLAINTEXT',
    })
    expect(config.listeners.listeners[1]).toEqual({ name: 'SIX', host: '::1', port: 9092 })
    expect(formatEndpoint(config.listeners.listeners[1]!)).toBe('SIX://[::1]:9092')
  })

  test('port 0 may be asked for twice', () => {
    const map = 'A:PLAINTEXT,B:PLAINTEXT'
    expect(
      written({ listeners: 'A://h:0,B://h:0', 'listener.security.protocol.map': map }).listeners,
    ).toHaveLength(2)
  })
})

describe('what is refused', () => {
  test.each([
    [{ listeners: 'PLAINTEXT:9092' }, /Invalid value PLAINTEXT:9092 .* form NAME:\/\/host:port/],
    [{ listeners: 'PLAINTEXT://h:70000' }, /between 0 and 65535/],
    [{ listeners: 'PLAINTEXT://h:-1' }, /between 0 and 65535/],
    [{ listeners: 'PLAINTEXT://::1:9092' }, /brackets/],
    [{ listeners: 'PLAINTEXT://a:1,plaintext://b:2' }, /different name, and PLAINTEXT/],
    [
      {
        listeners: 'PLAINTEXT://a:1,B://b:1',
        'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,B:PLAINTEXT',
      },
      /different port, and 1 /,
    ],
    [{ listeners: 'MINE://a:1' }, /No security protocol defined for listener MINE/],
    [{ listeners: 'SSL://a:1' }, /Listener SSL has the security protocol SSL, which is not served yet/],
    [
      { listeners: 'IN://a:1', 'listener.security.protocol.map': 'IN:SASL_PLAINTEXT' },
      /SASL_PLAINTEXT, which is not served/,
    ],
    [
      { 'listener.security.protocol.map': 'PLAINTEXT:TLS' },
      /Invalid value PLAINTEXT:TLS .*one of PLAINTEXT, SSL/,
    ],
    [{ 'advertised.listeners': 'OTHER://h:1' }, /OTHER is not one of the names in listeners \(PLAINTEXT\)/],
    [{ 'inter.broker.listener.name': 'X' }, /inter.broker.listener.name must be .* PLAINTEXT/],
    [{ 'controller.listener.names': 'PLAINTEXT' }, /at least one listener/],
    [{ 'security.inter.broker.protocol': 'SSL' }, /SSL, which is not served yet/],
  ] as [Record<string, string>, RegExp][])('%j', (overrides, message) => {
    expect(() => load(overrides)).toThrow(message)
  })
})

test('the HTTP listener is host:port, and an empty host means every interface', () => {
  expect(parseHttpListener('127.0.0.1:9644')).toEqual({ host: '127.0.0.1', port: 9644 })
  expect(parseHttpListener('http://[::1]:0')).toEqual({ host: '::1', port: 0 })
  expect(parseHttpListener(':80')).toEqual({ host: '', port: 80 })
})

test('names of listeners are in capitals', () => {
  expect(parseEndpoint('listeners', 'plain-1://H:1').name).toBe('PLAIN-1')
})
