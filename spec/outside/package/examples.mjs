import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { install, pinned, temporaryFolder } from '../install.mjs'

const run = promisify(execFile)

// The examples as a user runs them: beside an installed package, each call in a new process.
export const examples = {
  lambda,
  'warm-start, restarted': warmStart,
  'shipped-snapshot': shippedSnapshot,
  metrics,
  'otel-metrics': otelMetrics,
  tracing,
  stale,
  'eviction-diary': evictionDiary,
}

/**
 * The answers of the handler to these events, one after the other, and what it logged and warned. `exported`
 * is an expression for what its `exporter` has got.
 */
async function invoke(consumer, name, events, env = {}, exported = 'undefined') {
  const program = `
    import * as example from './examples/${name}.mjs'
    const answers = []
    for (const event of ${JSON.stringify(events)}) {
      answers.push(await example.handler(event).catch(({ message }) => ({ message })))
    }
    const { exporter } = example
    console.log(JSON.stringify({ answers, exported: ${exported} }))`
  const { stdout, stderr } = await run(process.execPath, ['--input-type=module', '-e', program], {
    cwd: consumer,
    env: { ...process.env, ...env },
    timeout: 60_000,
  })
  const lines = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  return { ...lines.pop(), lines, stderr }
}

async function lambda(consumer) {
  let requests = 0
  const origin = createServer((_request, response) => {
    requests++
    response.end(JSON.stringify({ name: { common: 'Ruritania' }, area: 7 }))
  })
  const ORIGIN = await listening(origin)
  const { answers } = await invoke(consumer, 'lambda', [{ id: 'RUR' }, { id: 'RUR' }], { ORIGIN })
  origin.close()
  const answer = { statusCode: 200, body: JSON.stringify({ name: 'Ruritania', area: 7 }) }
  assert.deepEqual([answers, requests], [[answer, answer], 1])
}

async function warmStart(consumer) {
  const env = { SNAPSHOT_FILE: join(temporaryFolder(), 'snapshot') }
  const call = async () => (await invoke(consumer, 'warm-start', [{ id: 'a' }], env)).answers[0]
  const cold = await call()
  assert.deepEqual(cold.isWarm, false)
  assert.deepEqual(await call(), { ...cold, isWarm: true })
  // A snapshot that was cut short must not fail the request.
  writeFileSync(env.SNAPSHOT_FILE, readFileSync(env.SNAPSHOT_FILE).subarray(0, 40))
  assert.deepEqual((await call()).isWarm, false)
}

async function shippedSnapshot(consumer) {
  const events = [{ code: 'USD' }, { code: 'XXX' }]
  assert.deepEqual((await invoke(consumer, 'shipped-snapshot', events)).answers, [
    { rate: 1.09 },
    { rate: null },
  ])
}

async function metrics(consumer) {
  const { lines } = await invoke(consumer, 'metrics', [{ id: 'x' }, { id: 'x' }])
  assert.deepEqual(
    lines.map(({ hits, misses }) => [hits, misses]),
    [
      [0, 1],
      [1, 0],
    ],
  )
  const [{ _aws, ...line }] = lines
  for (const { Name } of _aws.CloudWatchMetrics[0].Metrics)
    assert.deepEqual(typeof line[Name], 'number')
}

async function otelMetrics(consumer) {
  install(consumer, ...pinned('opentelemetry'))
  const events = [{ id: 'x' }, { id: 'x' }, { id: 'y' }]
  const exports = `exporter.getMetrics().map(({ scopeMetrics: [{ metrics }] }) =>
    Object.fromEntries(metrics.map(({ descriptor, dataPoints }) => [descriptor.name, dataPoints[0].value])))`
  const { exported } = await invoke(consumer, 'otel-metrics', events, {}, exports)
  assert.deepEqual(
    exported.map((values) => [values['cache.hits'], values['cache.loads'], values['cache.items']]),
    [
      [0, 1, 1],
      [1, 1, 1],
      [1, 2, 2],
    ],
  )
  for (const value of Object.values(exported[0])) assert.equal(typeof value, 'number')
}

async function tracing(consumer) {
  install(consumer, ...pinned('opentelemetry'))
  const events = [{ code: 'USD' }, { code: 'USD' }, { code: 'XXX' }]
  const spans = `exporter.getFinishedSpans().map((span) => {
    const { name, attributes, status, parentSpanContext } = span
    return { name, attributes, status, id: span.spanContext().spanId, parent: parentSpanContext?.spanId }
  })`
  const { answers, exported } = await invoke(consumer, 'tracing', events, {}, spans)
  const rate = { code: 'USD', rate: 1.09 }
  assert.deepEqual(answers, [rate, rate, { message: 'There is no XXX' }])
  const nameOf = (id) => exported.find((span) => span.id === id)?.name
  assert.deepEqual(
    exported.map(({ name, parent }) => `${name} of ${nameOf(parent)}`),
    [
      'query of cache.load',
      'cache.load of handler',
      'handler of undefined',
      'handler of undefined',
      'query of cache.load',
      'cache.load of handler',
      'handler of undefined',
    ],
  )
  const loads = exported.filter(({ name }) => name === 'cache.load')
  assert.deepEqual(
    loads.map(({ attributes, status }) => [attributes, status]),
    [
      [{ 'cache.key': 'USD', 'cache.stale': false }, { code: 0 }],
      [
        { 'cache.key': 'XXX', 'cache.stale': false },
        { code: 2, message: 'Error: There is no XXX' },
      ],
    ],
  )
}

// The origin answers once. After that it is down.
async function stale(consumer) {
  const origin = createServer((_request, response) => {
    response.setHeader('connection', 'close')
    response.end(JSON.stringify({ rate: 1.09 }), () => origin.close())
  })
  const env = { ORIGIN: await listening(origin), FRESH: '1ms', STALE: '1m' }
  // More requests than fit in a millisecond.
  const events = Array(1_000).fill({ code: 'USD' })
  const { answers, stderr } = await invoke(consumer, 'stale', events, env)
  const answer = { statusCode: 200, body: JSON.stringify({ rate: 1.09 }) }
  assert.deepEqual(answers, Array(1_000).fill(answer))
  assert.match(stderr, /^Serving USD stale: .+\n$/)
  const cold = await invoke(consumer, 'stale', events.slice(0, 1), env)
  assert.equal(cold.answers[0].statusCode, 502)
}

async function evictionDiary(consumer) {
  const events = [{ id: 'a' }, { id: 'b' }, { id: 'c' }, { id: 'a' }, { id: 'd' }, { id: 'e' }]
  const program = `
    import { handler } from './examples/eviction-diary.mjs'
    for (const event of ${JSON.stringify(events)}) await handler(event)`
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', program], {
    cwd: consumer,
    timeout: 60_000,
  })
  const lines = stdout.trim().split('\n')
  const { evicted } = JSON.parse(lines.pop())
  assert.deepEqual(
    lines.map((line) => JSON.parse(line).key),
    ['b', 'c'],
  )
  assert.equal(evicted.entries, 2)
}

async function listening(server) {
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening))
  return `http://127.0.0.1:${server.address().port}`
}
