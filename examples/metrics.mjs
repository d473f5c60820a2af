import { controllerOf, FaaSCacheDict } from 'faas-cache-dict'

export const cache = new FaaSCacheDict({ defaultTtl: '1m' })
const controller = controllerOf(cache)
let before = controller.stats()

export async function handler({ id }) {
  const value = await controller.getOrSet(id, async () => id.toUpperCase())
  report()
  return value
}

// CloudWatch turns a log line in this format into metrics:
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
function report() {
  const stats = controller.stats()
  // Differences, since `resetStats` would also restart the counts of an advisor.
  const since = (name) => stats[name] - before[name]
  const metric = (Name, Unit = 'Count') => ({ Name, Unit })
  console.log(
    JSON.stringify({
      _aws: {
        Timestamp: Date.now(),
        CloudWatchMetrics: [
          {
            Namespace: 'faas-cache-dict',
            Dimensions: [['function']],
            Metrics: [
              metric('hits'),
              metric('misses'),
              metric('evictions'),
              metric('items'),
              metric('sizeBytes', 'Bytes'),
            ],
          },
        ],
      },
      function: process.env.AWS_LAMBDA_FUNCTION_NAME ?? 'local',
      hits: since('hits'),
      misses: since('misses'),
      evictions: since('evictions'),
      items: stats.items,
      sizeBytes: stats.sizeBytes,
    }),
  )
  before = stats
}
