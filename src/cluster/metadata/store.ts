/**
 * Where the brokers of a cluster agree. One image that all see; a commit takes effect as a whole or not at all, and
 * only where nothing that it was decided on has changed meanwhile. With etcd each resource is a key, its mod version
 * the key's mod revision, and a commit one transaction; the embedded store does the same on a log.
 */
import { type MetadataChange, touchedKeys } from './changes.ts'
import type { BrokerRegistration, MetadataImage, ResourceKey } from './image.ts'

export interface MetadataStore {
  /** The newest image that is durable and that the listeners have seen or are just being shown. */
  image(): MetadataImage
  /**
   * Applies the changes in order as one version if the expectation still holds. Resolves when they are durable and
   * every listener was called, or with the image that the expectation failed on. Rejects with MetadataStoreError when
   * the store cannot write, and with InvariantError when the changes don't fit the image; nothing has changed then,
   * except that after a failed sync only a restart tells.
   */
  commit(expectation: Expectation, changes: readonly MetadataChange[]): Promise<CommitResult>
  /**
   * Makes this process the one that runs the broker of this id, for as long as it holds its lease. Refused with
   * KafkaError DUPLICATE_BROKER_REGISTRATION while another holds it.
   */
  register(broker: BrokerToRegister): Promise<BrokerSession>
  /**
   * Calls the listener after every commit with the new image, the image before it, and what changed, in order and
   * before the commit resolves; never from inside this call. Returns what ends it. A listener that throws is logged
   * and called again for the next commit.
   */
  subscribe(listener: MetadataListener): () => void
  /** Waits for what is being committed; refuses everything after. Idempotent. */
  close(): Promise<void>
}

export type MetadataListener = (
  image: MetadataImage,
  changes: readonly MetadataChange[],
  previous: MetadataImage,
) => void

/** What must hold for a commit to take effect. `modVersion` 0: there is no such resource. */
export type Expectation =
  | { readonly type: 'version'; readonly version: number }
  | {
      readonly type: 'keys'
      readonly keys: readonly { readonly key: ResourceKey; readonly modVersion: number }[]
    }

export type CommitResult =
  | { readonly ok: true; readonly image: MetadataImage }
  /** Somebody else was first. `image` is the current one, on which to decide anew. */
  | { readonly ok: false; readonly image: MetadataImage }

/** The store gives the epoch; a broker is not fenced while it holds its session. */
export type BrokerToRegister = Omit<BrokerRegistration, 'epoch' | 'fenced'>

export interface BrokerSession {
  readonly brokerId: number
  readonly epoch: number
  /** False from the moment when another may be given what this broker leads: it must not accept writes any more. */
  held(): boolean
  /** Resolves once `held` is false. */
  readonly lost: Promise<void>
  /** Fences the broker and gives up the lease, in a clean stop. Idempotent. */
  close(): Promise<void>
}

/** Nothing at all has changed since `image`. */
export function expectVersion(image: MetadataImage): Expectation {
  return { type: 'version', version: image.version }
}

/** Nothing that these changes write, nor the resources in `alsoRead`, has changed since `image`. */
export function expectTouched(
  image: MetadataImage,
  changes: readonly MetadataChange[],
  alsoRead: readonly ResourceKey[] = [],
): Expectation {
  const keys = new Set(alsoRead)
  for (const change of changes) for (const key of touchedKeys(change)) keys.add(key)
  return {
    type: 'keys',
    keys: [...keys].map((key) => ({ key, modVersion: image.modVersions.get(key) ?? 0 })),
  }
}

export function holds(expectation: Expectation, image: MetadataImage): boolean {
  if (expectation.type === 'version') return image.version === expectation.version
  return expectation.keys.every(({ key, modVersion }) => (image.modVersions.get(key) ?? 0) === modVersion)
}

export interface Decision<T> {
  readonly changes: readonly MetadataChange[]
  /** Resources that the decision rests on besides those that it changes. */
  readonly alsoRead?: readonly ResourceKey[]
  readonly result: T
}

/**
 * Decides on the current image and commits; decides anew for as long as others are first. No changes means no commit.
 * `decide` may be called several times, and what it throws ends it.
 */
export async function updateMetadata<T>(
  store: MetadataStore,
  decide: (image: MetadataImage) => Decision<T>,
): Promise<T> {
  let image = store.image()
  for (;;) {
    const { changes, alsoRead, result } = decide(image)
    if (changes.length === 0) return result
    const committed = await store.commit(expectTouched(image, changes, alsoRead), changes)
    if (committed.ok) return result
    image = committed.image
  }
}
