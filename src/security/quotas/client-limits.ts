import type { EntityQuotas } from '../../cluster/metadata/image.ts'

/** Whose quota counts for a client. */
export interface ClientLimit {
  readonly limit: number
  /** Who shares it: a user, a client id, or both; the other is empty. */
  readonly user: string
  readonly clientId: string
}

/**
 * All limits of one quota. The most specific counts (Kafka's `DefaultQuotaCallback`): user and client id, user and any
 * client id, user, any user and client id, any user and any client id, any user, client id, any client id. A default
 * is a limit for each whom it applies to, not one for all of them together.
 */
export class ClientLimits {
  readonly #byUserAndClient = new Map<string | null, Map<string | null, number>>()
  readonly #byUser = new Map<string | null, number>()
  readonly #byClient = new Map<string | null, number>()

  /** Of the quota `name`; keys are Kafka's names. */
  constructor(name: string, quotas: Iterable<EntityQuotas>) {
    for (const { entity, values } of quotas) {
      const limit = values.get(name)
      const { user, clientId } = entity
      if (limit === undefined) continue
      if (user !== undefined && clientId !== undefined) {
        const clients = this.#byUserAndClient.get(user) ?? new Map<string | null, number>()
        this.#byUserAndClient.set(user, clients.set(clientId, limit))
      } else if (user !== undefined) this.#byUser.set(user, limit)
      else if (clientId !== undefined) this.#byClient.set(clientId, limit)
    }
  }

  get none(): boolean {
    return this.#byUserAndClient.size + this.#byUser.size + this.#byClient.size === 0
  }

  /** Undefined for a client without a limit. A request without a client id has the empty one, which none is set for. */
  of(user: string, clientId: string): ClientLimit | undefined {
    const both = (of: string | null) => {
      const clients = clientId === '' ? undefined : this.#byUserAndClient.get(of)
      return clients?.get(clientId) ?? clients?.get(null)
    }
    const ofUserAndClient = both(user)
    if (ofUserAndClient !== undefined) return { limit: ofUserAndClient, user, clientId }
    const ofUser = this.#byUser.get(user)
    if (ofUser !== undefined) return { limit: ofUser, user, clientId: '' }
    const ofAnyUserAndClient = both(null)
    if (ofAnyUserAndClient !== undefined) return { limit: ofAnyUserAndClient, user, clientId }
    const ofAnyUser = this.#byUser.get(null)
    if (ofAnyUser !== undefined) return { limit: ofAnyUser, user, clientId: '' }
    if (clientId === '') return undefined
    const ofClient = this.#byClient.get(clientId) ?? this.#byClient.get(null)
    return ofClient === undefined ? undefined : { limit: ofClient, user: '', clientId }
  }
}
