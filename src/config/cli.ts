export type CommandLine =
  | {
      readonly command: 'start'
      /** Path of server.properties. */
      readonly file: string | undefined
      readonly overrides: Readonly<Record<string, string>>
    }
  | { readonly command: 'help' }
  | { readonly command: 'version' }

/** Arguments that make no sense; the message says which and what is expected. */
export class UsageError extends Error {
  override name = 'UsageError'
}

export const usage = `Usage: sluice start [server.properties] [--override key=value]...

Runs a broker that speaks the Kafka protocol, in the foreground. Without a
configuration it listens on 127.0.0.1:9092 and keeps its data under ./data.

Options:
  --override key=value   set a key, over the environment and the file; may be repeated
  --help                 print this text
  --version              print the version

Keys have Kafka's names. The environment sets them as Apache Kafka's images do:
KAFKA_LOG_RETENTION_HOURS=24 is log.retention.hours=24.
`

/** Reads what follows the name of the program. Throws UsageError. */
export function parseCommandLine(args: readonly string[]): CommandLine {
  if (args.includes('--help') || args.includes('-h') || args[0] === 'help') return { command: 'help' }
  if (args.includes('--version') || args.includes('-v')) return { command: 'version' }
  const [command, ...rest] = args
  if (command === undefined) throw new UsageError('a command is expected: sluice start')
  if (command !== 'start') throw new UsageError(`unknown command ${command}: the only one is start`)
  return parseStart(rest)
}

function parseStart(args: readonly string[]): CommandLine {
  let file: string | undefined
  const overrides: Record<string, string> = {}
  for (let at = 0; at < args.length; at++) {
    const arg = args[at]!
    if (arg === '--override') {
      at++
      addOverride(overrides, args[at])
    } else if (arg.startsWith('--override=')) {
      addOverride(overrides, arg.slice('--override='.length))
    } else if (arg.startsWith('-')) {
      throw new UsageError(`unknown option ${arg}: start takes --override, --help and --version`)
    } else if (file !== undefined) {
      throw new UsageError(`one configuration file is expected, not both ${file} and ${arg}`)
    } else {
      file = arg
    }
  }
  return { command: 'start', file, overrides }
}

function addOverride(overrides: Record<string, string>, text: string | undefined): void {
  if (text === undefined) throw new UsageError('--override is to be followed by key=value')
  const equals = text.indexOf('=')
  const key = text.slice(0, equals).trim()
  if (equals < 0 || key === '') throw new UsageError(`--override ${text}: key=value is expected`)
  overrides[key] = text.slice(equals + 1)
}
