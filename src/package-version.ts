import { readFileSync } from 'node:fs'

/** The version of this package, from its package.json, which stands beside `src` and `dist`. */
export function packageVersion(): string {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
  return version
}
