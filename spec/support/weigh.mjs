import { weighedValues } from './weighed-values.mjs'

// node --expose-gc weigh.mjs <module with heapSize> <class of values>: charged ÷ real.
const { heapSize } = await import(process.argv[2])
const [, amount, make, where] = weighedValues[process.argv[3]]
let kept
let charged

const memory = async () => {
  for (let i = 0; i < 4; i++) {
    globalThis.gc()
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  const { heapUsed, external, rss } = process.memoryUsage()
  return where === 'rss' ? rss : heapUsed + external
}

async function weigh() {
  kept = new Array(amount).fill(null)
  charged = 0
  const before = await memory()
  for (let i = 0; i < amount; i++) {
    const value = make()
    // Measuring may change what is measured: it makes one piece of a joined string, and gives a
    // small typed array a buffer of its own. So it does in a cache.
    charged += heapSize(value, '')
    kept[i] = value
  }
  return charged / ((await memory()) - before)
}

// All of it once for nothing, so that code, feedback and shapes are there before it counts. Pages
// that the system has given once would not be seen again.
if (where !== 'rss') await weigh()
console.log(await weigh(), charged / kept.length)
