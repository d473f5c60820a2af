import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { BATCH } from './support/operations.mjs'
import { inFreshProcess, scratch, tools } from './support/process.mjs'
import { table, whole } from './support/report.mjs'

const OPERATIONS = new URL('./support/operations.mjs', import.meta.url)
const CACHES = ['Map', 'lru-cache', 'controller', 'Proxy of Map', 'cache[key]']
const WANTED = {
  hit: CACHES,
  'read one name': CACHES,
  overwrite: CACHES,
  'overwrite one name': CACHES,
  'insert at the byte limit': ['lru-cache', 'controller', 'cache[key]'],
}

export function run({ quick, isWanted }) {
  const rows = Object.entries(WANTED).filter(([operation]) => isWanted(operation))
  const text = `Instructions of one operation among 1,000 entries on Node 20, with the loop around it, as valgrind
counts them. Other programs on the machine do not change them.

${table(
  ['operation', ...CACHES],
  rows.map(([operation, wanted]) => [
    operation,
    ...CACHES.map((cache) => (wanted.includes(cache) ? counted(cache, operation, quick) : '')),
  ]),
)}
`
  return { title: 'Instructions', text }
}

/** The difference between a long and a short run leaves out the start and the compiler. */
function counted(cache, operation, quick) {
  const few = 20
  const many = quick ? 40 : 120
  const all = (batches) => instructions([cache, operation, 1_000, batches])
  return whole((all(many) - all(few)) / ((many - few) * BATCH))
}

function instructions(args) {
  tools()
  const file = join(scratch, 'callgrind')
  inFreshProcess(OPERATIONS, 'repeated', args, {
    on: 'node20',
    flags: ['--single-threaded'],
    wrapper: ['valgrind', '--quiet', '--tool=callgrind', `--callgrind-out-file=${file}`],
  })
  const [, total] = /^(?:totals|summary): (\d+)/m.exec(readFileSync(file, 'utf8'))
  return Number(total)
}
