import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { setTimeout as pause } from 'node:timers/promises'

/** All caches in one process of a runtime, whose wall clock and whose running we command. */
export class SubjectProcess {
  #child
  #lines
  #clockFile

  constructor({ command, folder, library, clockFile }) {
    this.#clockFile = clockFile
    this.setWallClock('+0')
    this.#child = spawn(command[0], command.slice(1), {
      cwd: folder,
      env: {
        ...process.env,
        LD_PRELOAD: library,
        FAKETIME_TIMESTAMP_FILE: clockFile,
        FAKETIME_NO_CACHE: '1',
        FAKETIME_DONT_FAKE_MONOTONIC: '1',
      },
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]()
  }

  async ask(...words) {
    this.#child.stdin.write(`${words.join(' ')}\n`)
    const { value, done } = await this.#lines.next()
    if (done) throw new Error(`The process ended before it answered ${words.join(' ')}`)
    return JSON.parse(value)
  }

  /** The offset from the real time, as faketime spells it. */
  setWallClock(offset) {
    writeFileSync(this.#clockFile, offset)
  }

  async freeze(milliseconds) {
    this.#child.kill('SIGSTOP')
    await pause(milliseconds)
    this.#child.kill('SIGCONT')
  }

  async end() {
    this.#child.stdin.end()
    if (this.#child.exitCode === null) await once(this.#child, 'exit')
  }
}
