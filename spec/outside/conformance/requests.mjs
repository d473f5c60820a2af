import { controllerOf, FaaSCacheDict } from 'faas-cache-dict'
import { equal, ok, sleep } from './expect.mjs'

// At module scope, where functions keep their state.
export const clockAtImport = Date.now()
const left = []
let loads = 0
const kept = new FaaSCacheDict({ defaultTtl: '1h' }, { first: 'alive' })
const brief = new FaaSCacheDict({ defaultTtl: '400ms' }, { first: 'alive' })
const swept = new FaaSCacheDict({
  defaultTtl: '200ms',
  sweepInterval: '100ms',
  onDelete: (key, _value, reason) => left.push(`${key} ${reason}`),
})
const impatient = new FaaSCacheDict({ pendingTtl: '1s' })
const written = { by: 'an earlier request' }
const leftRequest = []
let made

const HUNG = Symbol('hung')
const orHung = (promise) => Promise.race([promise, sleep(1_200).then(() => HUNG)])
const load = async (milliseconds) => {
  await sleep(milliseconds)
  return ++loads
}

/** Waits for the next slices of a sweep, for less than its interval: a busy machine needs several. */
async function slices(cache, isSwept) {
  await null
  // Without WeakRef there is no sweep, and reading the size removes expired entries.
  if (globalThis.WeakRef === undefined) equal(controllerOf(cache).size, 1)
  for (let i = 0; i < 8 && !isSwept(); i++) await sleep(5)
}

const shareLoad = async () => equal(await controllerOf(kept).getOrSet('load', () => load(300)), 1)
const sharePromise = async () => equal(await (kept.promise ??= load(300)), 2)

/** Each is a request of its own, in this order; the members of an object are sent at the same time. */
export const requests = {
  'an initial entry is alive at the first request, with its TTL before it': () => {
    equal(kept.first, 'alive')
    const left = controllerOf(kept).ttl('first')
    ok(left > 3_590 && left <= 3_600, `${left} of 3600 seconds are left`)
    if (clockAtImport === 0) equal(brief.first, 'alive', 'a brief one, where the clock read 0')
  },
  'an initial entry expires its TTL after the first reading of a clock': async () => {
    await sleep(450)
    equal([brief.first, 'first' in brief, controllerOf(brief).size], [undefined, false, 0])
    equal(kept.first, 'alive')
  },
  'a request writes': () => {
    kept.written = written
  },
  'the next request reads the same object': () =>
    ok(kept.written === written, 'it is the same object'),
  'a request writes an entry that will expire': () => {
    brief.soon = 1
    swept.soon = 1
    equal([brief.soon, swept.soon], [1, 1])
  },
  'an entry that expired between requests is not served': async () => {
    await sleep(450)
    equal([brief.soon, 'soon' in brief, Object.keys(brief)], [undefined, false, []])
  },
  'an entry that expired between requests is swept after the next write at the latest':
    async () => {
      await sleep(250)
      swept.later = 1
      await slices(swept, () => left.length === 1)
      equal(left, ['soon expired'])
    },
  'a request makes a cache': () => {
    made = new FaaSCacheDict({
      defaultTtl: '100ms',
      sweepInterval: '100ms',
      onDelete: (key, _value, reason) => leftRequest.push(`${key} ${reason}`),
    })
    made.first = { by: 'the request that made it' }
  },
  ...Object.fromEntries(
    Array.from({ length: 5 }, (_, i) => [
      `request ${i + 1} after it writes to that cache more than two sweep intervals later`,
      async () => {
        await sleep(250)
        made[i] = { i }
        const earlier = `${i === 0 ? 'first' : i - 1} expired`
        await slices(made, () => leftRequest.includes(earlier))
        ok(leftRequest.includes(earlier), `the earlier entry was swept: ${leftRequest}`)
        equal(await (made.promise ??= Promise.resolve({ i })), { i })
        equal(await controllerOf(made).getOrSet('loaded', async () => i), i)
        equal(Object.keys(made), [String(i), 'promise', 'loaded'])
      },
    ]),
  ),
  'two requests at once share one load': { 'the first': shareLoad, 'the second': shareLoad },
  'two requests at once share one promise': {
    'the first': sharePromise,
    'the second': sharePromise,
  },
  'a promise that an earlier request saw fulfilled is served': async () => {
    ok(kept.promise instanceof Promise, 'it is a promise')
    equal([await kept.promise, await orHung(kept.promise), loads], [2, 2, 2])
    const left = controllerOf(kept).ttl('promise')
    ok(left > 3_590 && left <= 3_600, `its TTL began when it fulfilled: ${left} seconds are left`)
  },
  'a request ends before its load': () => {
    impatient.promise = load(200)
    controllerOf(impatient).getOrSet('load', () => load(200))
  },
  'a load whose request has ended does not fail getOrSet': async () => {
    await sleep(300)
    const again = () => controllerOf(impatient).getOrSet('load', () => load(10))
    const seen = await orHung(again())
    ok(seen !== HUNG || typeof (await again()) === 'number', 'it waits for pendingTtl at most')
  },
  'a promise whose request has ended rejects, or is served for pendingTtl at most': async () => {
    const ask = () => orHung((impatient.promise ??= load(10))).catch(() => HUNG)
    const seen = await ask()
    ok(seen !== HUNG || typeof (await ask()) === 'number', 'the second has an answer')
  },
  'statistics of all these requests add up': () => {
    for (const cache of [kept, brief, swept, impatient]) {
      const { writes, items, ...stats } = controllerOf(cache).stats()
      const { replacements, evictions, expirations, deletions, clears, rejections } = stats
      const removals = replacements + evictions + expirations + deletions + clears + rejections
      equal(items, writes - removals, 'items')
      equal(items, Object.keys(cache).length, 'items')
    }
  },
}
