/** The thread that compacts logs: does what WorkerRunner asks for, one thing after the other. */
import { parentPort } from 'node:worker_threads'
import { NodeFileSystem } from '../node-fs.ts'
import type { CleaningPlan } from './cleaning-plan.ts'
import { LogCleaning } from './log-cleaning.ts'

export type CleanerRequest =
  | { readonly type: 'begin'; readonly plan: CleaningPlan }
  | { readonly type: 'step'; readonly maxBytes: number }
  | { readonly type: 'abort' }

/** Of a step what it did, of the others nothing; or why not, with the code of the file system beside it: errors lose it on the way. */
export type CleanerReply =
  | { readonly value: unknown }
  | { readonly error: unknown; readonly code: string | undefined }

const fs = new NodeFileSystem()
let cleaning: LogCleaning | undefined

parentPort?.on('message', (request: CleanerRequest) => {
  parentPort?.postMessage(reply(request))
})

function reply(request: CleanerRequest): CleanerReply {
  try {
    return { value: serve(request) }
  } catch (error) {
    return { error, code: codeOf(error) }
  }
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
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
