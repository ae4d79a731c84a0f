/**
 * FindCoordinator, versions 0–6.
 *
 * - v1: for transactions too; v4: several keys at once; v6: for share groups.
 *
 * Not done: share groups. They are refused at once with an error that clients report and don't retry.
 */
import { isRefusal } from '../cluster/controller/create-topics.ts'
import { GROUP_METADATA_TOPIC, TRANSACTION_STATE_TOPIC } from '../cluster/topic-names.ts'
import { defaultErrorMessage, ErrorCode } from '../wire/error-codes.ts'
import {
  type FindCoordinatorRequest,
  type FindCoordinatorResponseInput,
  findCoordinatorRequest,
  findCoordinatorResponse,
} from '../wire/schemas/10-find-coordinator.ts'
import { offsetsTopic, transactionsTopic } from './automatic-topics.ts'
import { brokerEndpoint } from './endpoints.ts'
import { handler } from './handler.ts'
import type { Services } from './services.ts'

const FIRST_VERSION_WITH_KEYS = 4
const FIRST_VERSION_WITH_SHARE = 6
const GROUP = 0
const TRANSACTION = 1
const SHARE = 2

const TOPICS = new Map([
  [GROUP, { name: GROUP_METADATA_TOPIC, make: offsetsTopic }],
  [TRANSACTION, { name: TRANSACTION_STATE_TOPIC, make: transactionsTopic }],
])

type Coordinator = NonNullable<FindCoordinatorResponseInput['coordinators']>[number]

export const findCoordinator = handler({
  request: findCoordinatorRequest,
  response: findCoordinatorResponse,
  minVersion: 0,
  maxVersion: 6,

  async handle(context, request, services) {
    await createMissingTopic(request.keyType, services)
    return shaped(context.apiVersion, request, (key) =>
      find(context.apiVersion, key, request.keyType, context.listenerName, services),
    )
  },

  refuse: (request, errorCode) => {
    const version = request.coordinatorKeys.length > 0 ? FIRST_VERSION_WITH_KEYS : 0
    return shaped(version, request, (key) => failed(key, errorCode, null))
  },
})

/** Of a coordinator that nobody has asked for yet, or whose topic was deleted: without it nothing could be served. */
async function createMissingTopic(keyType: number, services: Services): Promise<void> {
  const { configs, controller, logger, metadata } = services
  const topic = TOPICS.get(keyType)
  if (topic === undefined || metadata.image().topics.has(topic.name)) return
  try {
    const wanted = topic.make(configs.broker, metadata.image())
    const [made] = await controller.createTopics([wanted], { validateOnly: false })
    if (made !== undefined && isRefusal(made) && made.errorCode !== ErrorCode.TOPIC_ALREADY_EXISTS)
      logger.error('internal topic not created', { topic: topic.name, reason: made.message })
  } catch (error) {
    // The client is told that there is no coordinator, and comes again.
    logger.error('internal topic not created', { topic: topic.name, err: error })
  }
}

function shaped(
  version: number,
  request: FindCoordinatorRequest,
  find: (key: string) => Coordinator,
): FindCoordinatorResponseInput {
  if (version >= FIRST_VERSION_WITH_KEYS) return { coordinators: request.coordinatorKeys.map(find) }
  const { key: _key, ...coordinator } = find(request.key)
  // Kafka's older answers carry the name of the error that there is not.
  return coordinator.errorCode === ErrorCode.NONE ? { ...coordinator, errorMessage: 'NONE' } : coordinator
}

function find(
  version: number,
  key: string,
  keyType: number,
  listenerName: string,
  services: Services,
): Coordinator {
  if (keyType < GROUP || keyType > SHARE || (keyType === SHARE && version < FIRST_VERSION_WITH_SHARE)) {
    return failed(key, ErrorCode.INVALID_REQUEST, defaultErrorMessage(ErrorCode.INVALID_REQUEST))
  }
  if (keyType === SHARE) {
    return failed(key, ErrorCode.UNSUPPORTED_VERSION, 'This broker does not serve share groups.')
  }
  const coordinator = (keyType === GROUP ? services.groups : services.transactions).coordinatorOf(key)
  const broker = coordinator === undefined ? undefined : services.metadata.image().brokers.get(coordinator)
  const endpoint = broker && brokerEndpoint(broker, listenerName)
  if (broker === undefined || endpoint === undefined || endpoint.port < 0) {
    return failed(key, ErrorCode.COORDINATOR_NOT_AVAILABLE, null)
  }
  return { key, nodeId: broker.id, ...endpoint, errorCode: ErrorCode.NONE, errorMessage: '' }
}

function failed(key: string, errorCode: number, errorMessage: string | null): Coordinator {
  return { key, nodeId: -1, host: '', port: -1, errorCode, errorMessage }
}
