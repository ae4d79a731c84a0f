/** Where the broker is, which does not move. */
export interface Place {
  readonly host: string
  readonly port: number
}
