import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { controllerOf } from 'faas-cache-dict'
import { expect, test, vi } from 'vitest'
import { inChild } from '../support/child.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const example = (name: string) =>
  import(new URL(`../../examples/${name}.mjs`, import.meta.url).href)

test('the handler of the demo loads an id once for two concurrent requests', async () => {
  let requests = 0
  const server = createServer((_request, response) => {
    requests++
    response.end(JSON.stringify({ name: { common: 'Ruritania' }, area: 7 }))
  })
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  process.env.ORIGIN = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const { handler } = await example('lambda')
  const answers = await Promise.all([handler({ id: 'RUR' }), handler({ id: 'RUR' })])
  server.close()
  expect(answers.map(({ body }) => JSON.parse(body))).toEqual([
    { name: 'Ruritania', area: 7 },
    { name: 'Ruritania', area: 7 },
  ])
  expect(requests).toBe(1)
})

test('a process that restarts in the same environment starts warm', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'warm-'))
  process.env.SNAPSHOT_FILE = join(folder, 'snapshot')
  const module = join(root, 'examples/warm-start.mjs')
  const program = `import { handler } from ${JSON.stringify(module)}
    console.log(JSON.stringify(await handler({ id: 'a' })))`
  const cold = (await inChild(program)) as object
  expect(cold).toMatchObject({ isWarm: false })
  expect(await inChild(program)).toEqual({ ...cold, isWarm: true })
  rmSync(folder, { recursive: true })
})

test('with a snapshot deployed beside the function, the first request is a hit', async () => {
  const { handler, cache } = await example('shipped-snapshot')
  expect(await handler({ code: 'USD' })).toEqual({ rate: 1.09 })
  expect(controllerOf(cache).stats()).toMatchObject({ hits: 1, misses: 0 })
})

test('the handler logs its statistics as CloudWatch embedded metrics', async () => {
  const { handler } = await example('metrics')
  const log = vi.spyOn(console, 'log').mockImplementation(() => {})
  await handler({ id: 'x' })
  await handler({ id: 'x' })
  const [first, second] = log.mock.calls.map(([line]) => JSON.parse(line))
  log.mockRestore()
  expect(first).toMatchObject({ hits: 0, misses: 1, items: 1 })
  expect(second).toMatchObject({ hits: 1, misses: 0 })
  for (const { Name } of first._aws.CloudWatchMetrics[0].Metrics) expect(first).toHaveProperty(Name)
})

test('the diary says who left, why, how old and how large, and sums up by reason at the end', async () => {
  const module = join(root, 'examples/eviction-diary.mjs')
  const lines = (await inChild(`
    import { handler } from ${JSON.stringify(module)}
    const lines = []
    console.log = (line) => lines.push(JSON.parse(line))
    process.once('exit', () => process.stdout.write(JSON.stringify(lines)))
    for (const id of ['a', 'b', 'c', 'a', 'd', 'e']) await handler({ id })
  `)) as { reason: string; sizeBytes: number; ageSeconds: number }[]
  const summary = lines.pop()
  expect(lines).toMatchObject([
    { key: 'b', reason: 'evicted' },
    { key: 'c', reason: 'evicted' },
  ])
  const [{ ageSeconds, sizeBytes }] = lines as [(typeof lines)[0]]
  expect(ageSeconds).toBeGreaterThanOrEqual(0)
  expect(sizeBytes).toBeGreaterThan(2 ** 14)
  expect(summary).toEqual({
    evicted: {
      entries: 2,
      bytes: lines.reduce((sum, line) => sum + line.sizeBytes, 0),
      youngestSeconds: Math.min(...lines.map((line) => line.ageSeconds)),
    },
  })
})

test('while the origin is down, the handler serves stale rates and leaves the origin alone', async () => {
  let requests = 0
  let isDown = false
  const origin = vi.spyOn(globalThis, 'fetch').mockImplementation(async () => {
    requests++
    return isDown ? new Response('', { status: 503 }) : Response.json({ rate: 1.09 })
  })
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
  vi.useFakeTimers()
  const { handler, controller } = await example('stale')
  const call = () => handler({ code: 'USD' })
  const served = { statusCode: 200, body: JSON.stringify({ rate: 1.09 }) }
  expect(await call()).toEqual(served)
  isDown = true
  vi.advanceTimersByTime(60_000)
  expect(await Promise.all([call(), call()])).toEqual([served, served])
  vi.advanceTimersByTime(4_999)
  expect(await call()).toEqual(served)
  expect(requests).toBe(2)
  vi.advanceTimersByTime(1)
  expect(await call()).toEqual(served)
  expect(requests).toBe(3)
  expect(warn.mock.calls.at(-1)).toEqual(['Serving USD stale: The origin answered 503 for USD'])
  expect(controller.stats()).toMatchObject({ loads: 3, loadFailures: 2, staleHits: 4 })
  vi.advanceTimersByTime(3_600_000)
  expect(await call()).toEqual({ statusCode: 502, body: 'The origin answered 503 for USD' })
  isDown = false
  expect(await call()).toEqual(served)
  vi.useRealTimers()
  origin.mockRestore()
  warn.mockRestore()
})
