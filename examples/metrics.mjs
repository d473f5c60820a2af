import { controllerOf, FaaSCacheDict } from 'faas-cache-dict'

export const cache = new FaaSCacheDict({ defaultTtl: '1m' })
const controller = controllerOf(cache)

export async function handler({ id }) {
  const value = await controller.getOrSet(id, async () => id.toUpperCase())
  report()
  return value
}

// CloudWatch turns a log line in this format into metrics:
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
function report() {
  const { hits, misses, evictions, items, sizeBytes } = controller.stats()
  controller.resetStats()
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
      hits,
      misses,
      evictions,
      items,
      sizeBytes,
    }),
  )
}
