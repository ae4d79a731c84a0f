/**
 * DescribeCluster, versions 0–2.
 *
 * - v1: `endpointType`; controllers (2) have no endpoints of their own here, which Kafka answers with
 *   MISMATCHED_ENDPOINT_TYPE on a broker.
 * - v2: fenced brokers, named only where the client asks.
 */
import { liveBrokers } from '../cluster/metadata/image.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import { describeClusterRequest, describeClusterResponse } from '../wire/schemas/60-describe-cluster.ts'
import { controllerId } from './03-metadata.ts'
import { CLUSTER_OPERATIONS } from './authorized-operations.ts'
import { brokerEndpoint } from './endpoints.ts'
import { handler } from './handler.ts'

const BROKERS = 1
const CONTROLLERS = 2

export const describeCluster = handler({
  request: describeClusterRequest,
  response: describeClusterResponse,
  minVersion: 0,
  maxVersion: 2,

  handle(context, request, services) {
    if (request.endpointType === CONTROLLERS) {
      return refusal(
        ErrorCode.MISMATCHED_ENDPOINT_TYPE,
        'The request was sent to an endpoint of type BROKER, but we wanted an endpoint of type CONTROLLER',
      )
    }
    if (request.endpointType !== BROKERS) {
      return refusal(ErrorCode.UNSUPPORTED_ENDPOINT_TYPE, `Unsupported endpoint type ${request.endpointType}`)
    }
    const image = services.metadata.image()
    const brokers = request.includeFencedBrokers ? [...image.brokers.values()] : liveBrokers(image)
    return {
      errorCode: ErrorCode.NONE,
      endpointType: BROKERS,
      clusterId: image.clusterId,
      controllerId: controllerId(image),
      brokers: brokers.map((broker) => ({
        brokerId: broker.id,
        ...brokerEndpoint(broker, context.listenerName),
        rack: broker.rack,
        isFenced: broker.fenced,
      })),
      ...(request.includeClusterAuthorizedOperations && { clusterAuthorizedOperations: CLUSTER_OPERATIONS }),
    }
  },

  refuse: (_request, errorCode) => refusal(errorCode, null),
})

function refusal(errorCode: number, errorMessage: string | null) {
  return { errorCode, errorMessage, endpointType: BROKERS, clusterId: '', controllerId: -1, brokers: [] }
}
