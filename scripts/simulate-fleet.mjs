import { writeFileSync } from 'node:fs'
import { chart } from './fleet/chart.mjs'
import { SCENE, simulate } from './fleet/simulation.mjs'

const FLEETS = [10, 100, 1_000]
const BUDGETS = ['128K', '256K', '512K', '1M', '2M', '4M', '8M']

const fleets = FLEETS.map((instances) => ({
  instances,
  points: BUDGETS.map((budget) => {
    const point = simulate(instances, budget)
    const { first, second, storeLoad, originLoad } = point
    console.log(
      `${String(instances).padStart(5)} instances of ${budget.padStart(4)}: first tier ${percent(first)}, store ${percent(second)} of the rest; a second ${perSecond(storeLoad)} on the store, ${perSecond(originLoad)} on the origin`,
    )
    return point
  }),
}))
const { rows, ttlSeconds, requestsASecond } = SCENE
const frozen = percent(fleets.at(-1).points[0].frozen).trim()
const caption = `${rows.toLocaleString('en')} rows of 10 KB, TTL ${ttlSeconds / 60} minutes, ${requestsASecond} requests a second an instance; on average ${frozen} of them are frozen`
writeFileSync(new URL('../docs/fleet.svg', import.meta.url), chart(BUDGETS, fleets, caption))

function percent(share) {
  return `${(share * 100).toFixed(0).padStart(3)} %`
}

function perSecond(load) {
  return load.toFixed(load < 10 ? 1 : 0).padStart(6)
}
