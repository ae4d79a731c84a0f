import { array, type Infer, type Input, int16, int32, message, uuid } from '../schema.ts'

const voter = { voterId: int32(), voterDirectoryId: uuid({ versions: '1+' }) }

export const leaderChangeMessage = message(
  { name: 'LeaderChangeMessage', versions: '0-1', flexible: '0+' },
  {
    version: int16(),
    leaderId: int32(),
    voters: array(voter),
    grantingVoters: array(voter),
  },
)
export interface LeaderChangeMessage extends Infer<typeof leaderChangeMessage> {}
export interface LeaderChangeMessageInput extends Input<typeof leaderChangeMessage> {}
