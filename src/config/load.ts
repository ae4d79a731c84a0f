import { type BrokerSettings, brokerDefault, brokerKey, brokerKeys } from './broker-keys.ts'
import { type ConnectionBounds, parseConnectionBounds } from './connection-bounds.ts'
import { crossCheck } from './cross-checks.ts'
import { readEnvironment } from './environment.ts'
import { perListenerKey, refusePerListener } from './listener-settings.ts'
import { type Listeners, parseHttpListener, resolveListeners } from './listeners.ts'
import { nearestName } from './nearest-name.ts'
import { MalformedProperties, parseProperties } from './properties-file.ts'
import { protectionOf } from './protected-keys.ts'
import { readValue, settingsOf } from './table.ts'
import { topicBrokerKey } from './topic-config.ts'
import { InvalidValue } from './values.ts'

export interface ConfigSources {
  /** server.properties: its text, and the name by which messages call it. */
  readonly file?: { readonly name: string; readonly text: string }
  readonly env?: Readonly<Record<string, string | undefined>>
  /** What `--override` said, and what the embedding program asks for. */
  readonly overrides?: Readonly<Record<string, string>>
  /** Name of this machine, for listeners that advertise no address of their own; `localhost` when left out. */
  readonly hostName?: string
}

/** The configuration that a broker starts with. */
export interface BrokerConfig {
  readonly settings: BrokerSettings
  /**
   * What was set, by key, as text: keys nobody knows among them, and `node.id` and `broker.id` whenever either was.
   * DescribeConfigs shows these as the broker's static configuration.
   */
  readonly explicit: ReadonlyMap<string, string>
  readonly listeners: Listeners
  /** Directories of the logs, at least one. */
  readonly logDirs: readonly string[]
  /** Where metrics and health are served; an empty host means every interface. */
  readonly httpListener: { readonly host: string; readonly port: number } | undefined
  /** `max.connections.per.ip.overrides`. */
  readonly connectionBounds: ConnectionBounds
  /** Keys that are set, known to Kafka and of no use here. To be logged once, in one line. */
  readonly unusedKeys: readonly string[]
  readonly warnings: readonly string[]
}

/** A configuration that a broker cannot start with. */
export class ConfigError extends Error {
  override name = 'ConfigError'
  /** One line for each thing that is wrong. */
  readonly problems: readonly string[]
  constructor(problems: readonly string[]) {
    super(problems.join('\n'))
    this.problems = problems
  }
}

interface Setting {
  readonly text: string
  /** Where the value came from, for messages. */
  readonly origin: string
}

/** Lists that end in a comma in configurations that are about. */
const TRAILING_COMMA = new Set(['listeners', 'advertised.listeners'])

/** Reads, joins and checks all sources. Throws ConfigError with everything that is wrong. */
export function loadConfig(sources: ConfigSources): BrokerConfig {
  const problems: string[] = []
  const given = gather(sources, problems)
  populateIds(given)

  const warnings: string[] = []
  const unusedKeys: string[] = []
  for (const [name, { text, origin }] of given) {
    const protection = protectionOf(name, text)
    if (protection !== undefined) problems.push(`${protection} (${origin})`)
    else if (perListenerKey(name) !== undefined) {
      const refusal = refusePerListener(name, text)
      if (refusal !== undefined) problems.push(`${refusal} (${origin})`)
    } else if (brokerKey(name) === undefined) warnings.push(unknownKey(name, origin))
    else if (brokerKey(name)!.use === 'accepted') unusedKeys.push(name)
  }

  const settings = settingsOf(brokerKeys, (name) => {
    const setting = given.get(name)
    if (setting === undefined) return brokerDefault(name)
    try {
      return readValue(name, brokerKeys[name], setting.text)
    } catch (error) {
      if (!(error instanceof InvalidValue)) throw error
      problems.push(`${error.message} (${setting.origin})`)
      return brokerDefault(name)
    }
  })
  const config = finish(settings, given, sources, problems)
  if (problems.length > 0 || config === undefined) throw new ConfigError(problems)
  return {
    ...config,
    unusedKeys: unusedKeys.sort(),
    warnings: [...warnings, ...config.listeners.warnings],
  }
}

