import { controllerOf, FaaSCacheDict } from 'faas-cache-dict'
import { checks } from './checks.mjs'
import { clockAtImport, requests } from './requests.mjs'

const groups = Object.entries({ ...requests, ...checks }).map(([name, run]) =>
  typeof run === 'function'
    ? [[name, run]]
    : Object.entries(run).map(([which, run]) => [`${name}: ${which}`, run]),
)
const checkOf = new Map(groups.flat())

/**
 * Answers a request, which asks for `plan` or for a check by its name, with a value for JSON. `waitUntil` is
 * that of the request, where the platform has one.
 */
export async function answer(name, waitUntil) {
  if (name === 'plan') {
    return {
      groups: groups.map((group) => group.map(([name]) => name)),
      clockAtImport,
      defaultBudget: controllerOf(new FaaSCacheDict()).maxSizeBytes,
    }
  }
  try {
    await checkOf.get(name)(waitUntil)
    return { passed: true }
  } catch (error) {
    return { passed: false, error: String(error) }
  }
}
