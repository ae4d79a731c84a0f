import { expect, test } from 'vitest'
import { LogLevels } from './log-levels.ts'
import type { Logger } from './logger.ts'

function recorder() {
  const lines: string[] = []
  const write = (message: string) => {
    lines.push(message)
  }
  const sink: Logger = { debug: write, info: write, warn: write, error: write, child: () => sink }
  return { sink, lines }
}

function logAll(logger: Logger): void {
  logger.debug('debug')
  logger.info('info')
  logger.warn('warn')
  logger.error('error')
}

test('a logger without a level of its own follows root, children made before among them', () => {
  const { sink, lines } = recorder()
  const levels = new LogLevels(sink, 'INFO', ['sluice.net'])
  const child = levels.logger('sluice.net').child({ connection: 1 })
  logAll(child)
  levels.set('root', 'ERROR')
  logAll(child)
  expect(lines).toEqual(['info', 'warn', 'error', 'error'])
})

test('a logger with a level of its own keeps it until it is taken away', () => {
  const { sink, lines } = recorder()
  const levels = new LogLevels(sink, 'WARN', ['sluice.net', 'sluice.groups'])
  levels.set('sluice.net', 'DEBUG')
  levels.set('root', 'FATAL')
  logAll(levels.logger('sluice.net'))
  logAll(levels.logger('sluice.groups'))
  expect(lines).toEqual(['debug', 'info', 'warn', 'error'])
  expect(levels.level('sluice.net')).toBe('DEBUG')
  levels.set('sluice.net', undefined)
  expect(levels.level('sluice.net')).toBe('FATAL')
  logAll(levels.logger('sluice.net'))
  expect(lines).toHaveLength(4)
})

test('the level of root is never taken away', () => {
  const levels = new LogLevels(recorder().sink, 'INFO', [])
  levels.set('root', undefined)
  expect(levels.level('root')).toBe('INFO')
})
