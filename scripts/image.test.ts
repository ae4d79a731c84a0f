import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { parseCommandLine } from '../src/config/cli.ts'
import { formatEndpoint } from '../src/config/listeners.ts'
import { loadConfig } from '../src/config/load.ts'
import { environmentOf, parseCommand, parseCopy, parseStages, textsOf } from './dockerfile.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const read = (name: string) => readFileSync(`${root}docker/${name}`, 'utf8')
const [build, image] = parseStages(read('Dockerfile')) as [
  ReturnType<typeof parseStages>[number],
  ReturnType<typeof parseStages>[number],
]

describe('the image', () => {
  test('starts a broker that this machine and its containers reach at localhost:9092', () => {
    const config = loadConfig({ env: environmentOf(image) })
    expect(config.listeners.listeners.map(formatEndpoint)).toEqual(['PLAINTEXT://0.0.0.0:9092'])
    expect(config.listeners.advertised.map(formatEndpoint)).toEqual(['PLAINTEXT://localhost:9092'])
    expect(config.logDirs).toEqual(textsOf(image, 'VOLUME'))
    expect([config.warnings, config.unusedKeys]).toEqual([[], []])
    expect(textsOf(image, 'EXPOSE')).toEqual(['9092'])
  })

  test('asks for its health where its environment serves it', () => {
    const { httpListener } = loadConfig({ env: environmentOf(image) })
    const probe = parseCommand(textsOf(image, 'HEALTHCHECK')[0]!)
    expect(probe.join(' ')).toContain(`http://${httpListener!.host}:${httpListener!.port}/health/ready`)
  })

  test('does not run as root, and runs the command line that there is', () => {
    expect(textsOf(image, 'USER').at(-1)).toBe('node')
    const [program, ...args] = parseCommand(textsOf(image, 'ENTRYPOINT')[0]!)
    const { scripts } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
    expect([program, ...args, 'start'].join(' ').replace('/opt/sluice/', '')).toBe(scripts.start)
    expect(parseCommandLine(parseCommand(textsOf(image, 'CMD')[0]!)).command).toBe('start')
  })

  test('holds nothing of the build but what it runs on', () => {
    const copied = textsOf(image, 'COPY').map(parseCopy)
    expect(copied.filter(({ from }) => from !== undefined).flatMap(({ sources }) => sources)).toEqual([
      '/build/node_modules',
      '/build/dist',
    ])
    expect(textsOf(build, 'RUN').at(-1)).toMatch(/^npm prune --omit=dev/)
  })

  test('everything that is copied from the context exists and is let through', () => {
    const passed = read('Dockerfile.dockerignore').split('\n')
    for (const stage of [build, image]) {
      for (const { from, sources } of textsOf(stage, 'COPY').map(parseCopy)) {
        if (from !== undefined) continue
        for (const source of sources) {
          expect(existsSync(`${root}${source}`), source).toBe(true)
          expect(passed).toContain(`!${source}`)
        }
      }
    }
  })
})

test('the compose file configures a broker for this machine and for other containers', () => {
  const compose = read('compose.yaml')
  const env = Object.fromEntries(
    [...compose.matchAll(/^ {6}(KAFKA_\w+): ["']?([^"'\n]*)["']?$/gm)].map((match) => [match[1]!, match[2]!]),
  )
  const config = loadConfig({ env: { ...environmentOf(image), ...env } })
  expect(config.listeners.advertised.map(formatEndpoint)).toEqual([
    'HOST://localhost:9092',
    'NETWORK://sluice:29092',
  ])
  expect(config.listeners.interBroker).toBe('NETWORK')
  expect([config.warnings, config.unusedKeys]).toEqual([[], []])
  expect(compose).toContain(`data:${config.logDirs[0]}`)
})
