/** The thread that compacts logs: does what WorkerRunner asks for, one thing after the other. */
import { parentPort } from 'node:worker_threads'
import { NodeFileSystem } from '../node-fs.ts'
import type { CleaningPlan } from './cleaning-plan.ts'
import { LogCleaning } from './log-cleaning.ts'

export type CleanerRequest =
  | { readonly type: 'begin'; readonly plan: CleaningPlan }
  | { readonly type: 'step'; readonly maxBytes: number }
  | { readonly type: 'abort' }

/** Of a step what it did, of the others nothing; or why not. */
export type CleanerReply = { readonly value: unknown } | { readonly error: unknown }

const fs = new NodeFileSystem()
let cleaning: LogCleaning | undefined

parentPort?.on('message', (request: CleanerRequest) => {
  parentPort?.postMessage(reply(request))
})

function reply(request: CleanerRequest): CleanerReply {
  try {
    return { value: serve(request) }
  } catch (error) {
    return { error }
  }
}

function serve(request: CleanerRequest): unknown {
  switch (request.type) {
    case 'begin':
      cleaning = new LogCleaning(fs, request.plan)
      return undefined
    case 'step': {
      if (cleaning === undefined) throw new Error('no cleaning was begun')
      const step = cleaning.step(request.maxBytes)
      // With it goes the map.
      if (step.state === 'done') cleaning = undefined
      return step
    }
    case 'abort': {
      const aborted = cleaning
      cleaning = undefined
      aborted?.abort()
      return undefined
    }
  }
}
