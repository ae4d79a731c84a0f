import { expect, test } from 'vitest'
import { topShares } from './profile.ts'

test('shares are of the time that was not idle, of a function wherever it was called from', () => {
  const frame = (functionName: string, url = 'file:///x/main.js') => ({ functionName, url, lineNumber: 9 })
  const profile = {
    nodes: [
      { id: 1, callFrame: frame('(idle)', '') },
      { id: 2, callFrame: frame('append') },
      { id: 3, callFrame: frame('writev', '') },
      { id: 4, callFrame: frame('append') },
    ],
    samples: [1, 2, 3, 4, 1],
    timeDeltas: [0, 1000, 30, 60, 10],
  }
  expect(topShares(profile, 5)).toEqual([
    { where: 'writev', share: 0.6 },
    { where: 'append (main.js:10)', share: 0.4 },
  ])
  expect(topShares(profile, 1)).toHaveLength(1)
})
