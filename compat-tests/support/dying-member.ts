import { parentPort, Worker, workerData } from 'node:worker_threads'
import type { MemberOptions } from './client.ts'
import { clients } from './clients.ts'

type DataOptions = Omit<MemberOptions, 'onMessage' | 'onAssignment'>

export interface DyingMember {
  /** Its connections end, without a word to the group. */
  die(): Promise<void>
}

/** A member in a thread of its own, which can be ended at once as a process can. */
export function startDyingMember(
  client: string,
  options: DataOptions,
  onAssignment: (partitions: readonly number[]) => void,
): DyingMember {
  const worker = new Worker(new URL(import.meta.url), { workerData: { client, options }, execArgv: [] })
  worker.on('message', onAssignment)
  return {
    async die() {
      await worker.terminate()
    },
  }
}

if (parentPort !== null && workerData?.options !== undefined) {
  const port = parentPort
  const { client, options } = workerData as { client: string; options: DataOptions }
  await clients
    .find(({ name }) => name === client)!
    .member({ ...options, onAssignment: (partitions) => port.postMessage(partitions) })
}
