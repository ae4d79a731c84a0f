import { setTimeout as delay } from 'node:timers/promises'
import { TestClient } from '../../src/testing/test-client.ts'

/** Where the broker is now; none while it is down. */
export type Address = () => { readonly host: string; readonly port: number } | undefined

const RETRY_MS = 10

/** Refused, reset or ended, as happens when the broker is killed. */
function isOfConnection(error: unknown): boolean {
  return (
    error instanceof Error && ('code' in error || /^the (broker closed the )?connection/.test(error.message))
  )
}

/** A connection that is made anew when it breaks. */
export class Connection {
  readonly #address: Address
  readonly #clientId: string
  #client: TestClient | undefined

  constructor(address: Address, clientId: string) {
    this.#address = address
    this.#clientId = clientId
  }

  /**
   * Carries out `use`, again where the connection broke meanwhile, so that what it sends may arrive twice.
   * `onBreak` may throw to give up.
   */
  async use<T>(use: (client: TestClient) => Promise<T>, onBreak?: () => void): Promise<T> {
    for (;;) {
      try {
        const at = this.#address()
        if (at !== undefined) {
          this.#client ??= await TestClient.connect(at.host, at.port, this.#clientId)
          return await use(this.#client)
        }
      } catch (error) {
        if (!isOfConnection(error)) throw error
        await this.close()
        onBreak?.()
      }
      await delay(RETRY_MS)
    }
  }

  async close(): Promise<void> {
    const client = this.#client
    this.#client = undefined
    await client?.close()
  }
}
