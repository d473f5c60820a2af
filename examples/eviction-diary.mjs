import { controllerOf, FaaSCacheDict } from 'faas-cache-dict'

const summary = {}
const controller = controllerOf(
  new FaaSCacheDict({ maxSizeBytes: '64K', defaultTtl: '5m', onDelete }),
)

export const handler = ({ id }) => controller.getOrSet(id, load)

const load = async (id) => ({ id, loadedAt: Date.now(), text: 'x'.repeat(2 ** 14) })

function onDelete(key, { loadedAt }, reason, sizeBytes) {
  const ageSeconds = (Date.now() - loadedAt) / 1_000
  console.log(JSON.stringify({ key, reason, ageSeconds, sizeBytes }))
  summary[reason] ??= { entries: 0, bytes: 0, youngestSeconds: Infinity }
  summary[reason].entries++
  summary[reason].bytes += sizeBytes
  summary[reason].youngestSeconds = Math.min(summary[reason].youngestSeconds, ageSeconds)
}

process.once('exit', () => console.log(JSON.stringify(summary)))
