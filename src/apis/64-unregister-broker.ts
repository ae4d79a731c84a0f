/**
 * UnregisterBroker, version 0: forgets a broker that is gone. Kafka forgets one that runs as well, which leaves that
 * broker without any use until it is started again; here it has to be stopped first.
 */
import { ErrorCode } from '../wire/error-codes.ts'
import { unregisterBrokerRequest, unregisterBrokerResponse } from '../wire/schemas/64-unregister-broker.ts'
import { handler } from './handler.ts'

export const unregisterBroker = handler({
  request: unregisterBrokerRequest,
  response: unregisterBrokerResponse,
  minVersion: 0,
  maxVersion: 0,

  handle: (_context, { brokerId }, services) =>
    services.controller.update<{ errorCode: number; errorMessage: string }>((image) => {
      const broker = image.brokers.get(brokerId)
      if (broker === undefined) {
        const errorMessage = `Broker ID ${brokerId} is not currently registered`
        return { changes: [], result: { errorCode: ErrorCode.BROKER_ID_NOT_REGISTERED, errorMessage } }
      }
      if (!broker.fenced) {
        const errorMessage = `Broker ${brokerId} is running: stop it before it is unregistered`
        return { changes: [], result: { errorCode: ErrorCode.INVALID_REQUEST, errorMessage } }
      }
      return {
        changes: [{ type: 'unregisterBroker', brokerId }],
        result: { errorCode: ErrorCode.NONE, errorMessage: '' },
      }
    }),

  refuse: (_request, errorCode) => ({ errorCode, errorMessage: null }),
})
