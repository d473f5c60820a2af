import { bytesText, whole } from '../figures.ts'

const INTERVAL = 200
const CLEAR_LINE = '\r\x1b[K'

interface Terminal {
  isTTY?: boolean
  write(text: string): unknown
}

/** A line on a terminal that says how far it is; nothing elsewhere. */
export class Progress {
  #bytes = 0
  #next = 0
  readonly #terminal: Terminal
  readonly #size: number | undefined

  /** `size`: of the file, if it is known. */
  constructor(terminal: Terminal, size: number | undefined) {
    this.#terminal = terminal
    this.#size = size
  }

  add(bytes: number): void {
    this.#bytes += bytes
  }

  show(lines: number): void {
    if (!this.#terminal.isTTY || Date.now() < this.#next) return
    this.#next = Date.now() + INTERVAL
    const share = this.#size ? ` of ${bytesText(this.#size)}` : ''
    this.#terminal.write(`${CLEAR_LINE}${bytesText(this.#bytes)}${share}, ${whole(lines)} lines`)
  }

  end(): void {
    if (this.#next > 0) this.#terminal.write(CLEAR_LINE)
  }
}
