import { execFile } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** The examples as a user runs them: copied beside an installed package, each call in a new process. */
export function examples(consumer, source) {
  cpSync(source, join(consumer, 'examples'), { recursive: true })
  return [
    { name: 'example: lambda', run: () => lambda(consumer) },
    { name: 'example: warm-start, restarted', run: () => warmStart(consumer) },
    { name: 'example: shipped-snapshot', run: () => shippedSnapshot(consumer) },
    { name: 'example: metrics', run: () => metrics(consumer) },
  ]
}

/** What the handler answers to these events, one after the other, and what it wrote. */
async function invoke(consumer, name, events, env = {}) {
  const program = `
    import { handler } from './examples/${name}.mjs'
    const answers = []
    for (const event of ${JSON.stringify(events)}) answers.push(await handler(event))
    console.log(JSON.stringify(answers))`
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', program], {
    cwd: consumer,
    env: { ...process.env, ...env },
    timeout: 60_000,
  })
  const lines = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  return { answers: lines.pop(), lines }
}

function expect(seen, expected) {
  if (JSON.stringify(seen) !== JSON.stringify(expected)) {
    throw new Error(`Seen ${JSON.stringify(seen)}, expected ${JSON.stringify(expected)}`)
  }
}

async function lambda(consumer) {
  let requests = 0
  const origin = createServer((_request, response) => {
    requests++
    response.end(JSON.stringify({ name: { common: 'Ruritania' }, area: 7 }))
  })
  await new Promise((listening) => origin.listen(0, '127.0.0.1', listening))
  const ORIGIN = `http://127.0.0.1:${origin.address().port}`
  const { answers } = await invoke(consumer, 'lambda', [{ id: 'RUR' }, { id: 'RUR' }], { ORIGIN })
  origin.close()
  const answer = { statusCode: 200, body: JSON.stringify({ name: 'Ruritania', area: 7 }) }
  expect([answers, requests], [[answer, answer], 1])
}

async function warmStart(consumer) {
  const folder = mkdtempSync(join(tmpdir(), 'warm-'))
  const env = { SNAPSHOT_FILE: join(folder, 'snapshot') }
  const call = async () => (await invoke(consumer, 'warm-start', [{ id: 'a' }], env)).answers[0]
  const cold = await call()
  expect(cold.isWarm, false)
  expect(await call(), { ...cold, isWarm: true })
  // What was cut short is no reason to fail.
  writeFileSync(env.SNAPSHOT_FILE, readFileSync(env.SNAPSHOT_FILE).subarray(0, 40))
  expect((await call()).isWarm, false)
  rmSync(folder, { recursive: true })
}

async function shippedSnapshot(consumer) {
  const events = [{ code: 'USD' }, { code: 'XXX' }]
  expect((await invoke(consumer, 'shipped-snapshot', events)).answers, [
    { rate: 1.09 },
    { rate: null },
  ])
}

async function metrics(consumer) {
  const { lines } = await invoke(consumer, 'metrics', [{ id: 'x' }, { id: 'x' }])
  expect(
    lines.map(({ hits, misses }) => [hits, misses]),
    [
      [0, 1],
      [1, 0],
    ],
  )
  const [{ _aws, ...line }] = lines
  for (const { Name } of _aws.CloudWatchMetrics[0].Metrics) expect(typeof line[Name], 'number')
}
