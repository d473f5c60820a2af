import { measure } from 'mitata'
import { inOrder } from './operations.mjs'

const BATCH = 1000
// A batch is long enough for the clock: no sample need be made of thousands of them.
const ONCE = { batch_threshold: 0, min_samples: 1 }
const row = (id) =>
  JSON.parse(
    JSON.stringify({
      id,
      name: `Name of ${id}`,
      isActive: id % 2 === 0,
      tags: Array.from({ length: 12 }, (_, i) => `tag ${id} ${i}`),
      lines: Array.from({ length: 14 }, (_, i) => ({
        sku: `sku-${id}-${i}`,
        count: i,
        price: i + 0.5,
      })),
    }),
  )
const rows = Array.from({ length: 500 }, (_, id) => row(id))
const texts = Array.from({ length: 500 }, (_, id) => `value ${id}`)

/** Nanoseconds an operation of each subject: the median of its turns. */
export async function measured(subjects, operation, count, keys, { turns, cpuTime }) {
  const runs = Object.entries(subjects)
    .filter(([, subject]) => operation.takes(subject))
    .map(([name, subject]) => ({ name, times: [], ...prepared(subject, operation, count, keys) }))
  for (let turn = 0; turn < turns; turn++) {
    for (let at = 0; at < runs.length; at++) {
      const run = runs[(at + turn) % runs.length]
      const { p50 } = await measure(run.batch, { ...ONCE, min_cpu_time: cpuTime * 1e6 })
      run.times.push(p50 / run.size)
    }
  }
  return Object.fromEntries(runs.map(({ name, times }) => [name, median(times)]))
}

export function median(numbers) {
  return numbers.toSorted((a, b) => a - b)[numbers.length >> 1]
}

/** One operation on one subject, many times over: a batch to run, and how many it is. */
export function prepared(subject, operation, count, keys) {
  const values = operation.isWeighed ? rows : texts
  const { isWeighed, limit } = operation
  let limits = { count, isWeighed, items: limit === 'items' ? count : undefined }
  const filled = () => fill(subject, limits, count, keys, values)
  if (limit === 'bytes' && subject.bytesOf !== undefined) {
    // What this many entries take while one leaves for each that comes: the engine's own `Map` is
    // larger then than when it was filled.
    const churned = fill(subject, { ...limits, items: count }, 2 * count, keys, values)
    limits = { ...limits, bytes: subject.bytesOf(churned) }
  }
  const cache = filled()
  if (operation.isWhole) {
    const whole = compiled(`let out; ${operation.body(subject)}; return out`)
    return { size: count, batch: whole(cache) }
  }
  const order = operation.order(count)
  if (operation.isFresh) {
    return { size: count, batch: () => fill(subject, limits, count, keys, values) }
  }
  const loop = compiled(loopOf(operation.body(subject), BATCH))
  return { size: BATCH, batch: loop(cache, keys, values, order, count) }
}

// A loop of its own for each, since the engine would make one shared call site slow for all.
function compiled(body) {
  return new Function(
    'cache, keys, values, order, start = 0',
    `const hour = { ttl: 3600 }; let at = start % (order?.length ?? 1); return () => { ${body} }`,
  )
}

function loopOf(body, length) {
  return `let out; for (let i = 0; i < ${length}; i++) {
    const index = order[at]; if (++at === order.length) at = 0
    const key = keys[index]; const value = values[(index + i) % values.length]
    ${body}
  } return out`
}

const fillers = new Map()

function fill(subject, limits, count, keys, values) {
  let filler = fillers.get(subject)
  if (filler === undefined) {
    filler = new Function(
      'cache, keys, values, order',
      `const hour = { ttl: 3600 }; for (let i = 0; i < order.length; i++) {
        const key = keys[order[i]]; const value = values[i % values.length]; ${subject.set} }`,
    )
    fillers.set(subject, filler)
  }
  const cache = subject.make(limits)
  filler(cache, keys, values, orderOf(count))
  return cache
}

const orders = new Map()

function orderOf(count) {
  if (!orders.has(count)) orders.set(count, inOrder(count))
  return orders.get(count)
}
