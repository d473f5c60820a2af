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
    // Measuring may change the value, as it does in a cache: it joins the parts of a concatenated
    // string, and gives a small typed array its own buffer.
    charged += heapSize(value, '')
    kept[i] = value
  }
  return charged / ((await memory()) - before)
}

// The first run creates code, feedback and shapes, so that the second run does not count them. There is
// no first run for `rss`, since it would leave the process with pages that the second run reuses.
if (where !== 'rss') await weigh()
console.log(await weigh(), charged / kept.length)
