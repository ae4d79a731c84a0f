/** All attacks, in the order in which they run. */
import type { Attack } from './attack.ts'
import {
  absurdLengths,
  broad,
  frameLengths,
  mutatedBodies,
  otherProtocols,
  randomBodies,
  tooBroad,
  truncatedBodies,
} from './attacks/bytes.ts'
import { churn, halfFrames, idle, largerHalfFrames, neverRead, slowRead } from './attacks/connections.ts'
import { absurdNumbers, newNames, pipelined } from './attacks/growth.ts'
import { allMetadata, bombAttack, manyTopics, vanishingMembers, vanishingSessions } from './attacks/work.ts'

export const attacks: readonly Attack[] = [
  halfFrames,
  mutatedBodies,
  truncatedBodies,
  randomBodies,
  absurdLengths,
  frameLengths,
  otherProtocols,
  broad,
  tooBroad,
  largerHalfFrames,
  idle,
  churn,
  neverRead,
  slowRead,
  bombAttack(),
  vanishingMembers,
  vanishingSessions,
  manyTopics,
  allMetadata,
  pipelined,
  absurdNumbers,
  // Leaves groups, transactional ids and producers behind, as any broker keeps them for a while.
  newNames,
]
