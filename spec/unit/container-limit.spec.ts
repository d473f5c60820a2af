import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { buildSync } from 'esbuild'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const MEBIBYTE = 2 ** 20
const NO_LIMIT_1 = '9223372036854771712'
const folder = mkdtempSync(join(tmpdir(), 'cgroup-'))
const script = join(folder, 'limit.mjs')

// In its own namespace a process can mount files of a control group where the kernel has them.
const inNamespace = (commands: string): string =>
  execFileSync('unshare', ['--user', '--map-root-user', '--mount', 'sh', '-c', commands], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
    env: { PATH: process.env.PATH },
  })

const canMount = (() => {
  try {
    inNamespace('mount --bind /tmp /sys/fs/cgroup')
    return true
  } catch {
    return false
  }
})()

beforeAll(() => {
  const source = new URL('../../lib/options/memory-limit.ts', import.meta.url).pathname
  buildSync({
    stdin: {
      contents: `import { memoryLimit } from ${JSON.stringify(source)}; console.log(memoryLimit())`,
      resolveDir: '.',
    },
    bundle: true,
    format: 'esm',
    outfile: script,
  })
})
afterAll(() => rmSync(folder, { recursive: true }))

/** The memory limit of a process in a control group, given the files of the hierarchy. */
function limitIn(group: string, files: Record<string, string>): number {
  const root = mkdtempSync(join(folder, 'root-'))
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), `${content}\n`)
  }
  const own = join(folder, 'own-group')
  writeFileSync(own, `${group}\n`)
  const mounts = `mount --bind ${root} /sys/fs/cgroup && mount --bind ${own} /proc/$$/cgroup`
  return Number(inNamespace(`${mounts} && exec ${process.execPath} ${script}`))
}

describe.skipIf(!canMount)('the memory limit in a container', () => {
  it('is the limit of its control group, version 2', () => {
    const files = { 'memory.max': `${96 * MEBIBYTE}`, 'memory.high': 'max' }
    expect(limitIn('0::/', files)).toBe(96 * MEBIBYTE)
    const nested = { 'pod/memory.max': `${80 * MEBIBYTE}`, 'pod/memory.high': 'max' }
    expect(limitIn('0::/pod', nested)).toBe(80 * MEBIBYTE)
  })

  it('is the limit of its control group, version 1, wherever the group is mounted', () => {
    const files = {
      'memory/memory.limit_in_bytes': `${96 * MEBIBYTE}`,
      'memory/memory.soft_limit_in_bytes': NO_LIMIT_1,
    }
    expect(limitIn('4:memory:/docker/0123\n0::/', files)).toBe(96 * MEBIBYTE)
  })

  it('ignores a control group without a limit, version 1 and 2', () => {
    const unlimited = limitIn('0::/pod', { 'pod/memory.max': 'max', 'pod/memory.high': 'max' })
    expect(unlimited).toBeGreaterThan(128 * MEBIBYTE)
    const files = {
      'memory/pod/memory.limit_in_bytes': NO_LIMIT_1,
      'memory/pod/memory.soft_limit_in_bytes': NO_LIMIT_1,
    }
    expect(limitIn('4:memory:/pod\n0::/', files)).toBe(unlimited)
  })
})
