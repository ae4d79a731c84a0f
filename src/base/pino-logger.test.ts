import { expect, test } from 'vitest'
import { pinoLogger } from './pino-logger.ts'

function capture(format: string) {
  const lines: string[] = []
  const logger = pinoLogger({ format, destination: { write: (line) => lines.push(line) } })
  return { logger, lines }
}

test('a JSON line has the level by name, an ISO time, the message and the fields', () => {
  const { logger, lines } = capture('json')
  logger.info('segment rolled', { partition: 'a-0', baseOffset: 42 })
  expect(JSON.parse(lines[0]!)).toEqual({
    level: 'info',
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
    partition: 'a-0',
    baseOffset: 42,
    msg: 'segment rolled',
  })
})

test('a child adds its fields to every line', () => {
  const { logger, lines } = capture('json')
  logger.child({ listener: 'PLAINTEXT' }).child({ connection: 7 }).debug('closed', { reason: 'idle' })
  expect(JSON.parse(lines[0]!)).toMatchObject({ listener: 'PLAINTEXT', connection: 7, reason: 'idle' })
})

test('an error is written with its stack and its cause', () => {
  const { logger, lines } = capture('json')
  logger.error('failed', { err: new Error('outer', { cause: new Error('inner') }) })
  const { err } = JSON.parse(lines[0]!)
  expect(err).toMatchObject({ type: 'Error', message: 'outer', cause: { message: 'inner' } })
  expect(err.stack).toContain('pino-logger.test.ts')
})

test('text has one line of key=value, quoted where needed, and stacks below', () => {
  const { logger, lines } = capture('text')
  logger.info('started', { data: './data', startMs: 12, note: 'two words', list: [1, 2] })
  logger.error('failed', { err: new Error('no') })
  expect(lines[0]).toMatch(
    /^[\d:.]{12} INFO {2}started data=\.\/data startMs=12 note="two words" list=\[1,2\]\n$/,
  )
  expect(lines[1]).toMatch(/^[\d:.]{12} ERROR failed\nError: no\n {4}at /)
})
