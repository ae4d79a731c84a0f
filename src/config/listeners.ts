import { InvalidValue } from './values.ts'

export interface Endpoint {
  /** In capitals, as Kafka normalises it. */
  readonly name: string
  /** Empty for every interface; an IPv6 address stands without its brackets. */
  readonly host: string
  /** 0 lets the operating system choose. In an advertised endpoint it stands for the port that the listener got. */
  readonly port: number
}

export interface Listeners {
  /** What to open, in the configured order; listeners of the KRaft controller are left out. */
  readonly listeners: readonly Endpoint[]
  /** What clients are told, at most one for each name in `listeners`. The host is never empty. */
  readonly advertised: readonly Endpoint[]
  /** The listener that brokers use among themselves. */
  readonly interBroker: string
  readonly warnings: readonly string[]
}

export interface ListenerSettings {
  readonly listeners: readonly string[]
  /** Null when not set: the listeners themselves. */
  readonly advertised: readonly string[] | null
  readonly protocolMap: string
  readonly controllerNames: readonly string[]
  readonly interBrokerName: string | null
  /** `security.inter.broker.protocol`, which names the listener when `interBrokerName` is null. */
  readonly interBrokerProtocol: string
  /** Name of this machine, told to clients where the configuration has no address that they could use. */
  readonly hostName: string
}

const ENDPOINT = /^(.*?):\/\/(?:\[([0-9a-zA-Z\-%._:]*)\]|([0-9a-zA-Z\-%._]*)):(-?\d+)$/
const PROTOCOLS = ['PLAINTEXT', 'SSL', 'SASL_PLAINTEXT', 'SASL_SSL']
const META_ADDRESSES = new Set(['', '0.0.0.0', '::', '0:0:0:0:0:0:0:0'])

/** Reads all keys that speak of listeners together, by the rules of Kafka's `KafkaConfig`. Throws InvalidValue. */
export function resolveListeners(settings: ListenerSettings): Listeners {
  const controllers = new Set(settings.controllerNames.map((name) => name.toUpperCase()))
  const protocols = parseProtocolMap(settings.protocolMap)
  const all = settings.listeners.map((text) => parseEndpoint('listeners', text))
  ensureDifferent('listeners', all)
  ensureDifferentPorts(all)
  const listeners = all.filter((endpoint) => !controllers.has(endpoint.name))
  if (listeners.length === 0)
    throw new InvalidValue(
      'Invalid value for configuration listeners: at least one listener that is not in controller.listener.names is needed',
    )
  for (const { name } of listeners) ensurePlaintext(name, protocols)

  const warnings: string[] = []
  const advertised = advertise(settings, listeners, controllers, warnings)
  const interBroker = interBrokerListener(settings, advertised)
  return { listeners, advertised, interBroker, warnings }
}

function advertise(
  settings: ListenerSettings,
  listeners: readonly Endpoint[],
  controllers: ReadonlySet<string>,
  warnings: string[],
): Endpoint[] {
  const endpoints =
    settings.advertised?.map((text) => parseEndpoint('advertised.listeners', text)) ?? listeners
  ensureDifferent('advertised.listeners', endpoints)
  return endpoints.map((endpoint) => {
    if (controllers.has(endpoint.name))
      throw new InvalidValue(
        `Invalid value for configuration advertised.listeners: ${endpoint.name} is a listener of the controller and cannot be advertised`,
      )
    if (!listeners.some((listener) => listener.name === endpoint.name))
      throw new InvalidValue(
        `Invalid value for configuration advertised.listeners: ${endpoint.name} is not one of the names in listeners (${names(listeners)})`,
      )
    if (!META_ADDRESSES.has(endpoint.host)) return endpoint
    warnings.push(
      `listener ${endpoint.name} advertises the host name ${settings.hostName}, as ${endpoint.host === '' ? 'an empty host' : endpoint.host} is no address to connect to; set advertised.listeners`,
    )
    return { ...endpoint, host: settings.hostName }
  })
}

function interBrokerListener(settings: ListenerSettings, advertised: readonly Endpoint[]): string {
  const wanted = settings.interBrokerName?.toUpperCase()
  if (wanted === undefined) {
    const byProtocol = advertised.find((endpoint) => endpoint.name === settings.interBrokerProtocol)
    return byProtocol?.name ?? advertised[0]?.name ?? settings.interBrokerProtocol
  }
  if (!advertised.some((endpoint) => endpoint.name === wanted))
    throw new InvalidValue(
      `inter.broker.listener.name must be a listener name defined in advertised.listeners. The valid options based on currently configured listeners are ${names(advertised)}`,
    )
  return wanted
}

