/** A string of the protocol has 32,767 bytes at most, and a character up to three. */
const MAX_CHARACTERS = 10_000

/** An error's message that fits into an answer, whatever strings of the client it repeats. */
export function errorText(message: string): string
export function errorText(message: string | null): string | null
export function errorText(message: string | null): string | null {
  return message === null || message.length <= MAX_CHARACTERS
    ? message
    : `${message.slice(0, MAX_CHARACTERS)}…`
}
