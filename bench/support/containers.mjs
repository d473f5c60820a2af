import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'

const V1 = {
  folder: '/sys/fs/cgroup/memory',
  // The second file, where swap is counted, takes only what the first one allows.
  limits: { 'memory.limit_in_bytes': true, 'memory.memsw.limit_in_bytes': true },
  peak: 'memory.max_usage_in_bytes',
  limitHits: (group) => Number(read(group, 'memory.failcnt')),
}
const V2 = {
  folder: '/sys/fs/cgroup',
  limits: { 'memory.max': true, 'memory.swap.max': false },
  peak: 'memory.peak',
  limitHits: (group) => Number(/^max (\d+)/m.exec(read(group, 'memory.events'))[1]),
}
const read = (group, file) => readFileSync(join(group, file), 'utf8')
const version = existsSync(V1.folder) ? V1 : V2
let made = 0
const open = new Set()
process.once('exit', () => {
  for (const group of open) {
    for (const id of read(group, 'cgroup.procs').split('\n').filter(Boolean)) killed(Number(id))
    for (let attempt = 0; attempt < 100 && !removed(group); attempt++) {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20)
    }
  }
})
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1))

/**
 * A control group of so many bytes, or `undefined` where this process cannot make one. `wrapper` is
 * a command that runs a command inside.
 */
export function container(bytes) {
  const group = join(version.folder, `faas-cache-dict-${process.pid}-${++made}`)
  try {
    if (version === V2) writeFileSync(join(V2.folder, 'cgroup.subtree_control'), '+memory')
    mkdirSync(group)
  } catch {
    return undefined
  }
  open.add(group)
  try {
    for (const [file, isAll] of Object.entries(version.limits)) {
      // A system without swap has no file of it.
      if (existsSync(join(group, file))) writeFileSync(join(group, file), String(isAll ? bytes : 0))
    }
    read(group, version.peak)
  } catch {
    removed(group)
    return undefined
  }
  return {
    wrapper: ['sh', '-c', `echo $$ > ${group}/cgroup.procs && exec "$@"`, 'sh'],
    peak: () => Number(read(group, version.peak)),
    limitHits: () => version.limitHits(group),
    /** The kernel lets go of a group some time after its last process ended. */
    async remove() {
      for (let attempt = 0; attempt < 100 && !removed(group); attempt++) await wait(20)
    },
  }
}

function killed(id) {
  try {
    process.kill(id, 'SIGKILL')
  } catch {
    // It has ended.
  }
}

function removed(group) {
  try {
    rmdirSync(group)
    open.delete(group)
    return true
  } catch {
    return false
  }
}