export function parseEndpoint(key: string, text: string): Endpoint {
  const match = ENDPOINT.exec(text)
  if (match === null)
    throw new InvalidValue(
      `Invalid value ${text} for configuration ${key}: each entry should have the form NAME://host:port, with an IPv6 address in brackets`,
    )
  const name = match[1]!.toUpperCase()
  const port = Number(match[4])
  if (name === '')
    throw new InvalidValue(`Invalid value ${text} for configuration ${key}: the listener has no name`)
  if (port < 0 || port > 65_535)
    throw new InvalidValue(
      `Invalid value ${text} for configuration ${key}: the port must be between 0 and 65535`,
    )
  return { name, host: match[2] ?? match[3] ?? '', port }
}

/** Reads `sluice.http.listener`: host:port, where an empty host means every interface. Throws InvalidValue. */
export function parseHttpListener(text: string): { readonly host: string; readonly port: number } {
  try {
    const { host, port } = parseEndpoint('sluice.http.listener', `HTTP://${text.replace(/^http:\/\//i, '')}`)
    return { host, port }
  } catch (error) {
    if (!(error instanceof InvalidValue)) throw error
    throw new InvalidValue(
      `Invalid value ${text} for configuration sluice.http.listener: it should have the form host:port, with a port between 0 and 65535`,
    )
  }
}

/** The form of `listeners`, with an IPv6 address in brackets. */
export function formatEndpoint({ name, host, port }: Endpoint): string {
  return `${name}://${host.includes(':') ? `[${host}]` : host}:${port}`
}

function parseProtocolMap(text: string): Map<string, string> {
  const protocols = new Map<string, string>()
  for (const entry of text.split(',').map((part) => part.trim())) {
    if (entry === '') continue
    const colon = entry.lastIndexOf(':')
    const name = entry.slice(0, colon).trim().toUpperCase()
    const protocol = entry
      .slice(colon + 1)
      .trim()
      .toUpperCase()
    if (colon <= 0 || !PROTOCOLS.includes(protocol))
      throw new InvalidValue(
        `Invalid value ${entry} for configuration listener.security.protocol.map: each entry should have the form NAME:PROTOCOL, with one of ${PROTOCOLS.join(', ')}`,
      )
    if (protocols.has(name))
      throw new InvalidValue(
        `Invalid value ${text} for configuration listener.security.protocol.map: ${name} is listed twice`,
      )
    protocols.set(name, protocol)
  }
  return protocols
}

function ensurePlaintext(name: string, protocols: ReadonlyMap<string, string>): void {
  const protocol = protocols.get(name)
  if (protocol === undefined)
    throw new InvalidValue(
      `No security protocol defined for listener ${name}: add ${name}:PLAINTEXT to listener.security.protocol.map`,
    )
  if (protocol !== 'PLAINTEXT')
    throw new InvalidValue(
      `Listener ${name} has the security protocol ${protocol}, which is not served yet: only PLAINTEXT is`,
    )
}

function ensureDifferent(key: string, endpoints: readonly Endpoint[]): void {
  const seen = new Set<string>()
  for (const { name } of endpoints) {
    if (seen.has(name))
      throw new InvalidValue(
        `Invalid value for configuration ${key}: each listener must have a different name, and ${name} is there twice`,
      )
    seen.add(name)
  }
}

/** One port may serve two listeners when one has an IPv4 and the other an IPv6 address. */
function ensureDifferentPorts(endpoints: readonly Endpoint[]): void {
  for (const [at, { port, host }] of endpoints.entries()) {
    const same = endpoints.slice(0, at).filter((other) => port !== 0 && other.port === port)
    if (same.length === 0) continue
    if (same.length === 1 && addressFamily(host) * addressFamily(same[0]!.host) === 4 * 6) continue
    throw new InvalidValue(
      `Invalid value for configuration listeners: each listener must have a different port, and ${port} is there twice`,
    )
  }
}

/** 4, 6, or 0 for a name. */
function addressFamily(host: string): 0 | 4 | 6 {
  if (/^\d+\.\d+\.\d+\.\d+$/.test(host)) return 4
  return host.includes(':') ? 6 : 0
}

function names(endpoints: readonly Endpoint[]): string {
  return endpoints.map((endpoint) => endpoint.name).join(',')
}
