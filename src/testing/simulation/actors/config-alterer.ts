import { ErrorCode, isRetriable } from '../../../wire/error-codes.ts'
import { describeConfigsRequest, describeConfigsResponse } from '../../../wire/schemas/32-describe-configs.ts'
import {
  incrementalAlterConfigsRequest,
  incrementalAlterConfigsResponse,
} from '../../../wire/schemas/44-incremental-alter-configs.ts'
import { type Link, LinkBroken } from '../link.ts'
import { NOTHING, Register } from '../register.ts'
import type { Actor, Scene } from '../scene.ts'

const SET = 0
const TOPIC = 2
const BROKER = 4

/** Milliseconds so many that none of these configs has an effect, whatever is added. */
const LONG_MS = 10 ** 15
const CONFIGS = [
  { resourceType: TOPIC, resourceName: 'ordered', name: 'message.timestamp.before.max.ms' },
  { resourceType: TOPIC, resourceName: 'plain', name: 'flush.ms' },
  { resourceType: BROKER, resourceName: '1', name: 'log.retention.ms' },
  { resourceType: BROKER, resourceName: '', name: 'log.cleaner.max.compaction.lag.ms' },
] as const
type Config = (typeof CONFIGS)[number]

/**
 * Alters configs of topics and brokers, and asks for them. Commits of metadata are synced: what was acknowledged is so
 * after a power cut, too, whatever else is flushed.
 */
export class ConfigAlterer implements Actor {
  readonly name = 'alterer'
  readonly #scene: Scene
  readonly #link: Link
  readonly #registers: ReadonlyMap<Config, Register>
  #alterations = 0

  constructor(scene: Scene) {
    this.#scene = scene
    this.#link = scene.link(this.name)
    this.#registers = new Map(
      CONFIGS.map((config) => [
        config,
        new Register(scene.world, `${config.name} of ${config.resourceName || 'all brokers'}`),
      ]),
    )
  }

  async run(): Promise<void> {
    const { random } = this.#link
    while (!this.#scene.isEnding) {
      await this.#scene.passGate()
      const config = random.pick(CONFIGS)
      try {
        const errorCode = random.chance(0.5) ? await this.#alter(config) : await this.#look(config)
        this.#scene.world.check(
          errorCode === ErrorCode.NONE || isRetriable(errorCode),
          () => `${this.name}: ${config.name} is refused for good with ${errorCode}`,
        )
      } catch (error) {
        if (!(error instanceof LinkBroken)) throw error
      }
      await this.#scene.world.sleep(random.float() * 150)
    }
    await this.#link.close()
  }

  async #alter(config: Config): Promise<number> {
    const { resourceType, resourceName, name } = config
    const value = String(LONG_MS + this.#alterations++)
    const write = this.#registers.get(config)!.write(value)
    const { responses } = await this.#link.ask(
      incrementalAlterConfigsRequest,
      incrementalAlterConfigsResponse,
      1,
      {
        resources: [{ resourceType, resourceName, configs: [{ name, configOperation: SET, value }] }],
        validateOnly: false,
      },
    )
    const { errorCode } = responses[0]!
    this.#scene.world.note(this.name, `${name} = ${value} -> ${errorCode}`)
    if (errorCode === ErrorCode.NONE) {
      write.acknowledged()
      this.#scene.count('configs altered')
    }
    return errorCode
  }

  async #look(config: Config): Promise<number> {
    const { resourceType, resourceName, name } = config
    const askedAt = this.#scene.world.tick()
    const { results } = await this.#link.ask(describeConfigsRequest, describeConfigsResponse, 4, {
      resources: [{ resourceType, resourceName, configurationKeys: [name] }],
    })
    const { errorCode, configs } = results[0]!
    if (errorCode !== ErrorCode.NONE) return errorCode
    // Only what was altered is described of what all brokers have.
    const value = configs.find((found) => found.name === name)?.value ?? ''
    const isAltered = value.startsWith(String(LONG_MS / 10 ** 5)) && value.length === String(LONG_MS).length
    this.#registers.get(config)!.read(isAltered ? value : NOTHING, askedAt)
    this.#scene.count('configs read')
    return errorCode
  }
}
