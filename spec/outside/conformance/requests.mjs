import { controllerOf, FaaSCacheDict, TimeoutError } from 'faas-cache-dict'
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

const jittered = new FaaSCacheDict({ defaultTtl: '1h', ttlJitter: 0.5 }, { first: 'alive' })
const patient = controllerOf(
  new FaaSCacheDict({
    defaultTtl: '1h',
    staleWhileRevalidate: '1h',
    staleIfError: '1h',
    timeout: '300ms',
    pendingTtl: '1s',
    onError: (error) => unheard.push(String(error)),
  }),
)
const unheard = []
const lasting = new AbortController()
const never = () => new Promise(() => {})
const outcome = (promise) => promise.catch((error) => error)
const atImport = outcome(patient.getOrSet('at import', async () => 'loaded', { softTimeout: 1 }))
const hungAtImport = outcome(patient.getOrSet('hung at import', never))
const joint = { hasBegun: false, left: 0 }

const HUNG = Symbol('hung')
const orHung = (promise) => Promise.race([promise, sleep(1_200).then(() => HUNG)])
const load = async (milliseconds) => {
  await sleep(milliseconds)
  return ++loads
}
const loadAs = (value, milliseconds) => async () => {
  await sleep(milliseconds)
  return value
}
/** Stores a value, and waits until it is stale. */
const storeStale = async (key) => {
  patient.set(key, 'stale', { ttl: '1ms' })
  while (patient.has(key)) await sleep(5)
}
/** An option that ends a wait after 50 milliseconds. */
const signal = () => {
  const aborter = new AbortController()
  setTimeout(() => aborter.abort('gone'), 50)
  return aborter.signal
}
/** Joins the load of another request, and leaves before it ends. */
const leaveJoint = async (options) => {
  for (let i = 0; i < 100 && !joint.hasBegun; i++) await sleep(10)
  const seen = await outcome(patient.getOrSet('joint', () => 'another load', options))
  joint.left++
  return seen
}
const leaveAlone = async () =>
  equal(await outcome(patient.getOrSet('left', never, { signal: signal() })), 'gone')

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
  'a caller who joins a load that began at import waits no longer than its timeout': async () => {
    const seen = await orHung(outcome(patient.getOrSet('hung at import', never)))
    ok(seen instanceof TimeoutError && hungAtImport instanceof Promise, String(seen))
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
  'ttlJitter shortens a TTL that began at import': () => {
    const left = controllerOf(jittered).ttl('first')
    ok(left > 1_790 && left <= 3_600, `${left} of 3600 seconds are left`)
  },
  'a load that began at import, with timers, is served': async () => {
    equal([await orHung(atImport), patient.peek('at import')], ['loaded', 'loaded'])
  },
  'a stale value is served at once, and its load goes on after the response': async (waitUntil) => {
    await storeStale('a')
    equal(await patient.getOrSet('a', loadAs('new', 200), { waitUntil }), 'stale')
  },
  'the next request sees what the load in the background gave': async () => {
    await sleep(300)
    equal(await patient.getOrSet('a', never), 'new')
  },
  'a stale value is served after softTimeout, and its load goes on': async (waitUntil) => {
    await storeStale('b')
    const options = { staleWhileRevalidate: 0, softTimeout: '50ms', waitUntil }
    equal(await patient.getOrSet('b', loadAs('new', 200), options), 'stale')
  },
  'the next request sees what that load gave': async () => {
    await sleep(300)
    equal(await patient.getOrSet('b', never), 'new')
  },
  'a stale value is served, and nothing keeps the request until its load is over': async () => {
    await storeStale('c')
    equal(await patient.getOrSet('c', loadAs('new', 200)), 'stale')
  },
  'a load that has died with its request is given up after pendingTtl': async (waitUntil) => {
    await sleep(1_100)
    const isAlive = patient.peek('c') === 'new'
    const loadAgain = () => patient.getOrSet('c', loadAs('newer', 10), { waitUntil })
    equal(await loadAgain(), isAlive ? 'new' : 'stale')
    await sleep(100)
    equal(await loadAgain(), isAlive ? 'new' : 'newer')
  },
  'a caller who joins a load whose request has ended waits no longer than its timeout': {
    'a request begins it': () => {
      patient.getOrSet('d', loadAs('new', 100))
    },
    'another joins': async () => {
      const seen = await orHung(outcome(patient.getOrSet('d', loadAs('new', 100))))
      ok(seen === 'new' || seen instanceof TimeoutError, String(seen))
    },
  },
  'three requests share a load': {
    'one waits for it': async () => {
      const load = async () => {
        joint.hasBegun = true
        for (let i = 0; i < 100 && joint.left < 2; i++) await sleep(10)
        return 'one load'
      }
      equal(await patient.getOrSet('joint', load, { timeout: '10s' }), 'one load')
    },
    'one leaves by its signal': async () => equal(await leaveJoint({ signal: signal() }), 'gone'),
    'one leaves by its timeout': async () => {
      const seen = await leaveJoint({ timeout: '50ms' })
      ok(seen instanceof TimeoutError, String(seen))
    },
  },
  'two requests share a load, and both leave it': {
    'one of them': leaveAlone,
    'the other': leaveAlone,
  },
  'the next request loads anew what all have left': async () =>
    equal(await orHung(patient.getOrSet('left', () => 'another load')), 'another load'),
  'a request ends before its load, with a signal that lasts': () => {
    patient.getOrSet('signalled', never, { signal: lasting.signal })
  },
  'the signal ends the wait of the next request': async () => {
    setTimeout(() => lasting.abort('gone'), 50)
    const wait = patient.getOrSet('signalled', never, { signal: lasting.signal })
    equal(await orHung(outcome(wait)), 'gone')
  },
  'no load of all these requests has left an error that nobody heard of': () => equal(unheard, []),
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
