import { metrics } from '@opentelemetry/api'
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import { controllerOf, FaaSCacheDict } from 'faas-cache-dict'

// Here: the exporter of your service.
export const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
const reader = new PeriodicExportingMetricReader({ exporter })
metrics.setGlobalMeterProvider(new MeterProvider({ readers: [reader] }))

const controller = controllerOf(new FaaSCacheDict({ defaultTtl: '1m' }))

// They count from the start of the process, so do not call `resetStats`.
const counts = ['hits', 'misses', 'evictions', 'expirations', 'loads', 'loadFailures', 'staleHits']
const meter = metrics.getMeter('faas-cache-dict')
const instruments = {
  ...Object.fromEntries(
    counts.map((name) => [name, meter.createObservableCounter(`cache.${name}`)]),
  ),
  items: meter.createObservableGauge('cache.items'),
  sizeBytes: meter.createObservableGauge('cache.sizeBytes', { unit: 'By' }),
}
meter.addBatchObservableCallback((result) => {
  const stats = controller.stats()
  for (const [name, instrument] of Object.entries(instruments)) {
    result.observe(instrument, stats[name])
  }
}, Object.values(instruments))

export async function handler({ id }) {
  const value = await controller.getOrSet(id, async () => id.toUpperCase())
  // A function is frozen after its response. A server needs no flush.
  await reader.forceFlush()
  return value
}
