/** A long call for which there is a way that leaves the event loop free. */
export interface LongCall {
  atOnce(): void
  meanwhile(): Promise<void>
}

/**
 * Work that may take long, written once for callers that wait for it and for those that go on meanwhile. It yields
 * where others may have their turn, and long calls, which are done when it goes on. What begins such work may leave it
 * unfinished and begin it anew, so it changes nothing that others see.
 */
export type Steps<T> = Generator<LongCall | undefined, T, void>

/** Does all of it before it returns. */
export function runAtOnce<T>(steps: Steps<T>): T {
  let next = steps.next()
  while (!next.done) {
    next.value?.atOnce()
    next = steps.next()
  }
  return next.value
}

/** Runs what yields promises and is given what they come to: at once as far as it needs none. */
export function awaitEach<T, R>(steps: Generator<Promise<R>, T, R>): T | Promise<Awaited<T>> {
  const first = steps.next()
  return first.done ? first.value : awaitRest(steps, first.value)
}

async function awaitRest<T, R>(steps: Generator<Promise<R>, T, R>, awaited: Promise<R>): Promise<Awaited<T>> {
  for (let promise = awaited; ; ) {
    const [outcome] = await Promise.allSettled([promise])
    const next = outcome.status === 'fulfilled' ? steps.next(outcome.value) : steps.throw(outcome.reason)
    if (next.done) return await next.value
    promise = next.value
  }
}