type Resolved = Omit<BrokerConfig, 'unusedKeys' | 'warnings'>

function finish(
  read: BrokerSettings,
  given: ReadonlyMap<string, Setting>,
  sources: ConfigSources,
  problems: string[],
): Resolved | undefined {
  const nodeId = given.has('node.id') ? read.nodeId : read.brokerId >= 0 ? read.brokerId : read.nodeId
  if (read.brokerId >= 0 && read.brokerId !== nodeId)
    problems.push('You must set `node.id` to the same value as `broker.id`.')
  const logDirs = given.has('log.dir') && !given.has('log.dirs') ? null : read.logDirs
  const settings: BrokerSettings = { ...read, nodeId, brokerId: nodeId, logDirs }
  problems.push(...crossCheck(settings))

  const listeners = attempt(problems, () =>
    resolveListeners({
      listeners: settings.listeners,
      advertised: settings.advertisedListeners,
      protocolMap: settings.listenerSecurityProtocolMap,
      controllerNames: settings.controllerListenerNames,
      interBrokerName: settings.interBrokerListenerName,
      interBrokerProtocol: settings.securityInterBrokerProtocol,
      hostName: sources.hostName ?? 'localhost',
    }),
  )
  const httpText = settings.sluiceHttpListener ?? ''
  const httpListener = httpText === '' ? undefined : attempt(problems, () => parseHttpListener(httpText))
  const connectionBounds = attempt(problems, () =>
    parseConnectionBounds(settings.maxConnectionsPerIpOverrides),
  )
  if (listeners === undefined || connectionBounds === undefined) return undefined
  return {
    settings,
    explicit: new Map([...given].map(([name, { text }]) => [name, text])),
    listeners,
    logDirs: settings.logDirs ?? settings.logDir,
    httpListener,
    connectionBounds,
  }
}

/** Later sources go over earlier ones: file, environment, overrides. */
function gather(sources: ConfigSources, problems: string[]): Map<string, Setting> {
  const given = new Map<string, Setting>()
  const set = (name: string, text: string, origin: string) =>
    given.set(name, { text: TRAILING_COMMA.has(name) ? text.replace(/[\s,]+$/, '') : text, origin })
  if (sources.file !== undefined) {
    const { name, text } = sources.file
    try {
      for (const { key, value, line } of parseProperties(text)) set(key, value, `${name}:${line}`)
    } catch (error) {
      if (!(error instanceof MalformedProperties)) throw error
      problems.push(`${name}: ${error.message}`)
    }
  }
  for (const { variable, key, value } of readEnvironment(sources.env ?? {})) set(key, value, variable)
  for (const [name, text] of Object.entries(sources.overrides ?? {})) set(name, text, 'override')
  return given
}

/** `broker.id` and `node.id` are one, whichever of them is set (`KafkaConfig.populateSynonyms`). */
function populateIds(given: Map<string, Setting>): void {
  const nodeId = given.get('node.id')
  const brokerId = given.get('broker.id')
  if (nodeId !== undefined && brokerId === undefined) given.set('broker.id', nodeId)
  // A negative broker.id asks for a generated one, which is what leaving node.id out does.
  if (nodeId === undefined && brokerId !== undefined && !brokerId.text.trim().startsWith('-'))
    given.set('node.id', brokerId)
}

function attempt<T>(problems: string[], action: () => T): T | undefined {
  try {
    return action()
  } catch (error) {
    if (!(error instanceof InvalidValue)) throw error
    problems.push(error.message)
    return undefined
  }
}

function unknownKey(name: string, origin: string): string {
  const nearest = topicBrokerKey(name) ?? nearestName(name, Object.keys(brokerKeys))
  return `unknown key ${name} (${origin})${nearest === undefined ? '' : `; did you mean ${nearest}?`}`
}
