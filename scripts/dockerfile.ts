/** One instruction of a Dockerfile, its continuation lines joined. */
export interface Instruction {
  readonly name: string
  readonly text: string
}

/** The stages of a Dockerfile, each from its FROM on. Enough of the format for the one in docker/. */
export function parseStages(dockerfile: string): Instruction[][] {
  const stages: Instruction[][] = []
  for (const line of dockerfile.replace(/\\\n/g, ' ').split('\n')) {
    const match = /^([A-Z]+)\s+(.*)$/.exec(line)
    if (match === null) continue
    const instruction = { name: match[1]!, text: match[2]! }
    if (instruction.name === 'FROM') stages.push([])
    stages.at(-1)?.push(instruction)
  }
  return stages
}

/** The values of one instruction of a stage, in order. */
export function textsOf(stage: readonly Instruction[], name: string): string[] {
  return stage.filter((instruction) => instruction.name === name).map(({ text }) => text)
}

/** The environment that a stage sets. */
export function environmentOf(stage: readonly Instruction[]): Record<string, string> {
  return Object.fromEntries(
    textsOf(stage, 'ENV').map((text) => [
      text.slice(0, text.indexOf('=')),
      text.slice(text.indexOf('=') + 1),
    ]),
  )
}

/** A COPY: from which stage (undefined: from the context), what, and to where. */
export function parseCopy(text: string): { from: string | undefined; sources: string[]; target: string } {
  const from = /^--from=(\S+)\s+/.exec(text)
  const words = text.slice(from?.[0].length ?? 0).split(/\s+/)
  return { from: from?.[1], sources: words.slice(0, -1), target: words.at(-1)! }
}

/** The command of a CMD, ENTRYPOINT or HEALTHCHECK in its JSON form. */
export function parseCommand(text: string): string[] {
  return JSON.parse(text.slice(text.indexOf('['))) as string[]
}
