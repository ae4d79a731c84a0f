/**
 * recorded-broker PORT DIR [key=value ...]: a broker that clients reach through a RecordingProxy at PORT. At SIGTERM it
 * stops, and DIR.versions says in JSON which versions of which API were asked for: what registry.ts has of a suite.
 */
import { writeFileSync } from 'node:fs'
import { apiByKey } from '../../src/wire/apis.ts'
import { BrokerProcess } from './broker-process.ts'
import { RecordingProxy } from './recording-proxy.ts'

const [port, dir, ...pairs] = process.argv.slice(2)
if (port === undefined || dir === undefined)
  throw new Error('usage: recorded-broker PORT DIR [key=value ...]')
const config = Object.fromEntries(pairs.map((pair) => pair.split(/=(.*)/s, 2)))
// The proxy listens at the end: until then nobody finds a broker there.
const reached = { 'advertised.listeners': `PLAINTEXT://127.0.0.1:${port}` }
const broker = await BrokerProcess.start({ dir, config: { ...config, ...reached } })
const proxy = await RecordingProxy.open(Number(port))
proxy.target = broker.boundPort

process.once('SIGTERM', async () => {
  const versions = [...proxy.versions].map(([key, spoken]) => [apiByKey(key)?.name ?? `key ${key}`, spoken])
  writeFileSync(`${dir}.versions`, `${JSON.stringify(Object.fromEntries(versions))}\n`)
  await proxy.close()
  const { code } = await broker.stop()
  process.exit(code ?? 1)
})
