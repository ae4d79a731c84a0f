/** Who a connection belongs to: Kafka's `KafkaPrincipal`. */
export interface Principal {
  readonly type: string
  readonly name: string
}

/** Whoever did not say who they are. */
export const ANONYMOUS: Principal = { type: 'User', name: 'ANONYMOUS' }
