import { type Infer, type Input, int16, message } from '../schema.ts'

export const controlRecordTypeSchema = message(
  { name: 'ControlRecordTypeSchema', versions: '0' },
  {
    type: int16(),
  },
)
export interface ControlRecordTypeSchema extends Infer<typeof controlRecordTypeSchema> {}
export interface ControlRecordTypeSchemaInput extends Input<typeof controlRecordTypeSchema> {}
