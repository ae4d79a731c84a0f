/** AlterClientQuotas, versions 0–1. Each entity is altered or refused for itself; a null name is the default of its type. */
import { tooManyRecords } from '../cluster/controller/create-topics.ts'
import { planAlterations, type QuotaAlteration } from '../security/quotas/alteration.ts'
import { canonicalIp } from '../security/quotas/ip.ts'
import {
  type AlterClientQuotasRequest,
  alterClientQuotasRequest,
  alterClientQuotasResponse,
} from '../wire/schemas/49-alter-client-quotas.ts'
import { handler } from './handler.ts'
import type { Services } from './services.ts'

export const alterClientQuotas = handler({
  request: alterClientQuotasRequest,
  response: alterClientQuotasResponse,
  minVersion: 0,
  maxVersion: 1,

  async handle(context, request, services) {
    const alterations = request.entries.map(
      ({ entity, ops }): QuotaAlteration => ({
        // A type that is named twice is taken as it is named last.
        entity: new Map(entity.map(({ entityType, entityName }) => [entityType, entityName])),
        ops,
      }),
    )
    const resolvable = await resolvableHosts(alterations, services)
    const results = await services.controller.update((image) => {
      const { changes, results: result } = planAlterations(image, alterations, resolvable)
      const tooMany = tooManyRecords(changes.length)
      if (tooMany !== undefined) {
        const { errorCode, message } = tooMany
        return { changes: [], result: result.map((each) => ({ ...each, errorCode, errorMessage: message })) }
      }
      return { changes: request.validateOnly ? [] : changes, result }
    })
    for (const { errorCode } of results) context.refusedWith(errorCode)
    return {
      entries: results.map(({ entity, errorCode, errorMessage }) => ({
        errorCode,
        errorMessage,
        entity: Array.from(entity, ([entityType, entityName]) => ({ entityType, entityName })),
      })),
    }
  },

  refuse: (request: AlterClientQuotasRequest, errorCode) => ({
    entries: request.entries.map(({ entity }) => ({ errorCode, errorMessage: null, entity })),
  }),
})

/** Addresses may be given by name. */
async function resolvableHosts(
  alterations: readonly QuotaAlteration[],
  services: Services,
): Promise<ReadonlySet<string>> {
  const hosts = new Set<string>()
  for (const { entity } of alterations) {
    const ip = entity.get('ip')
    if (typeof ip === 'string' && ip !== '' && canonicalIp(ip) === undefined) hosts.add(ip)
  }
  const found = await Promise.all(
    Array.from(hosts, async (host) => ((await services.resolveHost(host)) === undefined ? [] : [host])),
  )
  return new Set(found.flat())
}
