import type { MetadataImage } from '../../cluster/metadata/image.ts'
import { ClientLimits } from './client-limits.ts'
import { MutationQuota } from './mutation-quota.ts'
import {
  CONSUMER_BYTE_RATE,
  CONTROLLER_MUTATION_RATE,
  PRODUCER_BYTE_RATE,
  REQUEST_PERCENTAGE,
} from './names.ts'
import { RateQuota } from './rate-quota.ts'
import type { RateWindows } from './windowed-rate.ts'

export interface ClientQuotasOptions {
  /** `quota.window.num` and `quota.window.size.seconds`. */
  readonly clients: RateWindows
  /** `controller.quota.window.num` and `controller.quota.window.size.seconds`. */
  readonly controller: RateWindows
}

/** The quotas of users and clients on this broker, with the limits that the metadata holds. */
export class ClientQuotas {
  readonly produce: RateQuota
  readonly fetch: RateQuota
  /** In percent of the event loop's time. */
  readonly request: RateQuota
  readonly mutations: MutationQuota
  #quotas: MetadataImage['clientQuotas'] | undefined

  constructor({ clients, controller }: ClientQuotasOptions) {
    this.produce = new RateQuota({ windows: clients })
    this.fetch = new RateQuota({ windows: clients })
    // Kafka bounds this one alone: one long request shall not shut a client out for many windows.
    this.request = new RateQuota({ windows: clients, maxThrottleMs: clients.windowMs })
    this.mutations = new MutationQuota(controller)
  }

  /** Puts the limits of the image in force. */
  update({ clientQuotas }: MetadataImage): void {
    if (clientQuotas === this.#quotas) return
    this.#quotas = clientQuotas
    const limits = (name: string) => new ClientLimits(name, clientQuotas.values())
    this.produce.setLimits(limits(PRODUCER_BYTE_RATE))
    this.fetch.setLimits(limits(CONSUMER_BYTE_RATE))
    this.request.setLimits(limits(REQUEST_PERCENTAGE))
    this.mutations.setLimits(limits(CONTROLLER_MUTATION_RATE))
  }
}
