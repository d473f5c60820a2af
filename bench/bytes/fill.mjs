import { controllerOf, FaaSCacheDict } from '../../dist/index.js'
import { alive } from './alive.mjs'
import { classes, OUTSIDE } from './classes.mjs'
import { dataSets, textsOf } from './data-sets.mjs'

// Fills a cache of 64 MiB with one class of value or the rows of one data set, again and again,
// and says what it takes: by itself, and by the growth of the process.
const [kind, name, cache] = process.argv.slice(2)
const make = kind === 'class' ? classes.find((each) => each.name === name).make : nextRow()

filled('2M')
const before = await alive(OUTSIDE.has(name))
const controller = filled('64M')
const growth = (await alive(OUTSIDE.has(name))) - before
const { items, sizeBytes } = controller.stats()
console.log(JSON.stringify({ items, charged: sizeBytes, real: growth }))

function filled(maxSizeBytes) {
  const controller = controllerOf(new FaaSCacheDict({ maxSizeBytes, sweepInterval: null }))
  for (let id = 0; controller.stats().evictions === 0; id++) controller.set(`id-${id}`, make())
  return controller
}

function nextRow() {
  const texts = textsOf(
    dataSets.find((set) => set.name === name),
    `${cache}/node_modules`,
  )
  let at = 0
  return () => JSON.parse(texts[at++ % texts.length])
}
