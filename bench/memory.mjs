import { LRUCache } from 'lru-cache'
import { alive } from './support/figures.mjs'
import { filling, peers } from './support/peers.mjs'
import { inFreshProcess } from './support/process.mjs'
import { table } from './support/report.mjs'
import { keysOf } from './support/rows.mjs'

const COUNT = 200_000
const WITHOUT_MAX = 'lru-cache without max'
const makers = {
  ...Object.fromEntries(Object.entries(peers).map(([name, { make }]) => [name, make])),
  // It grows as it fills; with `max` it allocates everything at once.
  [WITHOUT_MAX]: () => new LRUCache({ ttl: 3_600_000, maxSize: 2 ** 40, sizeCalculation: () => 1 }),
}

export function run({ quick, isWanted }) {
  const count = quick ? COUNT / 10 : COUNT
  const names = Object.keys(makers).filter((name) => !/Proxy|\[key\]/.test(name) && isWanted(name))
  const rows = names.map((name) => {
    const bytes = inFreshProcess(import.meta.url, 'entryBytes', [name, count], {
      flags: ['--expose-gc'],
    })
    return [name, bytes.toFixed(1)]
  })
  const text = `Heap and external memory after ${count.toLocaleString('en')} writes, without keys and values.

${table(['cache', 'bytes an entry'], rows)}
`
  return { title: 'Memory of an entry', text }
}

export async function entryBytes(name, count) {
  const peer = peers[name] ?? peers['lru-cache']
  const keys = keysOf(count)
  const write = filling(peer)
  write(makers[name]({ count: 10 }), keys.slice(0, 10), [true])
  const before = await alive()
  const cache = makers[name]({ count })
  write(cache, keys, [true])
  const bytes = ((await alive()) - before) / count
  // Both must outlive the measurement.
  if (keys.length !== count || cache === undefined) throw new Error('entries were lost')
  return bytes
}
