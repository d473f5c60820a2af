import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as pause } from 'node:timers/promises'
import { root, run, scratch } from './process.mjs'

let subjects = 0
const children = new Set()
process.once('exit', () => {
  // One that has stopped itself would stay.
  for (const child of children) child.kill('SIGKILL')
})

/** A process with caches. Its wall clock is set from here, and it is stopped and continued. */
export class Subject {
  #child
  #lines
  #clockFile = join(scratch, `clock-${process.pid}-${++subjects}`)

  constructor(command) {
    this.setWallClock('+0')
    this.#child = spawn(command[0], command.slice(1), {
      cwd: root,
      env: {
        ...process.env,
        LD_PRELOAD: faketime(),
        FAKETIME_TIMESTAMP_FILE: this.#clockFile,
        FAKETIME_NO_CACHE: '1',
        FAKETIME_DONT_FAKE_MONOTONIC: '1',
      },
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    children.add(this.#child)
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]()
  }

  async ask(...words) {
    this.#child.stdin.write(`${words.join(' ')}\n`)
    this.#child.kill('SIGCONT')
    const { value, done } = await this.#lines.next()
    if (done) throw new Error(`the process ended before it answered ${words.join(' ')}`)
    return JSON.parse(value)
  }

  /** Waits until the process has stopped itself. The next command continues it. */
  async stopped() {
    const isStopped = () => /\) [Tt] /.test(readFileSync(`/proc/${this.#child.pid}/stat`, 'utf8'))
    while (this.#child.exitCode === null && !isStopped()) await pause(5)
  }

  /** Takes the offset from the real time as faketime spells it. */
  setWallClock(offset) {
    mkdirSync(scratch, { recursive: true })
    writeFileSync(this.#clockFile, offset)
  }

  /** Throws if the clocks did not move as expected since `before`, or faketime would prove nothing. */
  async requireStep(before, expected) {
    const now = await this.ask('clocks')
    const wall = now.wall - before.wall
    const monotonic = now.monotonic - before.monotonic
    if (Math.abs(wall - monotonic - expected) > 5000) {
      throw new Error(
        `expected a step of ${expected} ms: wall ${wall} ms, monotonic ${monotonic} ms`,
      )
    }
  }

  async freeze(milliseconds) {
    this.#child.kill('SIGSTOP')
    await pause(milliseconds)
    this.#child.kill('SIGCONT')
  }

  async end() {
    this.#child.stdin.end()
    this.#child.kill('SIGCONT')
    if (this.#child.exitCode === null) await once(this.#child, 'exit')
    children.delete(this.#child)
    rmSync(this.#clockFile)
  }
}

/** Installs libfaketime if it is missing, and returns its path. */
function faketime() {
  const { stdout } = spawnSync('dpkg', ['-L', 'libfaketime'], { encoding: 'utf8' })
  const path = stdout.split('\n').find((path) => path.endsWith('/libfaketimeMT.so.1'))
  if (path) return path
  const sudo = process.getuid() === 0 ? [] : ['sudo']
  run([...sudo, 'apt-get', 'install', '-y', '-q', 'faketime'], root)
  return faketime()
}
