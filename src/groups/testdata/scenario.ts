import { ErrorCode } from '../../wire/error-codes.ts'
import { parseMigrationPolicy } from '../migration/policy.ts'
import type { GroupOptions } from '../options.ts'
import { DEFAULT_CONSUMER_SETTINGS, DEFAULT_OPTIONS, Harness } from './harness.ts'
import { Arguments, parseCommand, topicOf } from './scenario-command.ts'
import { printRecord, printReply, printTimer } from './scenario-print.ts'

/**
 * Scenarios are transcripts. A file has several, each begun by a line `== rule that it keeps`; in it, blocks of
 * commands, a line `----`, and what came out of them until an empty line. A command is a verb with `name=value`
 * arguments; `$N` stands for the member id that the Nth uuid made (see README.md here).
 */
export interface Scenario {
  readonly title: string
  readonly blocks: readonly { readonly commands: readonly string[]; readonly expected: string }[]
}

export function parseScenarios(text: string): Scenario[] {
  return text
    .split(/^== /m)
    .slice(1)
    .map((section) => {
      const [title = '', ...rest] = section.split('\n')
      const blocks = rest
        .join('\n')
        .split(/\n{2,}/)
        .map((block) => block.replace(/^\n+|\n+$/g, ''))
        .filter((block) => block !== '')
        .map((block) => {
          const [commands = '', expected = ''] = block.split(/^----$\n?/m)
          return { commands: commands.trimEnd().split('\n'), expected }
        })
      return { title, blocks }
    })
}

/** Plays a scenario and gives what came out, block by block. */
export function playScenario({ blocks }: Scenario): string[] {
  const player = new Player()
  return blocks.map(({ commands }) => {
    for (const command of commands) {
      if (!command.startsWith('#')) player.play(command)
    }
    return player.takeOutput()
  })
}

/** The same file with what came out in the place of what was expected. */
export function printScenarios(head: string, scenarios: readonly Scenario[]): string {
  const sections = scenarios.map((scenario) => {
    const outputs = playScenario(scenario)
    const blocks = scenario.blocks.map(({ commands }, i) => `${commands.join('\n')}\n----\n${outputs[i]}`)
    return `== ${scenario.title}\n${blocks.join('\n')}`
  })
  return head + sections.join('\n')
}

class Player {
  #harness: Harness | undefined
  #lines: string[] = []
  #uuids = 0

  /** What has come out since the last time; the log alone has to give the same groups. */
  takeOutput(): string {
    this.#harness?.checkReplay()
    const output = this.#lines.map((line) => `${line}\n`).join('')
    this.#lines = []
    return output
  }

  play(line: string): void {
    const [verb = '', ...words] = line.trim().split(/\s+/)
    const args = new Arguments(words)
    switch (verb) {
      case 'options':
        this.#harness = this.#start(args)
        return
      case 'advance':
        this.#started.advance(Number(args.positional[0]))
        return
      case 'topics':
        this.#started.changeTopics(args.positional.map(topicOf))
        return
      case 'hold-writes':
        this.#started.holdsWrites = true
        return
      case 'release-writes':
        this.#started.holdsWrites = false
        this.#started.releaseWrites()
        return
      case 'fail-writes':
        this.#started.holdsWrites = false
        this.#started.failWrites(errorCodeOf(args.positional[0]))
        return
      case 'restart':
        this.#started.restart(optionsOf(args))
        return
      default:
        this.#started.execute(parseCommand(verb, args, () => `${++this.#uuids}`))
    }
  }

  get #started(): Harness {
    this.#harness ??= this.#start(new Arguments([]))
    return this.#harness
  }

  #start(args: Arguments): Harness {
    const harness = new Harness(
      { ...DEFAULT_OPTIONS, ...optionsOf(args) },
      {
        record: (record) => this.#lines.push(printRecord(record)),
        reply: (token, command, reply) => this.#lines.push(printReply(token, command, reply)),
        timer: (key, delayMs) => {
          // The timer of the retention check would stand in every transcript.
          if (key !== 'offset-expiration') this.#lines.push(printTimer(key, delayMs))
        },
      },
    )
    return harness
  }
}

function optionsOf(args: Arguments): Partial<GroupOptions> {
  const given = (names: readonly string[]) =>
    Object.fromEntries(
      names.filter((name) => args.optional(name) !== null).map((name) => [name, args.number(name, 0)]),
    )
  const settings = { ...DEFAULT_CONSUMER_SETTINGS, ...given(Object.keys(DEFAULT_CONSUMER_SETTINGS)) }
  const { assignors, maxSize } = DEFAULT_OPTIONS.consumer
  return {
    ...given(Object.keys(DEFAULT_OPTIONS)),
    consumer: {
      maxSize: args.number('consumerMaxSize', maxSize),
      migrationPolicy: parseMigrationPolicy(args.text('policy', 'bidirectional')),
      assignors: args.text('defaultAssignor', 'uniform') === 'uniform' ? assignors : assignors.toReversed(),
      groupSettings: () => settings,
    },
  }
}

function errorCodeOf(name: string | undefined): number {
  const code = Object.entries(ErrorCode).find(([each]) => each === name)?.[1]
  if (code === undefined) throw new Error(`unknown error ${name}`)
  return code
}
