import { bool, type Infer, type Input, message, string } from '../schema.ts'

export const defaultPrincipalData = message(
  { name: 'DefaultPrincipalData', versions: '0', flexible: '0+' },
  {
    type: string(),
    name: string(),
    tokenAuthenticated: bool(),
  },
)
export interface DefaultPrincipalData extends Infer<typeof defaultPrincipalData> {}
export interface DefaultPrincipalDataInput extends Input<typeof defaultPrincipalData> {}
