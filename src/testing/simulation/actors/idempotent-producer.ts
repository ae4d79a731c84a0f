import { ErrorCode, isRetriable } from '../../../wire/error-codes.ts'
import { initProducerIdRequest, initProducerIdResponse } from '../../../wire/schemas/22-init-producer-id.ts'
import { keyed } from '../keyed-values.ts'
import { type Link, LinkBroken } from '../link.ts'
import { inSequence, value } from '../partition-history.ts'
import { type Produced, produceOnce } from '../producing.ts'
import type { Actor, Scene, SimulatedPartition } from '../scene.ts'

interface Batch {
  readonly values: readonly string[]
  readonly baseSequence: number
}

/** As many as clients may have under way with idempotence. */
const MAX_IN_FLIGHT = 5

/** An idempotent producer of one partition: sends again whatever was not answered, until each stands there once, in order. */
export class IdempotentProducer implements Actor {
  readonly name: string
  readonly #scene: Scene
  readonly #link: Link
  readonly #partition: SimulatedPartition
  #incarnation = 0
  /** In which life of the broker it got its id. */
  #bornIn = 0
  #producer: { readonly producerId: number; readonly producerEpoch: number } | undefined
  #nextSequence = 0
  /** A batch of it was taken. */
  #isKnown = false
  #inFlight: Batch[] = []

  constructor(scene: Scene, name: string, partition: SimulatedPartition) {
    this.name = name
    this.#scene = scene
    this.#link = scene.link(name)
    this.#partition = partition
  }

  async run(): Promise<void> {
    const { world } = this.#scene
    const { random } = this.#link
    while (!this.#scene.isEnding || this.#inFlight.length > 0) {
      await this.#scene.passGate()
      if (this.#producer === undefined && !(await this.#begin())) continue
      // Of a producer that it knows nothing of, a broker takes any batch as the first (KIP-360).
      if (!this.#scene.isEnding) this.#fill(this.#isKnown ? random.integer(1, MAX_IN_FLIGHT) : 1)
      const isSettled = await this.#sendAll()
      await world.sleep(random.float() * (isSettled ? 60 : 150))
    }
    await this.#link.close()
  }

  /** Begins anew with an id of its own; of what was under way nobody will ever know. */
  async #begin(): Promise<boolean> {
    try {
      const input = { transactionalId: null, transactionTimeoutMs: 1000 }
      const answer = await this.#link.ask(initProducerIdRequest, initProducerIdResponse, 4, input)
      if (answer.errorCode === 0) {
        this.#producer = { producerId: answer.producerId, producerEpoch: answer.producerEpoch }
        this.#incarnation++
        this.#bornIn = this.#link.life
        this.#nextSequence = 0
        this.#isKnown = false
        this.#inFlight = []
        this.#scene.world.note(this.name, `is producer ${answer.producerId}`)
        return true
      }
    } catch (error) {
      if (!(error instanceof LinkBroken)) throw error
    }
    await this.#scene.world.sleep(50 + this.#link.random.float() * 50)
    return false
  }

  #fill(count: number): void {
    while (this.#inFlight.length < count) {
      const baseSequence = this.#nextSequence
      const sender = inSequence(`${this.name}.${this.#incarnation}`)
      const values = Array.from({ length: this.#link.random.integer(1, 3) }, () =>
        value(sender, this.#nextSequence++),
      )
      this.#inFlight.push({ values, baseSequence })
    }
  }

  /** True when all were answered with success. */
  async #sendAll(): Promise<boolean> {
    try {
      await this.#link.connected()
    } catch (error) {
      if (!(error instanceof LinkBroken)) throw error
      return false
    }
    const sent = this.#inFlight
    const losses = this.#scene.losses
    const outcomes = await Promise.allSettled(sent.map((batch) => this.#send(batch)))
    this.#inFlight = []
    const taken = outcomes.findLastIndex(
      (outcome) => outcome.status === 'fulfilled' && outcome.value.errorCode === ErrorCode.NONE,
    )
    for (const [index, outcome] of outcomes.entries()) {
      const batch = sent[index]!
      if (index < taken && this.#isForgotten(outcome)) continue
      if (outcome.status === 'rejected') {
        if (!(outcome.reason instanceof LinkBroken)) throw outcome.reason
        this.#inFlight.push(batch)
      } else if (!this.#isDone(batch, outcome.value, losses)) this.#inFlight.push(batch)
    }
    return this.#inFlight.length === 0
  }

  /**
   * Of a producer, its snapshot knows the last batch alone, as in Kafka: after a restart those before it, which stand in
   * the log (the audit will see), are not known for what they are.
   */
  #isForgotten(outcome: PromiseSettledResult<Produced>): boolean {
    return (
      this.#scene.machine.lives > this.#bornIn &&
      outcome.status === 'fulfilled' &&
      outcome.value.errorCode === ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER
    )
  }

  async #send(batch: Batch): Promise<Produced> {
    const { world } = this.#scene
    const { history } = this.#partition
    const { values } = batch
    history.attempted(values)
    const request = { ...batch, ...(this.#partition.isCompacted && keyed(values)), ...this.#producer }
    const produced = await produceOnce(this.#link, this.#partition, request, -1, world.clock.now())
    const { errorCode, baseOffset } = produced
    world.note(this.name, `${history.name} ${values.join(' ')} -> ${errorCode} @${baseOffset}`)
    if (errorCode === 0 && baseOffset >= 0) history.acknowledged(baseOffset, values)
    return produced
  }

  /** Whether the batch is known to stand in the log. */
  #isDone({ values }: Batch, { errorCode }: Produced, lossesBefore: number): boolean {
    const { world } = this.#scene
    switch (errorCode) {
      case ErrorCode.NONE:
        world.check(
          this.#inFlight.length === 0 || this.#scene.losses > lossesBefore,
          () => `${this.name}: ${values[0]} is taken before ${this.#inFlight[0]?.values[0]}`,
        )
        this.#isKnown = true
        this.#scene.count('acknowledged in sequence', values.length)
        return true
      case ErrorCode.DUPLICATE_SEQUENCE_NUMBER:
        return true
      case ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER:
      case ErrorCode.UNKNOWN_PRODUCER_ID:
        // One that is behind another which was not taken.
        if (this.#inFlight.length > 0) return false
        world.check(
          this.#scene.losses > 0,
          () => `${this.name}: ${values[0]} is refused with ${errorCode}, and all before it were taken`,
        )
        this.#producer = undefined
        return true
      default:
        world.check(isRetriable(errorCode), () => `${this.name}: refused for good with ${errorCode}`)
        return false
    }
  }
}
