import { controllerOf, FaaSCacheDict } from 'faas-cache-dict'
import { freshKeys, median, randomFrom } from './support.mjs'

const ENTRIES = 10_000
const READS = 10_000
const ROUNDS = 400

const random = randomFrom(1)
const keys = freshKeys('some', ENTRIES)
const order = Array.from({ length: READS }, () => keys[random(ENTRIES)])
const filled = (defaultTtl) => {
  const cache = new FaaSCacheDict({ defaultTtl, maxSizeBytes: null, sweepInterval: null })
  const controller = controllerOf(cache)
  for (const key of keys) controller.set(key, key.length)
  return controller
}
const subjects = { withoutTtl: filled(null), withTtl: filled('1d') }

let sum = 0
function read(controller, count) {
  const began = performance.now()
  for (let index = 0; index < count; index++) sum += controller.get(order[index])
  return ((performance.now() - began) / count) * 1e6
}

const newRun = () => new Promise((resolve) => setImmediate(resolve))
const times = { withoutTtl: [], withTtl: [], firstOfRun: [], firstOfRunWithoutTtl: [] }
for (let round = 0; round < ROUNDS; round++) {
  // Taking turns at being first, since what comes second finds the processor's caches warm.
  const names = round % 2 ? ['withTtl', 'withoutTtl'] : ['withoutTtl', 'withTtl']
  for (const name of names) {
    await newRun()
    const time = read(subjects[name], READS)
    if (round >= ROUNDS / 2) times[name].push(time)
  }
  await newRun()
  times.firstOfRunWithoutTtl.push(read(subjects.withoutTtl, 1))
  await newRun()
  times.firstOfRun.push(read(subjects.withTtl, 1))
}
if (sum === 0) throw new Error('Nothing was read')
console.log(
  JSON.stringify(
    Object.fromEntries(Object.entries(times).map(([name, all]) => [name, median(all)])),
  ),
)
