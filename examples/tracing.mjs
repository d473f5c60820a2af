import { tracingChannel } from 'node:diagnostics_channel'
import { context, SpanStatusCode, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import {
  InMemorySpanExporter,
  NodeTracerProvider,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-node'
import { controllerOf, FaaSCacheDict } from 'faas-cache-dict'

export const exporter = new InMemorySpanExporter() // here: the exporter of your service
const contextManager = new AsyncLocalStorageContextManager()
const spanProcessors = [new SimpleSpanProcessor(exporter)]
new NodeTracerProvider({ spanProcessors }).register({ contextManager })
const tracer = trace.getTracer('faas-cache-dict')

const spans = new WeakMap()
const loads = tracingChannel('faas-cache-dict.load')
// Spans that begin in the factory become children of this one. The storage has no public name.
loads.start.bindStore(contextManager._asyncLocalStorage, (load) => {
  const attributes = { 'cache.key': load.key, 'cache.stale': load.stale !== undefined }
  const span = tracer.startSpan('cache.load', { attributes })
  spans.set(load, span)
  return trace.setSpan(context.active(), span)
})
loads.subscribe({
  error(load) {
    spans.get(load).setStatus({ code: SpanStatusCode.ERROR, message: String(load.error) })
  },
  asyncEnd(load) {
    spans.get(load).end()
  },
})

const rates = controllerOf(new FaaSCacheDict({ defaultTtl: '1m' }))

export const handler = ({ code }) =>
  tracer.startActiveSpan('handler', async (span) => {
    try {
      return await rates.getOrSet(code, load)
    } finally {
      span.end()
    }
  })

// Stands for your query or fetch, and for the span that its instrumentation makes.
const load = (code) =>
  tracer.startActiveSpan('query', async (span) => {
    span.end()
    if (code !== 'USD') throw new Error(`There is no ${code}`)
    return { code, rate: 1.09 }
  })
