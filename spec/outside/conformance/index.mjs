import { controllerOf, FaaSCacheDict } from 'faas-cache-dict'
import { checks } from './checks.mjs'
import { clockAtImport, requests } from './requests.mjs'

const groups = [...requests, ...checks].map((group) => (Array.isArray(group[0]) ? group : [group]))
const named = new Map(groups.flat())

/** What a request asks for: `plan`, or a check by its name. The answer can be said in JSON. */
export async function answer(name) {
  if (name === 'plan') {
    return {
      groups: groups.map((group) => group.map(([name]) => name)),
      clockAtImport,
      defaultBudget: controllerOf(new FaaSCacheDict()).maxSizeBytes,
    }
  }
  try {
    await named.get(name)()
    return { passed: true }
  } catch (error) {
    return { passed: false, error: `${error}` }
  }
}
