import { whole } from '../figures.ts'

const SHOWN = 5
const MOST_CHARACTERS = 72

/** Counts the lines that were not used, and keeps the first few with their reasons. */
export class BadLines {
  count = 0
  readonly #first: string[] = []

  add(number: number, reason: string, line: string): void {
    if (this.count++ < SHOWN)
      this.#first.push(`  line ${number}: ${reason}\n    ${excerpt(line)}\n`)
  }

  toString(): string {
    const others = this.count - this.#first.length
    return this.#first.join('') + (others > 0 ? `  and ${whole(others)} more\n` : '')
  }
}

/** Control characters could change the terminal. */
function excerpt(line: string): string {
  const start = line.slice(0, MOST_CHARACTERS).replace(/\p{Cc}/gu, '\ufffd')
  return line.length > MOST_CHARACTERS ? `${start}…` : start
}
