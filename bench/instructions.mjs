// Instructions an operation takes, as valgrind counts them: what no busy machine can disturb.
// npm run bench:instructions; wants valgrind installed.
import { spawnSync } from 'node:child_process'
import { commandOf, root } from '../spec/outside/install.mjs'

const BATCH = 1000
const FEW = 20
const MANY = 120
const wanted = {
  hit: ['Map', 'lru-cache', 'controller', 'Proxy of Map', 'cache[key]'],
  overwrite: ['Map', 'lru-cache', 'controller', 'Proxy of Map', 'cache[key]', 'cache.name'],
  'insert at the byte limit': ['lru-cache', 'controller', 'cache[key]'],
}

const node = commandOf('node20')
for (const [operation, subjects] of Object.entries(wanted)) {
  for (const subject of subjects) {
    const some = counted(subject, operation, FEW)
    const more = counted(subject, operation, MANY)
    const each = Math.round((more - some) / ((MANY - FEW) * BATCH))
    console.log(`${operation}, ${subject}: ${each}`)
  }
}

function counted(subject, operation, batches) {
  const program = ['--single-threaded', 'bench/speed/counted.mjs', subject, operation, `${batches}`]
  const valgrind = ['--tool=callgrind', '--callgrind-out-file=/dev/null', node, ...program]
  const { error, stderr } = spawnSync('valgrind', valgrind, { cwd: root, encoding: 'utf8' })
  const found = /Collected : (\d+)/.exec(stderr ?? '')
  if (found === null) throw new Error(`valgrind did not count: ${error ?? stderr}`)
  return Number(found[1])
}
