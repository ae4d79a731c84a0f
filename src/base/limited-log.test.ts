import { expect, test } from 'vitest'
import { ManualClock } from '../testing/manual-clock.ts'
import { recordingLogger } from '../testing/net-server.ts'
import { LimitedLog } from './limited-log.ts'

test('a line comes at once, then one a minute for each kind, which says how often it was', () => {
  const clock = new ManualClock()
  const { logger, lines } = recordingLogger()
  const log = new LimitedLog(logger, clock)
  const warn = (kind: string, peer: string) => log.warn(kind, 'limit reached', () => ({ kind, peer }))
  warn('a', '1')
  warn('a', '2')
  warn('b', '3')
  clock.advance(59_999)
  warn('a', '4')
  clock.advance(1)
  warn('a', '5')
  warn('a', '6')
  clock.advance(60_000)
  warn('b', '7')
  expect(lines.map(({ fields }) => fields)).toEqual([
    { kind: 'a', peer: '1' },
    { kind: 'b', peer: '3' },
    { kind: 'a', peer: '5', times: 3 },
    { kind: 'b', peer: '7' },
  ])
})

test('what would be logged is not made where there is no line', () => {
  const log = new LimitedLog(recordingLogger().logger, new ManualClock())
  let made = 0
  for (let time = 0; time < 10; time++)
    log.info('a', 'limit reached', () => {
      made++
      return {}
    })
  expect(made).toBe(1)
})
